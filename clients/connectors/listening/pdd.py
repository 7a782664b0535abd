"""Hears what Pinduoduo tells over its message service (消息推送), a socket for each application.

1. A frame comes. If we crash here, it comes again over the next socket.
2. Its receipt is made durable. If we crash here, it comes again, and is known by its number.
3. It is acknowledged, and comes no more.

We say every ten seconds that we are there. Where nothing at all is heard for three minutes,
nobody is at the other end.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from clients.connectors.inquiry import Clock
from clients.connectors.listening.desk import BrokenError, Line
from clients.connectors.listening.keeping import Heard, Keeper
from clients.connectors.messages import word
from clients.providers.accounts.shops import PddAccount

TEMPLATE: Final = "pdd.push"
# The platform's own client: every ten seconds, and three minutes without a word are the end.
HEARTBEAT_S: Final = 10.0
SILENCE_S: Final = 180.0
# What a receipt takes; the longest messages have a kilobyte.
FRAME_BYTES_MAX: Final = 1024 * 1024
# What came together is submitted together; a socket that is ahead of us waits.
TOGETHER_MAX: Final = 200
CLOSE_S: Final = 1.0

log = structlog.get_logger(__name__)


class _Direct(connect):
    """Follows nobody: whoever answers instead would get what proves us."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@dataclass(frozen=True, slots=True)
class Frame:
    """What one frame says, as far as we must know."""

    text: str
    number: int | None
    """What is acknowledged; None: nobody can."""
    mall: str
    order: str
    echo: dict[str, Any]
    """What an acknowledgement repeats."""


class PddListener:
    """`Listener` of Pinduoduo."""

    provider: Final = "pdd"

    def __init__(
        self, keeper: Keeper, clock: Clock, *, timeout_s: float, proxy: str | None = None
    ) -> None:
        self._keeper = keeper
        self._clock = clock
        self._timeout_s = timeout_s
        self._proxy = proxy

    def line_of(self, account: PddAccount) -> Hashable | None:
        """Return the application: its socket tells of all of its shops."""
        return (account.push, account.client) if account.push else None

    async def listen(
        self, accounts: tuple[PddAccount, ...], line: Line, stop: asyncio.Event
    ) -> None:
        """Open a socket, and hear until told to stop.

        Raises:
            BrokenError: it was not opened, or is no more.
        """
        try:
            socket = await self._open(accounts[0])
        except InvalidStatus as error:
            raise BrokenError(f"HTTP_{error.response.status_code}") from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise BrokenError(word(type(error).__name__)) from error
        try:
            line.opened()
            await _Hearing(socket, accounts, line, self._keeper, self._clock).until(stop)
        finally:
            with suppress(OSError, TimeoutError, WebSocketException):
                await socket.close()

    async def _open(self, account: PddAccount) -> ClientConnection:
        return await _Direct(
            f"{account.push}{path_of(account, self._clock())}",
            open_timeout=self._timeout_s,
            close_timeout=CLOSE_S,
            # The platform has heartbeats of its own.
            ping_interval=None,
            compression=None,
            max_size=FRAME_BYTES_MAX,
            proxy=self._proxy,
            user_agent_header="concord-connectors",
        )


class _Hearing:
    """One socket, from its opening to its end."""

    def __init__(
        self,
        socket: ClientConnection,
        accounts: tuple[PddAccount, ...],
        line: Line,
        keeper: Keeper,
        clock: Clock,
    ) -> None:
        self._socket = socket
        self._accounts = accounts
        self._line = line
        self._keeper = keeper
        self._clock = clock
        self._frames: asyncio.Queue[Frame] = asyncio.Queue(TOGETHER_MAX)
        self._is_keeping = False

    async def until(self, stop: asyncio.Event) -> None:
        """Hear, keep and acknowledge until told to stop; then end what is being kept.

        Raises:
            BrokenError: the socket is no more.
        """
        keeping = asyncio.create_task(self._keep(stop))
        working: set[asyncio.Task[Any]] = {
            asyncio.create_task(self._hear()),
            asyncio.create_task(self._say_that_we_are_here()),
            keeping,
        }
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, *working}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() and self._is_keeping:
                # What is durable by then is acknowledged; the rest is told again.
                await asyncio.wait({keeping})
            for each in working:
                if each.done():
                    each.result()
        except (OSError, TimeoutError, ConnectionClosed) as error:
            raise BrokenError(word(type(error).__name__)) from error
        finally:
            for each in (stopped, *working):
                each.cancel()
            await asyncio.gather(stopped, *working, return_exceptions=True)

    async def _hear(self) -> None:
        while True:
            async with asyncio.timeout(SILENCE_S):
                text = await self._socket.recv()
            self._line.has_heard = True
            frame = frame_of(text)
            if frame is None:
                self._keeper.count("unreadable")
                log.warning("message_unreadable", provider=PddListener.provider)
            elif frame.text:
                await self._frames.put(frame)

    async def _say_that_we_are_here(self) -> None:
        while True:
            beat = {"commandType": "HeartBeat", "time": milliseconds(self._clock())}
            await self._socket.send(json.dumps(beat))
            await asyncio.sleep(HEARTBEAT_S)

    async def _keep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            frames = [await self._frames.get()]
            self._is_keeping = True
            while len(frames) < TOGETHER_MAX and not self._frames.empty():
                frames.append(self._frames.get_nowait())
            kept = await self._keeper.keep([self._heard(each) for each in frames])
            for frame, is_durable in zip(frames, kept, strict=True):
                if is_durable and frame.number is not None:
                    await self._acknowledge(frame)
            self._is_keeping = False

    async def _acknowledge(self, frame: Frame) -> None:
        told = {
            "commandType": "Ack",
            "time": milliseconds(self._clock()),
            "id": frame.number,
            **frame.echo,
        }
        await self._socket.send(json.dumps(told))

    def _heard(self, frame: Frame) -> Heard:
        of_mall = [each for each in self._accounts if frame.mall and each.shop == frame.mall]
        return Heard(
            account=(of_mall or self._accounts)[0].name,
            template=TEMPLATE,
            message_id="" if frame.number is None else str(frame.number),
            body=frame.text.encode(),
            order=frame.order,
        )


def path_of(account: PddAccount, now: datetime) -> str:
    """Return the path that proves, by the application's secret, who opens a socket at this time."""
    at = milliseconds(now)
    text = f"{account.client}{at}{account.client_secret}".encode()
    digest = hashlib.md5(text, usedforsecurity=False).hexdigest().encode()
    return f"/message/{account.client}/{at}/{quote(base64.b64encode(digest), safe='')}"


def frame_of(text: str | bytes) -> Frame | None:
    """Return what a frame says; without text where it is no message; None where none can say."""
    told = _object(text)
    if told is None or isinstance(text, bytes):
        return None
    if told.get("commandType") != "Common":
        return Frame("", None, "", "", {})
    inner = told.get("message")
    inner = inner if isinstance(inner, dict) else {}
    number = told.get("id")
    is_number = isinstance(number, int) and not isinstance(number, bool)
    content = _object(inner.get("content")) or {}
    return Frame(
        text=text,
        number=number if is_number else None,
        mall=_name(inner.get("mallID")),
        order=_name(content.get("tid")),
        echo={
            "sendTime": told.get("sendTime"),
            "type": inner.get("type"),
            "mallID": inner.get("mallID"),
        },
    )


def milliseconds(at: datetime) -> int:
    """Return a time as the platform writes it."""
    return int(at.timestamp() * 1000)


def _object(text: object) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _name(found: object) -> str:
    is_name = isinstance(found, int | str) and not isinstance(found, bool)
    # A hint that is longer names nothing.
    return str(found) if is_name and len(str(found)) <= 100 else ""  # noqa: PLR2004
