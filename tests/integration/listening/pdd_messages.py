"""Pinduoduo's message service, on a port of its own: tells each message until it is acknowledged.

What nobody acknowledged is told again over every new socket. It is strict: each acknowledgement
is held against what the service of ours holds at that moment.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

CLIENT, SECRET, MALL = "0123456789abcdef", "secret-of-pdd", 171504183
# Beyond 2^53: whoever reads it as a double acknowledges another one.
FIRST = 7_234_567_890_123_456_789
SENT_AT_MS = 1_773_115_200_000


@dataclass
class MessageService:
    """Serves from `async with` to its end."""

    is_durable: Callable[[str], bool]
    """Whether a receipt has this message id."""
    port: int = 0
    frames: dict[int, str] = field(default_factory=dict)
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    early: list[int] = field(default_factory=list)
    """Acknowledged, and not durable: lost, if we had died then."""
    told: Counter[int] = field(default_factory=Counter)
    beats: int = 0
    opened: int = 0
    rejected: int = 0
    sockets: set[ServerConnection] = field(default_factory=set)
    server: Server | None = None

    async def __aenter__(self) -> Self:
        self.server = await serve(
            self._serve, "127.0.0.1", self.port, process_request=self._prove, ping_interval=None
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def done(self) -> set[int]:
        """The numbers that were acknowledged."""
        return {each["id"] for each in self.acknowledged}

    def tell(self, mall: int = MALL, **more: Any) -> int:  # noqa: ANN401  # Of the frame.
        """Have a message told, now or over the next socket; return its number."""
        number = FIRST + len(self.frames)
        content = {"mall_id": mall, "tid": f"210707-{len(self.frames):015d}"}
        message = {
            "type": "pdd_trade_TradeConfirmed",
            "mallID": mall,
            "content": json.dumps(content),
        }
        frame = {
            "id": number,
            "commandType": "Common",
            "sendTime": SENT_AT_MS + len(self.frames),
            "message": message,
        }
        self.frames[number] = json.dumps(frame | more)
        return number

    async def say(self, text: str | bytes) -> None:
        """Send something that is no message."""
        for socket in self.sockets:
            await socket.send(text)

    def drop(self) -> None:
        """Break every socket, without a word."""
        for socket in self.sockets:
            socket.transport.abort()

    def _prove(self, _socket: ServerConnection, request: Request) -> Response | None:
        _, kind, client, at, sign = request.path.split("/")
        text = f"{CLIENT}{at}{SECRET}".encode()
        digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
        if (kind, client) == ("message", CLIENT) and base64.b64decode(unquote(sign)) == (
            digest.encode()
        ):
            return None
        self.rejected += 1
        return Response(HTTPStatus.UNAUTHORIZED, "Unauthorized", Headers({"content-length": "0"}))

    async def _serve(self, socket: ServerConnection) -> None:
        self.opened += 1
        self.sockets.add(socket)
        telling = asyncio.create_task(self._tell(socket))
        try:
            async for text in socket:
                self._hear(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.sockets.discard(socket)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def _hear(self, told: dict[str, Any]) -> None:
        if told["commandType"] == "HeartBeat":
            self.beats += 1
            return
        assert told["commandType"] == "Ack"
        if not self.is_durable(str(told["id"])):
            self.early.append(told["id"])
        self.acknowledged.append(told)

    async def _tell(self, socket: ServerConnection) -> None:
        over_this = set[int]()
        while True:
            for number, frame in tuple(self.frames.items()):
                if number not in over_this and number not in self.done:
                    over_this.add(number)
                    self.told[number] += 1
                    await socket.send(frame)
            await asyncio.sleep(0.01)
