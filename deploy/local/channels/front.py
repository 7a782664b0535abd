"""What the platforms have in common: misbehave if so planned, answer, stamp, record."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.channels.faults import Fault, Faults
from deploy.local.channels.orders import Clock, Shop

JSON: Final = "application/json; charset=utf-8"
HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
KEPT: Final = 20_000
RETRY_AFTER_S: Final = 1
# What something in front of the platform says for it.
IN_FRONT: Final = {
    Fault.HTTP_429: 429,
    Fault.SERVER_ERROR: 502,
    Fault.HTML: 200,
    Fault.TIMEOUT: 504,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    content: object
    status: int = 200
    reason: str = ""
    """Why it is not what was asked for, for the records."""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """As bytes; text is sent as it is."""
        return self.content if isinstance(self.content, bytes) else orjson.dumps(self.content)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that was read and found to be its sender's."""

    operation: str
    parameters: Mapping[str, Any]
    act: Callable[[], Answer]


class RejectedError(Exception):
    """The call is refused before it is looked at: signature, token, timestamp."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class Api(Protocol):
    """One platform's way of reading calls, and of refusing them."""

    def read(self, request: Request, body: bytes) -> Asked:
        """Return what is asked.

        Raises:
            RejectedError: it is not its sender's, or not of now.
        """
        ...

    def broken(self, fault: Fault) -> Answer:
        """Return what the platform says for TOO_MANY, TOKEN_EXPIRED and SYSTEM."""
        ...

    def emptied(self, answer: Answer) -> Answer:
        """Return the answer without its rows, but with their number."""
        ...


@dataclass(slots=True)
class Manners:
    """How a platform pushes."""

    copies: int = 1
    late_s: float = 0.0
    lost: int = 0
    """So many of the next ones are sent to nobody."""
    forged: int = 0
    """So many of the next calls are not the platform's."""


@dataclass(slots=True)
class Booth:
    """One platform as it stands here: its shop, its clock, its faults, who may ask."""

    platform: str
    shop: Shop
    clock: Clock
    credentials: dict[str, str]
    faults: Faults = field(default_factory=Faults)
    skew: timedelta = timedelta(0)
    """How far its clock is before the true time."""
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))

    manners: Manners = field(default_factory=Manners)
    pushes: Counter[str] = field(default_factory=Counter)
    """What became of pushes: `taken`, `refused`, `given up`, `lost`."""

    def now(self) -> datetime:
        """Return the platform's time."""
        return self.clock() + self.skew


def routes(
    booth: Booth, api: Api, *paths: str, methods: tuple[str, ...] = ("POST",)
) -> list[Route]:
    """Return routes that answer for one platform."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        date = {"date": format_datetime(booth.now(), usegmt=True)}
        try:
            asked = api.read(request, body)
        except RejectedError as error:
            _record(booth, "rejected", {}, error.answer)
            return _sent(error.answer, date)
        told, headers = await _told(booth, api, asked)
        _record(booth, asked.operation, asked.parameters, told)
        booth.faults.answered(asked.operation)
        return _sent(told, {**date, **headers})

    return [Route(path, answer, methods=list(methods)) for path in paths]


async def _told(booth: Booth, api: Api, asked: Asked) -> tuple[Answer, dict[str, str]]:
    fault = booth.faults.draw(asked.operation)
    if fault is None:
        return asked.act(), {}
    if fault is Fault.TIMEOUT:
        await asyncio.sleep(booth.faults.timeout_s)
    if fault is Fault.CUT:
        whole = asked.act().body
        return Answer(whole[: len(whole) // 2], 200, fault), {}
    if fault is Fault.EMPTY:
        return api.emptied(asked.act()), {}
    if fault in IN_FRONT:
        headers = {"retry-after": str(RETRY_AFTER_S)} if fault is Fault.HTTP_429 else {}
        return Answer(HTML, IN_FRONT[fault], fault), headers
    told = api.broken(fault)
    return Answer(told.content, told.status, fault), {}


def _sent(answer: Answer, headers: Mapping[str, str]) -> Response:
    return Response(answer.body, answer.status, {**headers, **answer.headers}, media_type=JSON)


def _record(booth: Booth, operation: str, parameters: Mapping[str, Any], told: Answer) -> None:
    booth.requests.append(
        {
            "operation": operation,
            "parameters": dict(parameters),
            "status": told.status,
            "reason": str(told.reason),
        }
    )
