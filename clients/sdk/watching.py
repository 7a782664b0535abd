"""Watches: streams without end that survive a break.

After a break the watch asks again from the last cursor it heard, pausing longer each time, and
gives up with the last error after `TRIES_MAX` tries without an answer. A cursor that the server
does not take is never papered over: `CursorInvalidError` reaches the caller, who must start anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from clients.sdk.errors import ConcordError, Failure, UnreachableError
from clients.sdk.wire_errors import from_rpc

R = TypeVar("R")

# 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 × 5 s: half a minute without the service ends a watch.
TRIES_MAX: Final = 10
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0


class Resumption:
    """Where a watch stands, and when to try again: all judgement, no IO."""

    def __init__(self, request: Message, *, has_cursor: bool) -> None:
        self._request = request
        self._has_cursor = has_cursor
        self._tries = 0
        self.cursor: str = getattr(request, "cursor", "") if has_cursor else ""

    def request(self) -> Message:
        """Return the request to ask with: the first one, from the last cursor."""
        if not self._has_cursor:
            return self._request
        resumed: Any = type(self._request)()
        resumed.CopyFrom(self._request)
        resumed.cursor = self.cursor
        request: Message = resumed
        return request

    def heard(self, answer: Any) -> None:  # noqa: ANN401  # Any watch's answer.
        """Take note of an answer: the connection works, and the cursor moves on."""
        self._tries = 0
        if self._has_cursor:
            self.cursor = answer.cursor

    def pause_s(self, error: ConcordError | None) -> float:
        """Return how long to wait before asking again.

        Raises:
            ConcordError: the error is not transient, or this was the last try.
        """
        # A server that drains ends its streams without an error.
        cause = error or UnreachableError(
            Failure(grpc.StatusCode.UNAVAILABLE, message="the server ended the watch")
        )
        self._tries += 1
        if not cause.is_transient or self._tries > TRIES_MAX:
            raise cause
        return float(min(FIRST_PAUSE_S * 2 ** (self._tries - 1), LONGEST_PAUSE_S))


class Watch(Generic[R]):
    """News, one by one; `close()` or the end of a `with` block ends it. `cursor` can be kept."""

    def __init__(
        self,
        resumption: Resumption,
        is_news: Callable[[R], bool],
        start: Callable[[Message], Any],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._resumption = resumption
        self._is_news = is_news
        self._start = start
        self._pause = pause
        self._stream: Any = None
        self._closed = False

    @property
    def cursor(self) -> str:
        """Resume from here, in this process or in the next."""
        return self._resumption.cursor

    def __iter__(self) -> Iterator[R]:
        return self

    def __next__(self) -> R:
        while not self._closed:
            try:
                if self._stream is None:
                    self._stream = self._start(self._resumption.request())
                answer: R = next(self._stream)
            except StopIteration:
                self._break_off(None)
            except grpc.RpcError as error:
                self._break_off(from_rpc(error))
            else:
                self._resumption.heard(answer)
                if self._is_news(answer):
                    return answer
        raise StopIteration

    def _break_off(self, error: ConcordError | None) -> None:
        self._stream = None
        if not self._closed:
            self._pause(self._resumption.pause_s(error))

    def close(self) -> None:
        """End the watch; another thread's iteration ends too."""
        self._closed = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncWatch(Generic[R]):
    """The same for `async for` and `async with`."""

    def __init__(
        self,
        resumption: Resumption,
        is_news: Callable[[R], bool],
        start: Callable[[Message], Any],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._resumption = resumption
        self._is_news = is_news
        self._start = start
        self._pause = pause
        self._stream: Any = None
        self._closed = False

    @property
    def cursor(self) -> str:
        """Resume from here, in this process or in the next."""
        return self._resumption.cursor

    def __aiter__(self) -> AsyncIterator[R]:
        return self

    async def __anext__(self) -> R:
        while not self._closed:
            try:
                if self._stream is None:
                    self._stream = self._start(self._resumption.request())
                answer = await self._stream.read()
            except grpc.RpcError as error:
                await self._break_off(from_rpc(error))
                continue
            if answer is grpc.aio.EOF:
                await self._break_off(None)
                continue
            news: R = answer
            self._resumption.heard(news)
            if self._is_news(news):
                return news
        raise StopAsyncIteration

    async def _break_off(self, error: ConcordError | None) -> None:
        self._stream = None
        if not self._closed:
            await self._pause(self._resumption.pause_s(error))

    async def close(self) -> None:
        """End the watch."""
        self._closed = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
