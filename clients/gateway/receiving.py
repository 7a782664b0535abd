"""One callback: proved, made durable, answered.

1. read the body, within limits of size and time; a greeting is answered, and that is all;
2. prove it by its provider's protocol, over the bytes as they came;
3. submit one receipt, and wait until the service says that it is durable;
4. answer what makes the platform stop.

If we crash anywhere before 4, the platform comes again, and the repeat is counted and not stored.
Whatever fails here is answered so that it comes again; what is not believed leaves a number and a
log line, and nothing of what it said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from google.protobuf.timestamp_pb2 import Timestamp

from clients.gateway import requests
from clients.gateway.batches import Batches, FullError, NotStoredError
from clients.gateway.config import Clock, Settings
from clients.gateway.connections import TOO_SLOW
from clients.gateway.limits import ANSWER_WITHIN_S, BODY_BYTES_MAX
from clients.gateway.metrics import Metrics
from clients.gateway.peers import sender
from clients.gateway.pulse import Pulse
from clients.gateway.seldom import Seldom
from clients.providers.accounts import Account
from clients.providers.callbacks import (
    GREETINGS,
    Answer,
    Call,
    Opened,
    Protocol,
    RefusedError,
)
from concord.intake.v1.receipt_pb2 import Receipt

log = structlog.get_logger(__name__)

TOO_LARGE: Final = Answer(413, b"too large\n")
# Nobody is there to read it.
GONE: Final = Answer(408)
GREETED: Final = "greeted"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request on its way in, and whom it is for."""

    account: Account
    protocol: Protocol[Any]
    scope: requests.Scope
    receive: requests.Receive
    began_at: float
    """In seconds of the loop."""

    def call(self, headers: dict[str, str], body: bytes) -> Call:
        """Return the request as protocols see it."""
        return requests.call_of(self.scope, headers, body)


@dataclass(frozen=True, slots=True)
class Told:
    """What the platform is told, and why."""

    answer: Answer
    outcome: str
    """`taken`, `greeted`, `refused`, `again`, `shed`, or how the request itself was wrong."""
    must_close: bool = False
    failed_by: Exception | None = None


class Receiving:
    """Takes callbacks, at most so many at once."""

    def __init__(
        self,
        settings: Settings,
        batches: Batches,
        metrics: Metrics,
        clock: Clock,
        seldom: Seldom,
        pulse: Pulse,
    ) -> None:
        self._settings = settings
        self._batches = batches
        self._metrics = metrics
        self._clock = clock
        self._seldom = seldom
        self._active = 0
        self._pulse = pulse

    async def take(self, arrival: Arrival, traceparent: str = "") -> Told:
        """Return what to tell the platform; never raises, and never later than its limit.

        The receipt goes on in the trace of `traceparent`, where there is one.
        """
        headers = requests.headers_of(arrival.scope["headers"])
        unread = arrival.call(headers, b"")
        if self._active >= self._settings.concurrency or self._pulse.is_late:
            reason = "late" if self._pulse.is_late else "concurrency"
            self._tell("callback_shed", arrival.account, reason)
            return Told(arrival.protocol.again(unread), "shed")
        self._active += 1
        self._metrics.active.set(self._active)
        try:
            body = await requests.read_body(arrival.receive, headers, at_most=BODY_BYTES_MAX)
            return await self._opened(arrival, arrival.call(headers, body), traceparent)
        except requests.TooLargeError:
            return self._stray(TOO_LARGE, "too_large")
        except requests.GoneError:
            return self._stray(GONE, "too_slow" if TOO_SLOW in arrival.scope["state"] else "gone")
        except Exception as bug:
            # A defect of ours must not cost a payment: the platform comes again, also tomorrow.
            log.exception("callback_bug", provider=arrival.account.provider)
            return Told(arrival.protocol.again(unread), "again", failed_by=bug)
        finally:
            self._active -= 1
            self._metrics.active.set(self._active)

    async def _opened(self, arrival: Arrival, call: Call, traceparent: str) -> Told:
        account, protocol = arrival.account, arrival.protocol
        now = self._clock()
        greet = GREETINGS.get(account.provider)
        if greet is not None and (answer := greet(account, call, now)) is not None:
            return Told(answer, GREETED)
        try:
            # Some 50 µs of arithmetic, here on the loop: to hand it to a thread costs as much.
            opened = protocol.open(account, call, now)
        except RefusedError as refused:
            kind = refused.refusal.value
            self._metrics.refusals.labels(account.provider, account.name, kind).inc()
            self._tell("callback_refused", account, kind)
            return Told(protocol.refused(call, refused.refusal), "refused")
        receipt = self._receipt(arrival, call, opened, now)
        receipt.traceparent = traceparent
        try:
            await self._batches.submit(receipt, arrival.began_at + ANSWER_WITHIN_S)
        except FullError as full:
            self._tell("callback_shed", account, full.reason)
            return Told(protocol.again(call), "shed")
        except NotStoredError as failed:
            self._tell("callback_failed", account, failed.reason)
            return Told(protocol.again(call), "again", failed_by=failed)
        return Told(protocol.taken(call), "taken")

    def _receipt(self, arrival: Arrival, call: Call, opened: Opened, now: datetime) -> Receipt:
        client = arrival.scope.get("client")
        forwarded = call.headers.get("x-forwarded-for", "")
        return Receipt(
            source=arrival.account.provider,
            account=arrival.account.name,
            template=opened.template,
            message_id=opened.message_id,
            body=opened.body,
            order_hint=opened.order_hint,
            content_type=opened.content_type,
            receive_time=Timestamp(seconds=int(now.timestamp()), nanos=now.microsecond * 1000),
            address=sender(client[0], forwarded, self._settings.trusted_proxies) if client else "",
        )

    def _stray(self, answer: Answer, reason: str) -> Told:
        self._metrics.strays.labels(reason).inc()
        return Told(answer, reason, must_close=True)

    def _tell(self, event: str, account: Account, reason: str) -> None:
        """Log it, once a second for each account and reason."""
        count = self._seldom.count((event, account.provider, account.name, reason))
        if not count:
            return
        who = {"provider": account.provider, "account": account.name, "count": count}
        if event == "callback_refused":
            log.info("callback_refused", refusal=reason, **who)
        elif event == "callback_shed":
            log.warning("callback_shed", reason=reason, **who)
        else:
            log.warning("callback_failed", reason=reason, **who)
