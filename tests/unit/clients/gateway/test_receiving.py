"""One callback inside the gateway: a defect of ours never costs a payment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from clients.gateway.batches import Batches
from clients.gateway.config import Settings, monotonic
from clients.gateway.limits import BODY_BYTES_MAX
from clients.gateway.metrics import Metrics
from clients.gateway.pulse import LATE_S, Pulse
from clients.gateway.receiving import Arrival, Receiving
from clients.gateway.seldom import Seldom
from clients.providers.accounts import StripeAccount
from clients.providers.callbacks import Answer, Call, Opened, Refusal, RefusedError
from concord.intake.v1.receipt_pb2 import Receipt

NOW = datetime(2026, 11, 22, 8, 0, 0, 250_000, tzinfo=UTC)
ACCOUNT = StripeAccount(name="main", api_key="sk", webhook_secrets=("a" * 16,))
SETTINGS = Settings.from_env(
    {
        "CONCORD_ACCOUNTS": "accounts.yaml",
        "CONCORD_SERVICE_ADDRESS": "127.0.0.1:7001",
        "CONCORD_METRICS_ADDRESS": "127.0.0.1:7002",
    }
)


class FakeProtocol:
    """Believes everything, or does what it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def open(self, account: StripeAccount, call: Call, now: datetime) -> Opened:
        if self.failure is not None:
            raise self.failure
        return Opened("stripe.event", "evt_1", call.body, "application/json", "ord")

    def taken(self, call: Call) -> Answer:
        return Answer(200, b"taken")

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        return Answer(401, refusal.value.encode())

    def again(self, call: Call) -> Answer:
        return Answer(503, b"again")


class World:
    """The gateway's insides over a service that keeps what it gets."""

    def __init__(self) -> None:
        self.stored: list[Receipt] = []
        self.now = 0.0
        self.pulse = Pulse(lambda: self.now)
        self.metrics = Metrics(CollectorRegistry())
        batches = Batches(self._submit, self.metrics, room=10)
        self.receiving = Receiving(
            SETTINGS, batches, self.metrics, lambda: NOW, Seldom(monotonic), self.pulse
        )

    async def _submit(self, receipts: Sequence[Receipt], within_s: float) -> object:
        self.stored += receipts
        return None

    def arrival(
        self, protocol: FakeProtocol, body: bytes = b"{}", *, is_there: bool = True
    ) -> Arrival:
        scope: dict[str, Any] = {
            "method": "POST",
            "path": "/callbacks/stripe/main",
            "query_string": b"",
            "headers": [(b"content-length", b"%d" % len(body))],
            "client": ("203.0.113.9", 4711),
            "state": {},
        }

        async def receive() -> dict[str, Any]:
            if not is_there:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": body, "more_body": False}

        began_at = asyncio.get_running_loop().time()
        return Arrival(ACCOUNT, protocol, scope, receive, began_at)


async def test_a_receipt_says_where_it_comes_from_and_in_which_trace() -> None:
    world = World()
    traceparent = f"00-{1:032x}-{2:016x}-01"

    told = await world.receiving.take(world.arrival(FakeProtocol()), traceparent)

    assert (told.answer.body, told.outcome) == (b"taken", "taken")
    (receipt,) = world.stored
    assert receipt.source == "stripe"
    assert receipt.account == "main"
    assert receipt.address == "203.0.113.9"
    assert receipt.traceparent == traceparent
    assert receipt.receive_time.ToDatetime(UTC) == NOW


@pytest.mark.parametrize("refusal", list(Refusal))
async def test_what_is_not_believed_is_not_stored(refusal: Refusal) -> None:
    world = World()
    protocol = FakeProtocol(RefusedError(refusal, "a field"))

    told = await world.receiving.take(world.arrival(protocol))

    assert told.answer.body == refusal.value.encode()
    assert world.stored == []


async def test_a_defect_makes_the_platform_come_again() -> None:
    world = World()

    told = await world.receiving.take(world.arrival(FakeProtocol(ZeroDivisionError())))

    assert (told.answer.body, told.outcome) == (b"again", "again")
    assert world.stored == []


async def test_a_body_beyond_the_limit_is_not_looked_at() -> None:
    world = World()
    protocol = FakeProtocol(ZeroDivisionError())

    told = await world.receiving.take(world.arrival(protocol, b"x" * (BODY_BYTES_MAX + 1)))

    assert (told.answer.status, told.must_close) == (413, True)


async def test_a_caller_who_hung_up_costs_nothing() -> None:
    world = World()

    told = await world.receiving.take(world.arrival(FakeProtocol(), is_there=False))

    assert told.outcome == "gone"
    assert world.stored == []


async def test_a_loop_that_is_late_takes_nothing_more() -> None:
    world = World()
    world.pulse.begin()
    world.now += 2 * LATE_S
    async with asyncio.timeout(10):
        while not world.pulse.is_late:  # noqa: ASYNC110  # It sets no event.
            await asyncio.sleep(0)

    told = await world.receiving.take(world.arrival(FakeProtocol()))
    world.pulse.end()

    assert (told.answer.body, told.outcome) == (b"again", "shed")
    assert world.stored == []
