"""A probe is asked, its answer submitted, and only then reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import CollectorRegistry

from clients.connectors.inquiry import (
    Code,
    Evidence,
    Finding,
    NothingLearntError,
    Question,
    Result,
    unreachable,
)
from clients.connectors.metrics import Metrics
from clients.connectors.pacing import FAILURES_MAX, Lines, Rate
from clients.connectors.probing import REPORT_S, Prober
from clients.providers.accounts.account import Account
from clients.sdk import AsyncConcord, money
from clients.sdk.testing import FakeConcord, refusal
from concord.probes.v1.probe_service_pb2 import Probe, ReportProbeRequest
from tests.recording import recording
from tests.unit.clients.providers.hashing_platforms import a_stripe_account
from tests.unit.clients.providers.key_ring import NOW

EVIDENCE = Evidence("stripe.payment_intent.query", b'{"id": "pi_1"}', "application/json")
ANSWERED = Finding(Result.ANSWERED, "ok", evidence=EVIDENCE)
LEASE_S = 60.0


@dataclass
class Book:
    """Accounts that a test names."""

    accounts: tuple[Account, ...]

    def current(self) -> Book:
        return self

    def of(self, provider: str) -> tuple[Account, ...]:
        return tuple(each for each in self.accounts if each.provider == provider)

    def find(self, provider: str, name: str) -> Account | None:
        return next((each for each in self.of(provider) if each.name == name), None)


@dataclass
class Scripted:
    """A connector that finds what a test says."""

    finds: Callable[[], Finding] = lambda: ANSWERED
    asked: list[tuple[str, Question]] = field(default_factory=list)

    async def ask(self, account: Account, question: Question) -> Finding:
        self.asked.append((account.name, question))
        return self.finds()


@dataclass
class World:
    """One prober of Stripe, before a fake service."""

    fake: FakeConcord
    concord: AsyncConcord
    connector: Scripted
    metrics: Metrics
    now: float = 1000.0

    def prober(self, *accounts: Account) -> Prober:
        return Prober(
            provider="stripe",
            connector=self.connector,
            concord=self.concord,
            book=Book(accounts or (a_stripe_account(),)),  # type: ignore[arg-type]  # As much of it as is asked.
            lines=Lines(Rate(1000.0, 1000), lambda: self.now),
            metrics=self.metrics,
            clock=lambda: NOW,
            monotonic=lambda: self.now,
        )

    async def claim(self, **fields: object) -> Probe:
        given: dict[str, Any] = {
            "name": "probes/prb-1",
            "order": "orders/ord-1",
            "kind": Probe.KIND_PAYMENT,
            "state": Probe.STATE_ARMED,
            "provider": "stripe",
            "account": "main",
            "trade": "T-1",
            "handle": "pi_1",
        }
        probe = Probe(**(given | fields))
        self.fake.model.probes[probe.name] = probe
        [claimed] = (await self.concord.probes.claim("tests", providers=["stripe"])).probes
        return claimed

    async def work(self, probe: Probe, prober: Prober | None = None) -> Probe:
        await (prober or self.prober()).work(probe, self.now + LEASE_S)
        return self.fake.model.probes[probe.name]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, {"provider": "stripe", **labels}) or 0.0


@pytest.fixture
async def world() -> AsyncIterator[World]:
    with FakeConcord() as fake:
        async with AsyncConcord(fake.address) as concord:
            yield World(fake, concord, Scripted(), Metrics(CollectorRegistry()))


def results(world: World) -> list[tuple[str, str]]:
    return [
        (ReportProbeRequest.Result.Name(each.result).removeprefix("RESULT_"), each.code)
        for each in world.fake.requests("ReportProbe")
    ]


async def test_an_answer_becomes_a_receipt_before_it_is_reported(world: World) -> None:
    probe = await world.claim()

    await world.work(probe)

    calls = [seen.method for seen in world.fake.seen]
    assert calls == ["ClaimProbes", "SubmitReceipts", "ReportProbe"]
    [receipt] = world.fake.model.receipts.values()
    assert (receipt.source, receipt.account, receipt.order_hint) == ("stripe", "main", "T-1")
    assert (receipt.template, receipt.body) == (EVIDENCE.template, EVIDENCE.body)
    assert receipt.message_id == ""
    assert results(world) == [("ANSWERED", "ok")]
    assert world.count("concord_connector_questions_total", result="answered") == 1


async def test_the_same_answer_again_is_the_same_receipt(world: World) -> None:
    for number in (1, 2):
        await world.work(await world.claim(name=f"probes/prb-{number}"))

    [receipt] = world.fake.model.receipts.values()
    assert receipt.repeats == 1


async def test_a_probe_is_put_as_a_question(world: World) -> None:
    began = Timestamp()
    began.FromDatetime(NOW - timedelta(hours=1))

    await world.work(
        await world.claim(
            kind=Probe.KIND_REFUND,
            refund="R-1",
            payment="pi_1",
            amount=money("0.40"),
            total=money("1.00"),
            submit=True,
            arm_time=began,
        )
    )

    [(account, question)] = world.connector.asked
    assert account == "main"
    assert (question.refund, question.payment, question.submit) == ("R-1", "pi_1", True)
    assert question.since == NOW - timedelta(hours=1)
    assert question.amount is not None
    assert (question.amount.minor, question.amount.currency) == (40, "CNY")


@pytest.mark.parametrize("result", [each for each in Result if each is not Result.ANSWERED])
async def test_what_brought_no_answer_stores_nothing(world: World, result: Result) -> None:
    def find() -> Finding:
        raise NothingLearntError(result, "x y<z>\n" + "1" * 99, 7)

    world.connector.finds = find

    await world.work(await world.claim())

    assert world.fake.model.receipts == {}
    [(told, code)] = results(world)
    assert told == result.value
    assert code == "x y_z__" + "1" * 57
    assert world.fake.requests("ReportProbe")[0].retry_after_s == 7


async def test_an_answer_that_is_not_believed_is_counted(world: World) -> None:
    def find() -> Finding:
        raise unreachable(Code.SIGNATURE)

    world.connector.finds = find

    await world.work(await world.claim())

    assert results(world) == [("UNREACHABLE", "SIGNATURE")]
    assert world.count("concord_connector_unproved_total") == 1


async def test_nothing_is_reported_whose_receipt_is_not_durable(world: World) -> None:
    world.fake.answer("SubmitReceipts", *[refusal("CONTENTION")] * 2)

    await world.work(await world.claim())

    assert len(world.fake.requests("SubmitReceipts")) == 3
    assert results(world) == [("ANSWERED", "ok")]


async def test_a_lease_that_ends_leaves_the_probe_to_others(world: World) -> None:
    world.fake.answer("SubmitReceipts", *[refusal("CONTENTION")] * 99)
    probe = await world.claim()

    await world.prober().work(probe, world.now + 0.5)

    assert results(world) == []
    assert world.count("concord_connector_leases_lapsed_total") == 1


async def test_a_lease_that_was_lost_is_no_failure(world: World) -> None:
    world.fake.answer("ReportProbe", refusal("LEASE_LOST", probe="probes/prb-1"))

    await world.work(await world.claim())

    assert len(world.fake.model.receipts) == 1
    assert world.count("concord_connector_leases_lapsed_total") == 1


async def test_a_receipt_that_is_refused_is_not_an_answer(world: World) -> None:
    world.fake.answer("SubmitReceipts", refusal("INVALID_REQUEST"))

    await world.work(await world.claim())

    assert results(world) == [("UNREACHABLE", "RECEIPT_REFUSED")]


async def test_a_defect_costs_one_probe_and_not_the_worker(world: World) -> None:
    def find() -> Finding:
        raise ZeroDivisionError

    world.connector.finds = find

    await world.work(await world.claim())

    assert results(world) == [("UNREACHABLE", "CONNECTOR_FAILED")]


@pytest.mark.parametrize(
    ("name", "accounts", "asked"),
    [
        ("", (a_stripe_account(),), ["main"]),
        ("second", (a_stripe_account(), a_stripe_account(name="second")), ["second"]),
        ("", (a_stripe_account(), a_stripe_account(name="second")), []),
        ("gone", (a_stripe_account(),), []),
    ],
)
async def test_the_account_is_the_one_that_is_named_or_the_only_one(
    world: World, name: str, accounts: tuple[Account, ...], asked: list[str]
) -> None:
    await world.work(await world.claim(account=name), world.prober(*accounts))

    assert [account for account, _ in world.connector.asked] == asked
    if not asked:
        assert results(world) == [("REFUSED", "ACCOUNT_UNKNOWN")]


async def test_a_failing_account_is_left_alone_and_another_is_not(world: World) -> None:
    def find() -> Finding:
        raise unreachable(Code.CONNECT)

    world.connector.finds = find
    prober = world.prober(a_stripe_account(), a_stripe_account(name="second"))
    for number in range(FAILURES_MAX + 1):
        await world.work(await world.claim(name=f"probes/prb-{number}"), prober)
    world.connector.finds = lambda: ANSWERED
    await world.work(await world.claim(name="probes/other", account="second"), prober)

    assert len(world.connector.asked) == FAILURES_MAX + 1
    assert results(world)[FAILURES_MAX:] == [("UNREACHABLE", "PAUSED"), ("ANSWERED", "ok")]


async def test_a_throttled_account_is_asked_again_after_the_pause(world: World) -> None:
    def find() -> Finding:
        raise NothingLearntError(Result.THROTTLED, "429", 17)

    world.connector.finds = find
    prober = world.prober()
    for number in (1, 2):
        await world.work(await world.claim(name=f"probes/prb-{number}"), prober)
    world.connector.finds = lambda: ANSWERED
    world.now += 17
    await world.work(await world.claim(name="probes/prb-3"), prober)

    assert results(world) == [("THROTTLED", "429"), ("THROTTLED", "PAUSED"), ("ANSWERED", "ok")]
    assert world.fake.requests("ReportProbe")[1].retry_after_s == 17


async def test_the_receipt_goes_on_in_the_trace_of_the_asking(world: World) -> None:
    with recording() as recorded:
        await world.work(await world.claim())

    own = recorded.named("ask stripe")
    submitted = next(seen for seen in world.fake.seen if seen.method == "SubmitReceipts")
    assert own.context is not None
    at = f"{own.context.trace_id:032x}-{own.context.span_id:016x}"
    assert at in submitted.metadata["traceparent"]
    assert own.attributes == {
        "concord.provider": "stripe",
        "concord.probe.kind": "PAYMENT",
        "concord.probe.result": "ANSWERED",
        "order.id": "ord-1",
    }


@dataclass
class Silent:
    """A connector whose provider never answers."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, account: Account, question: Question) -> Finding:
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError(account, question)


async def test_a_silent_provider_is_reported_before_the_lease_ends(world: World) -> None:
    world.connector = Silent()  # type: ignore[assignment]  # Another connector.

    await world.prober().work(await world.claim(), world.now + REPORT_S + 0.1)

    assert results(world) == [("UNREACHABLE", "TIMEOUT")]


async def test_an_end_in_the_middle_reports_nothing(world: World) -> None:
    silent = Silent()
    world.connector = silent  # type: ignore[assignment]  # Another connector.
    task = asyncio.create_task(world.work(await world.claim()))
    await asyncio.wait_for(silent.begun.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert results(world) == []
