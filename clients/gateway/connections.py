"""The HTTP of one connection: uvicorn's, with limits on what comes before the body.

uvicorn has none of its own: headers without end would fill the memory, and a connection that sends
a byte now and then would stay for ever.
"""

from __future__ import annotations

from asyncio import Transport
from asyncio.events import TimerHandle
from collections.abc import Callable
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clients.gateway.limits import BODY_WITHIN_S, HEAD_BYTES_MAX, HEAD_WITHIN_S

# In the scope's `state`: when the first byte of the request was here, in seconds of the loop; and
# whether the rest of it was given up.
BEGAN_AT: Final = "began_at"
TOO_SLOW: Final = "too_slow"

HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
# To every platform: come again.
FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
BODY_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections whose requests are too long before their body, or come too slowly.

    A request that arrives at once, as those of platforms do, costs no timer.
    """

    connections_max: ClassVar[int]

    @staticmethod
    def turned_away() -> None:
        """Say that a connection was one too many."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # uvicorn's.
        super().__init__(*args, **kwargs)
        self._timer: TimerHandle | None = None
        self._began_at = 0.0
        self._head_bytes = 0
        self._is_in_head = True
        # Nothing of the next request is here yet.
        self._is_between = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # As uvicorn's.
        """Give the first request its time: nobody connects to say nothing."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            self.turned_away()
            self._refuse(FULL)
            return
        self._timer = self.loop.call_later(HEAD_WITHIN_S, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless the head is beyond its limit; what is not whole yet gets its time."""
        if self._is_between:
            self._is_between = False
            self._began_at = self.loop.time()
        if self._is_in_head:
            # What was taken before, not this piece: a body may come along with its head.
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(HEAD_TOO_LARGE)
                return
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_between or self.transport.is_closing():
            self._stop_timer()
        elif self._is_in_head:
            self._await(self._began_at + HEAD_WITHIN_S, self._hang_up)
        else:
            self._await(self._began_at + BODY_WITHIN_S, self._give_up)

    def on_headers_complete(self) -> None:
        """Begin the request, at the time when its first byte came."""
        self._stop_timer()
        self._is_in_head = False
        if len(self.url) + sum(len(n) + len(v) for n, v in self.headers) > HEAD_BYTES_MAX:
            raise HeadTooLargeError
        self.scope["state"][BEGAN_AT] = self._began_at
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Look out for the next request."""
        self._is_in_head = self._is_between = True
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or what `on_headers_complete` found too large."""
        if self._is_in_head:
            super().send_400_response(msg)
        else:
            self._refuse(HEAD_TOO_LARGE)

    def _await(self, until: float, otherwise: Callable[[], None]) -> None:
        if self._timer is None:
            self._timer = self.loop.call_at(until, otherwise)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _give_up(self) -> None:
        """End a request whose body trickles; the application finds nobody there any more."""
        self._timer = None
        self.scope["state"][TOO_SLOW] = True
        if self.cycle.response_started:
            self._hang_up()
        else:
            self._refuse(BODY_TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def bounded(connections: int, on_full: Callable[[], None]) -> type[LimitedProtocol]:
    """Return the protocol of a server that holds so many connections."""

    class Bounded(LimitedProtocol):
        connections_max = connections
        turned_away = staticmethod(on_full)

    return Bounded


class HeadTooLargeError(Exception):
    """Raised through the parser, which then stops."""
