"""Calls as values, and the descriptors that make them: one method body for both kinds of client.

A sub-client's method only builds a request. Its decorator says how the request is made, and gives
the method the type that fits its client: on `Concord` it returns the answer, on `AsyncConcord` an
awaitable of the same answer. Nothing is written twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from google.protobuf.message import Message

from clients.sdk.config import random_request_id
from clients.sdk.paging import AsyncListing, Listing
from clients.sdk.watching import AsyncWatch, Watch

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
M = TypeVar("M")

Ids = Callable[[], str]


class Blocking:
    """Marks the sub-clients of `Concord`: a call returns its answer."""


class Awaiting:
    """Marks the sub-clients of `AsyncConcord`: a call returns an awaitable."""


@dataclass(frozen=True)
class Call(Generic[R]):
    """One request to one method of a generated stub."""

    stub: type
    method: str
    request: Message
    # None: the client's own deadline.
    timeout_s: float | None = None


@dataclass(frozen=True)
class Pages(Generic[T]):
    """A list method, and where its items are in a page."""

    first: Call[Any]
    items: Callable[[Any], Sequence[T]]


@dataclass(frozen=True)
class Feed(Generic[R]):
    """A watch method: a stream without end that can be asked for again."""

    call: Call[R]
    # Whether request and answers have a `cursor` to resume from; without, an answer is complete.
    has_cursor: bool = True
    # Whether an answer is news, and not a mere cursor.
    is_news: Callable[[R], bool] = field(default=lambda _: True)


@dataclass(frozen=True)
class Upload(Generic[R]):
    """A client stream: many requests, one answer."""

    stub: type
    method: str
    requests: Iterable[Message] | AsyncIterable[Message]
    timeout_s: float


class Transport(Protocol):
    """Makes calls; there is one for blocking callers and one for asyncio."""

    def unary(self, call: Call[Any]) -> Any: ...  # noqa: ANN401  # Descriptors give the type.
    def listing(self, pages: Pages[Any]) -> Any: ...  # noqa: ANN401
    def watch(self, feed: Feed[Any]) -> Any: ...  # noqa: ANN401
    def upload(self, upload: Upload[Any]) -> Any: ...  # noqa: ANN401


class SubClient(Generic[M]):
    """The calls of one noun."""

    def __init__(self, transport: Transport, ids: Ids = random_request_id) -> None:
        self.transport = transport
        self.ids = ids


class _Method(Generic[P]):
    """Binds a method that builds a request to the transport of its client."""

    def __init__(self, build: Callable[..., Any]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    def _bound(self, client: SubClient[Any], make: Callable[[Any], Any]) -> Callable[..., Any]:
        @wraps(self.build)
        def call(*args: P.args, **kwargs: P.kwargs) -> object:
            return make(self.build(client, *args, **kwargs))

        return call


class unary(_Method[P], Generic[P, R]):  # noqa: N801  # Read as a decorator, like `property`.
    """A method with one request and one answer."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[R]]) -> None:
        super().__init__(build)

    @overload
    def __get__(self, client: SubClient[Blocking], owner: type | None = None) -> Callable[P, R]: ...
    @overload
    def __get__(
        self, client: SubClient[Awaiting], owner: type | None = None
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, client: None, owner: type | None = None) -> Self: ...
    def __get__(self, client: SubClient[Any] | None, owner: type | None = None) -> Any:
        return self if client is None else self._bound(client, client.transport.unary)


class listed(_Method[P], Generic[P, T]):  # noqa: N801
    """A list method: gives an iterator that fetches page after page."""

    def __init__(self, build: Callable[Concatenate[Any, P], Pages[T]]) -> None:
        super().__init__(build)

    @overload
    def __get__(
        self, client: SubClient[Blocking], owner: type | None = None
    ) -> Callable[P, Listing[T]]: ...
    @overload
    def __get__(
        self, client: SubClient[Awaiting], owner: type | None = None
    ) -> Callable[P, AsyncListing[T]]: ...
    @overload
    def __get__(self, client: None, owner: type | None = None) -> Self: ...
    def __get__(self, client: SubClient[Any] | None, owner: type | None = None) -> Any:
        return self if client is None else self._bound(client, client.transport.listing)


class watched(_Method[P], Generic[P, R]):  # noqa: N801
    """A watch method: gives an iterator without end that resumes after a break."""

    def __init__(self, build: Callable[Concatenate[Any, P], Feed[R]]) -> None:
        super().__init__(build)

    @overload
    def __get__(
        self, client: SubClient[Blocking], owner: type | None = None
    ) -> Callable[P, Watch[R]]: ...
    @overload
    def __get__(
        self, client: SubClient[Awaiting], owner: type | None = None
    ) -> Callable[P, AsyncWatch[R]]: ...
    @overload
    def __get__(self, client: None, owner: type | None = None) -> Self: ...
    def __get__(self, client: SubClient[Any] | None, owner: type | None = None) -> Any:
        return self if client is None else self._bound(client, client.transport.watch)


class uploaded(_Method[P], Generic[P, R]):  # noqa: N801
    """A client stream: takes many requests and gives one answer."""

    def __init__(self, build: Callable[Concatenate[Any, P], Upload[R]]) -> None:
        super().__init__(build)

    @overload
    def __get__(self, client: SubClient[Blocking], owner: type | None = None) -> Callable[P, R]: ...
    @overload
    def __get__(
        self, client: SubClient[Awaiting], owner: type | None = None
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, client: None, owner: type | None = None) -> Self: ...
    def __get__(self, client: SubClient[Any] | None, owner: type | None = None) -> Any:
        return self if client is None else self._bound(client, client.transport.upload)
