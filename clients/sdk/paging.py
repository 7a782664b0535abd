"""Lists: iterators over all items that ask for the next page when they need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

T = TypeVar("T")


def next_request(request: Any, page: Any) -> Any | None:  # noqa: ANN401  # Any list method's pair.
    """Return the request for the page after this one, or None after the last."""
    if not page.next_page_token:
        return None
    following = type(request)()
    following.CopyFrom(request)
    following.page_token = page.next_page_token
    return following


class Listing(Generic[T]):
    """Items over all pages; `pages()` gives the answers themselves. Each iteration asks anew."""

    def __init__(
        self,
        request: Message,
        items: Callable[[Any], Sequence[T]],
        fetch: Callable[[Message], Any],
    ) -> None:
        self._request = request
        self._items = items
        self._fetch = fetch

    def pages(self) -> Iterator[Any]:
        request: Message | None = self._request
        while request is not None:
            page = self._fetch(request)
            yield page
            request = next_request(request, page) if _can_page(request, page) else None

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from self._items(page)


class AsyncListing(Generic[T]):
    """The same for `async for`."""

    def __init__(
        self,
        request: Message,
        items: Callable[[Any], Sequence[T]],
        fetch: Callable[[Message], Awaitable[Any]],
    ) -> None:
        self._request = request
        self._items = items
        self._fetch = fetch

    async def pages(self) -> AsyncIterator[Any]:
        request: Message | None = self._request
        while request is not None:
            page = await self._fetch(request)
            yield page
            request = next_request(request, page) if _can_page(request, page) else None

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in self._items(page):
                yield item


def _can_page(request: Message, page: Message) -> bool:
    """Return whether the method has page tokens; some short lists have none."""
    return (
        "page_token" in request.DESCRIPTOR.fields_by_name
        and "next_page_token" in page.DESCRIPTOR.fields_by_name
    )
