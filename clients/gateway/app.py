"""The ASGI application: finds whom a request is for, and says nothing to anybody else.

Unknown paths, providers and accounts get the same 404: to ask tells nobody which accounts exist.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Final

from opentelemetry.trace import SpanKind

from clients import telemetry
from clients.gateway import proving, requests
from clients.gateway.config import Clock
from clients.gateway.connections import BEGAN_AT
from clients.gateway.metrics import Metrics
from clients.gateway.receiving import GREETED, Arrival, Receiving, Told
from clients.providers.accounts import Account, AccountBook
from clients.providers.callbacks import GREETINGS, PROTOCOLS, Answer

ROUTE: Final = "/callbacks/{provider}/{account}"
FOLDER: Final = "callbacks"

UNKNOWN: Final = Answer(404, b"not found\n")
ONLY_POST: Final = Answer(
    405,
    b"this is where a platform calls, by POST\n",
    headers=MappingProxyType({"allow": "POST", proving.GATEWAY_HEADER: proving.GATEWAY}),
)


class Gateway:
    """Routes requests; everything of a callback is in `Receiving`."""

    def __init__(
        self,
        book: AccountBook,
        receiving: Receiving,
        metrics: Metrics,
        clock: Clock,
        *,
        is_tracing: bool = False,
    ) -> None:
        # A span that nobody gets costs as much as a signature.
        self._is_tracing = is_tracing
        self._book = book
        self._receiving = receiving
        self._metrics = metrics
        self._clock = clock

    async def __call__(
        self, scope: requests.Scope, receive: requests.Receive, send: requests.Send
    ) -> None:
        """Serve one request."""
        parts = str(scope["path"]).split("/")
        if len(parts) != 4 or parts[1] != FOLDER:  # noqa: PLR2004  # "", callbacks, provider, account.
            await self._turn_away(send, UNKNOWN, "unknown")
        elif scope["method"] != "POST":
            await self._without_post(self._account(parts[2], parts[3]), scope, send)
        elif (account := self._account(parts[2], parts[3])) is None:
            await self._turn_away(send, UNKNOWN, "unknown")
        else:
            await self._callback(account, scope, receive, send)

    def _account(self, provider: str, name: str) -> Account | None:
        return self._book.current().find(provider, name) if provider in PROTOCOLS else None

    async def _without_post(
        self, account: Account | None, scope: requests.Scope, send: requests.Send
    ) -> None:
        """Answer a platform that asks whether the address is ours; turn away everybody else."""
        call = requests.call_of(scope, requests.headers_of(scope["headers"]), b"")
        greet = GREETINGS.get(account.provider) if account is not None else None
        answer = greet(account, call, self._clock()) if greet is not None else None
        if account is None or answer is None:
            await self._turn_away(send, self._only_post(scope, account), "method")
            return
        self._metrics.callbacks.labels(account.provider, account.name, GREETED).inc()
        await requests.write_answer(send, answer, requests.CLOSE)

    async def _turn_away(self, send: requests.Send, answer: Answer, reason: str) -> None:
        self._metrics.strays.labels(reason).inc()
        # Its body, if it has one, is not read.
        await requests.write_answer(send, answer, requests.CLOSE)

    def _only_post(self, scope: requests.Scope, account: Account | None) -> Answer:
        """Answer who is no platform; who holds the same accounts learns that we hold them, too."""
        asked = requests.headers_of(scope["headers"]).get(proving.QUESTION_HEADER, "")
        if account is None or not proving.is_sealed(asked, account, scope["path"], self._clock()):
            return ONLY_POST
        headers = {**ONLY_POST.headers, proving.ACCOUNT_HEADER: proving.SAME}
        return Answer(ONLY_POST.status, ONLY_POST.body, headers=headers)

    async def _callback(
        self,
        account: Account,
        scope: requests.Scope,
        receive: requests.Receive,
        send: requests.Send,
    ) -> None:
        loop = asyncio.get_running_loop()
        began_at = scope.get("state", {}).get(BEGAN_AT) or loop.time()
        arrival = Arrival(account, PROTOCOLS[account.provider], scope, receive, began_at)
        if self._is_tracing:
            told = await self._traced(arrival)
        else:
            told = await self._receiving.take(arrival)
        await requests.write_answer(send, told.answer, requests.CLOSE if told.must_close else None)
        self._count(account, told, loop.time() - began_at)

    async def _traced(self, arrival: Arrival) -> Told:
        with telemetry.span(
            "POST /callbacks/{provider}/{account}",
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": "POST",
                "http.route": ROUTE,
                "concord.provider": arrival.account.provider,
                "concord.account": arrival.account.name,
            },
        ) as span:
            told = await self._receiving.take(arrival, telemetry.current_traceparent() or "")
            span.set_attribute("http.response.status_code", told.answer.status)
            span.set_attribute("concord.outcome", told.outcome)
            if told.failed_by is not None:
                telemetry.fail(span, told.failed_by)
            return told

    def _count(self, account: Account, told: Told, took_s: float) -> None:
        labels = (account.provider, account.name, told.outcome)
        self._metrics.callbacks.labels(*labels).inc()
        self._metrics.duration.labels(account.provider).observe(took_s)
