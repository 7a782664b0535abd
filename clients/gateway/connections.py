"""The HTTP of one connection: uvicorn's, with limits on what comes before the body.

uvicorn has none of its own: headers without end would fill the memory, and a connection that sends
a byte now and then would stay for ever.
"""

from __future__ import annotations

from asyncio import Transport
from asyncio.events import TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clients.gateway.limits import HEAD_BYTES_MAX, HEAD_WITHIN_S

# When the first byte of the request was here, in seconds of the loop: in the scope's `state`.
BEGAN_AT: Final = "began_at"

TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections whose request line and headers are too long, or come too slowly."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # uvicorn's.
        super().__init__(*args, **kwargs)
        self._head_timer: TimerHandle | None = None
        self._head_began_at = 0.0
        self._head_bytes = 0
        self._is_in_head = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # As uvicorn's.
        """Give the first request its time: nobody connects to say nothing."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._head_is_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless the head is beyond its limit."""
        if self._is_in_head:
            if self._head_timer is None:
                self._await_head()
            # What was taken before, not this piece: a body may come along with its head.
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse_head()
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Begin the request, at the time when its first byte came."""
        self._head_is_over()
        self._is_in_head = False
        if len(self.url) + sum(len(n) + len(v) for n, v in self.headers) > HEAD_BYTES_MAX:
            raise HeadTooLargeError
        self.scope["state"][BEGAN_AT] = self._head_began_at
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Look out for the next request."""
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or what `on_headers_complete` found too large."""
        self._head_is_over()
        if self._is_in_head:
            super().send_400_response(msg)
        else:
            self._refuse_head()

    def _await_head(self) -> None:
        self._head_began_at = self.loop.time()
        self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self._give_up)

    def _head_is_over(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse_head(self) -> None:
        self._head_is_over()
        if not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()


class HeadTooLargeError(Exception):
    """Raised through the parser, which then stops."""
