"""Reads a request and writes an answer, in ASGI's terms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final

from clients.providers.callbacks import Answer, Call

Message = MutableMapping[str, Any]
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLOSE: Final = {"connection": "close"}


class TooLargeError(Exception):
    """The body is longer than any platform's."""


class GoneError(Exception):
    """The caller hung up before it had said everything."""


async def read_body(receive: Receive, headers: Mapping[str, str], *, at_most: int) -> bytes:
    """Return the whole body; that it comes in time is seen to by the connection.

    Raises:
        TooLargeError: it is longer than `at_most`; the rest was not read.
        GoneError: nobody is there any more.
    """
    announced = headers.get("content-length", "0")
    # The parser lets only digits through; twice the digits of any length is a number in bad faith.
    if len(announced) > 20 or int(announced) > at_most:  # noqa: PLR2004  # 64 bits have 20 digits.
        raise TooLargeError
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise GoneError
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > at_most:
            raise TooLargeError
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by their names in lower case; one that came twice has both, with a comma."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def call_of(scope: Scope, headers: Mapping[str, str], body: bytes) -> Call:
    """Return the request as protocols see it."""
    query = scope["query_string"].decode("latin-1")
    return Call(scope["method"], scope["path"], query, headers, body)


async def write_answer(send: Send, answer: Answer, more: Mapping[str, str] | None = None) -> None:
    """Send an answer whole."""
    named = {
        "content-type": answer.content_type,
        "content-length": str(len(answer.body)),
        **answer.headers,
        **(more or {}),
    }
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})
