"""What the platforms' APIs have in common: read, misbehave if so drawn, carry out, sign, record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.platforms.accounts import Account
from deploy.local.platforms.behaviour import Fault, Faults
from deploy.local.platforms.desk import Desk
from deploy.local.platforms.records import Records, RequestRecord

JSON: Final = "application/json; charset=utf-8"

Kind = TypeVar("Kind", bound=Account)

HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is signed."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    """Why it is not what was asked for, for the records."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was read and found to be its sender's."""

    operation: str
    """`query`, `refund`, `refund_query` or `other`."""
    account: Account
    number: str
    """Whom it is about, by the name that the request gave."""
    act: Callable[[], Reply]
    """Carries it out; may be called again, as when a client repeats itself."""


class RejectedError(Exception):
    """The request is not answered, as it is malformed or not its sender's."""

    def __init__(self, reply: Reply, account: Account | None = None) -> None:
        super().__init__(reply.reason)
        self.reply = reply
        self.account = account


class Api(Protocol):
    """One platform's way of reading questions and of signing answers."""

    provider: str
    signs_answers: bool

    def seal(
        self, request: Request, account: Account | None, reply: Reply, *, wrongly: bool
    ) -> Response:
        """Return the answer, signed; `wrongly` if the signature must not fit."""

    def broken(self, fault: Fault) -> Reply:
        """Return what the platform answers when it does not answer."""


Read = Callable[[Request, bytes], Question]


class Front:
    """Answers for all platforms."""

    def __init__(
        self,
        desk: Desk,
        records: Records,
        faults: Faults,
        accounts: Callable[[], Mapping[str, Account]],
    ) -> None:
        self.desk = desk
        self._records = records
        self._faults = faults
        self._accounts = accounts

    def accounts(self, kind: type[Kind]) -> list[Kind]:
        """Return the accounts of one platform."""
        return [each for each in self._accounts().values() if isinstance(each, kind)]

    def route(self, api: Api, path: str, methods: list[str], read: Read) -> Route:
        """Return a route that answers questions of one kind."""

        async def answer(request: Request) -> Response:
            body = await request.body()
            try:
                question = read(request, body)
            except RejectedError as error:
                self._record(api, "rejected", error.account, "", error.reply)
                return api.seal(request, error.account, error.reply, wrongly=False)
            reply, wrongly = await self._reply(api, question)
            self._record(api, question.operation, question.account, question.number, reply)
            return api.seal(request, question.account, reply, wrongly=wrongly)

        return Route(path, answer, methods=methods)

    async def _reply(self, api: Api, question: Question) -> tuple[Reply, bool]:
        behaviour = self.desk.behaviours.of(api.provider, question.number)
        is_refund = question.operation == "refund"
        shares = behaviour.refund_faults if is_refund else behaviour.query_faults
        fault, was_done = self._faults.draw(api.provider, shares)
        if fault is None:
            return question.act(), False
        if fault is Fault.WRONG_SIGNATURE and api.signs_answers:
            done = question.act()
            return Reply(done.status, done.body, done.media_type, done.headers, fault.value), True
        if is_refund and was_done:
            question.act()
        if fault is Fault.TIMEOUT:
            await asyncio.sleep(behaviour.timeout_s)
        return self._broken(api, fault), False

    @staticmethod
    def _broken(api: Api, fault: Fault) -> Reply:
        if fault is Fault.HTML:
            return Reply(200, HTML, "text/html", reason=fault.value)
        if fault is Fault.TIMEOUT:
            return Reply(504, HTML, "text/html", reason=fault.value)
        told = api.broken(Fault.SERVER_ERROR if fault is Fault.WRONG_SIGNATURE else fault)
        return Reply(told.status, told.body, told.media_type, told.headers, fault.value)

    def _record(
        self, api: Api, operation: str, account: Account | None, number: str, reply: Reply
    ) -> None:
        self._records.add_request(
            RequestRecord(
                provider=api.provider,
                account=account.name if account else "",
                operation=operation,
                number=number,
                at=self.desk.clock.now(),
                status=reply.status,
                reason=reply.reason,
            )
        )


def as_json(status: int, content: object, *, reason: str = "", **headers: str) -> Reply:
    """Return a reply of JSON."""
    return Reply(status, orjson.dumps(content), JSON, headers, reason)


def plain(reply: Reply) -> Response:
    """Return a reply as it is, for platforms that do not sign it."""
    return Response(reply.body, reply.status, dict(reply.headers), media_type=reply.media_type)
