"""Agents as Faust runs them: records in, records and calls out, rows in the table."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from grpc import StatusCode

from clients.sdk.errors import Failure, InternalError, InvalidArgumentError, UnreachableError
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.partial_pb2 import ChannelPartial, DeadLetter, StagePartial
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.orders.v1.order_event_pb2 import (
    CustomerEvent,
    Heartbeat,
    Moved,
    OrderEvent,
    Placed,
    StageMeasure,
)
from streams import service
from streams.agents import channels, intake, risk, stages
from streams.guard import Batch
from streams.logic.stages import Beat, Change
from streams.worker import Worker
from tests.unit.streams.fakes import TRACE, FakeService, a_worker, record, sender_of

PAID_S = 1_790_000_000


def order_event(sequence: int) -> OrderEvent:
    event = OrderEvent(order="orders/1", sequence=sequence, channel="jd", moved=Moved())
    event.event_time.seconds = PAID_S
    measure = StageMeasure(from_state=2, to_state=3)  # type: ignore[arg-type]  # Their numbers.
    measure.current.duration.seconds = sequence
    measure.current.end_time.seconds = PAID_S
    event.measures.append(measure)
    return event


def receipt(number: int, body: object = None) -> receipt_pb2.ReceiptEvent:
    told = body or {
        "id": f"evt-{number}",
        "type": "payment.started",
        "channel": "douyin",
        "source": "douyin",
        "order": {"namespace": "douyin", "value": f"order-{number % 2}"},
        "occurred_at": "2026-11-22T08:00:00.123456Z",
    }
    return receipt_pb2.ReceiptEvent(
        received=receipt_pb2.Receipt(
            name=f"receipts/{number}",
            source="douyin",
            template="concord.event",
            body=json.dumps(told).encode(),
        )
    )


def agent(worker: Worker, name: str) -> Any:  # noqa: ANN401  # Faust's.
    return next(each for key, each in worker.app.agents.items() if key == name)


async def put(worker: Worker, name: str, *chunks: list[Any]) -> None:
    async with agent(worker, name).test_context() as running:
        for chunk in chunks:
            await running.put(chunk)
        # The agent is asked for one more, so it is done with the others.
        await running.put([])
    # Faust makes it for the thread that the consumer would run in.
    worker.app.consumer._thread.thread_loop.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_PAUSE_S", 0.0)


async def test_stages_send_cumulative_parts_and_a_repeat_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each chunk tells what changed: what is not told did not change.
    monkeypatch.setattr(stages, "TELL_EVERY_S", 0.0)
    monkeypatch.setattr(stages, "TELL_EVERY_S_BEHIND", 0.0)
    worker = a_worker()
    stages.attach(worker)

    await put(
        worker,
        "stages",
        [record(order_event(1), 10), record(order_event(2), 11)],
        [record(order_event(2), 12)],
        [record(order_event(3), 13)],
        [record(order_event(1), 14), record(order_event(3), 15)],
    )

    parts = sender_of(worker).messages(StagePartial)
    told = [
        (p.window.resolution.seconds, p.window.numbers.count, p.window.numbers.sum_us, p.offset)
        for p in parts
    ]
    lengths = (60, 900, 3600, 86_400)
    assert sorted(told) == sorted(
        [(length, 2, 3_000_000, 11) for length in lengths]
        + [(length, 3, 6_000_000, 13) for length in lengths]
    )
    assert {(p.partition, p.epoch, p.open_offset) for p in parts} == {(0, 7, 10)}
    assert worker.metrics.repeats.labels("stages")._value.get() == 3


@pytest.mark.parametrize(
    ("behind_s", "told_every_s"), [(0, 0.2), (4, 0.2), (60, 3.0), (600, 30.0), (86_400, 30.0)]
)
async def test_the_further_behind_the_later_it_is_told_what_changed(
    behind_s: float, told_every_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = {"time": 1_790_000_000.0, "monotonic": 5_000.0}
    monkeypatch.setattr(stages, "time", SimpleNamespace(**{n: partial(now.get, n) for n in now}))
    telling = stages.Telling()
    logged_ms = int((now["time"] - behind_s) * 1000)
    at = replace(record(order_event(1), 10), timestamp=logged_ms)
    batch: Batch[Change | Beat] = Batch("", 0, 0, spans=None, records=[at])  # type: ignore[arg-type]

    assert telling.is_due(batch)
    now["monotonic"] += told_every_s - 0.01
    assert not telling.is_due(batch)
    now["monotonic"] += 0.02
    assert telling.is_due(batch)


async def test_stages_ask_the_journal_for_what_is_missing() -> None:
    journal = [order_event(n).SerializeToString() for n in (1, 2, 3)]
    worker = a_worker(FakeService(journal={"orders/1": journal}))
    worker.service.failures.append(UnreachableError(Failure(StatusCode.UNAVAILABLE)))  # type: ignore[attr-defined]
    stages.attach(worker)

    await put(worker, "stages", [record(order_event(3), 10)])

    parts = sender_of(worker).messages(StagePartial)
    assert {(p.window.numbers.count, p.window.numbers.sum_us) for p in parts} == {(3, 6_000_000)}


async def test_a_heartbeat_tells_every_reader_of_partials_how_far_time_has_come() -> None:
    worker = a_worker()
    stages.attach(worker)
    beat = OrderEvent(heartbeat=Heartbeat())
    beat.event_time.seconds = PAID_S

    await put(worker, "stages", [record(beat, 10)])

    sent = sender_of(worker).sent
    assert [each.partition for each in sent] == [0, 1, 2, 3]
    assert {each.message.watermark.seconds for each in sent} == {PAID_S - 5}  # type: ignore[attr-defined]


async def test_intake_tells_the_service_the_facts_of_each_receipt_in_its_trace() -> None:
    worker = a_worker()
    intake.attach(worker)

    await put(worker, "intake", [record(receipt(n), n) for n in range(4)])

    (readings,) = worker.service.applied  # type: ignore[attr-defined]
    # What is about one order stands together.
    assert [each.receipt for each in readings] == [f"receipts/{n}" for n in (0, 2, 1, 3)]
    assert {each.facts[0].kind for each in readings} == {fact_pb2.Fact.KIND_PAYMENT_STARTED}
    assert {each.traceparent for each in readings} == {TRACE}
    assert readings[0].facts[0].occurred_time.nanos == 123_456_000
    version = worker.templates.by_name["concord.event"].version
    assert {each.template_version for each in readings} == {version}


async def test_intake_tells_the_service_why_a_receipt_could_not_be_read() -> None:
    worker = a_worker()
    intake.attach(worker)

    await put(worker, "intake", [record(receipt(1, ["no event"]), 1)])

    ((reading,),) = worker.service.applied  # type: ignore[attr-defined]
    assert reading.rejection.reason != receipt_pb2.Rejection.REASON_UNSPECIFIED


async def test_a_large_batch_that_fails_again_is_told_in_halves() -> None:
    away = [UnreachableError(Failure(StatusCode.UNAVAILABLE)) for _ in range(2)]
    worker = a_worker(FakeService(failures=list(away)))
    intake.attach(worker)

    await put(worker, "intake", [record(receipt(n), n) for n in range(100)])

    assert [len(batch) for batch in worker.service.applied] == [50, 50]  # type: ignore[attr-defined]


async def test_a_few_readings_are_told_together_however_often_it_takes() -> None:
    away = [UnreachableError(Failure(StatusCode.UNAVAILABLE)) for _ in range(5)]
    worker = a_worker(FakeService(failures=list(away)))
    intake.attach(worker)

    await put(worker, "intake", [record(receipt(n), n) for n in range(20)])

    assert [len(batch) for batch in worker.service.applied] == [20]  # type: ignore[attr-defined]


async def test_intake_waits_for_a_service_that_is_away() -> None:
    away = UnreachableError(Failure(StatusCode.UNAVAILABLE))
    worker = a_worker(FakeService(failures=[away] * 7))
    intake.attach(worker)

    await put(worker, "intake", [record(receipt(1), 1)])

    assert len(worker.service.applied) == 1  # type: ignore[attr-defined]
    assert worker.waiting == set()


@pytest.mark.parametrize(
    "refusal",
    [
        InvalidArgumentError(Failure(StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")),
        InternalError(Failure(StatusCode.INTERNAL, "INTERNAL_ERROR")),
    ],
)
async def test_the_one_receipt_that_the_service_will_not_take_is_set_aside_alone(
    refusal: Exception,
) -> None:
    worker = a_worker(FakeService(refused={"receipts/3": refusal}))
    intake.attach(worker)

    await put(worker, "intake", [record(receipt(n), n) for n in range(5)])

    applied = {each.receipt for batch in worker.service.applied for each in batch}  # type: ignore[attr-defined]
    assert applied == {f"receipts/{n}" for n in (0, 1, 2, 4)}
    assert [(each.offset, each.agent) for each in sender_of(worker).messages(DeadLetter)] == [
        (3, "intake")
    ]


def outcome(number: int, revision: int, kind: int) -> receipt_pb2.ReceiptWeighed:
    weighed = receipt_pb2.ReceiptWeighed(
        receipt=f"receipts/{number}",
        channel="jd",
        revision=revision,
        outcome=kind,  # type: ignore[arg-type]
    )
    weighed.receive_time.seconds = PAID_S
    weighed.event_time.seconds = PAID_S - 2
    weighed.facts.add(outcome=kind)
    return weighed


async def test_a_receipt_that_is_weighed_again_is_counted_once() -> None:
    worker = a_worker()
    channels.attach(worker, None)  # type: ignore[arg-type]  # Level two is not run.

    await put(
        worker,
        "channel-outcomes",
        [record(outcome(1, 1, fact_pb2.OUTCOME_CONTRADICTING), 1)],
        [record(outcome(1, 2, fact_pb2.OUTCOME_APPLIED), 2)],
        [record(outcome(1, 2, fact_pb2.OUTCOME_APPLIED), 3)],
    )

    minutes = [each.minute for each in sender_of(worker).messages(ChannelPartial)]
    assert [(m.receipts, m.contradictions, m.delay_sum_ms) for m in minutes] == [
        (1, 1, 2000),
        (1, 0, 2000),
    ]


async def test_risk_publishes_a_flag_and_acting_on_it_twice_is_one_request() -> None:
    worker = a_worker()
    risk.attach(worker)
    placed = CustomerEvent(event_id="e-1", customer="c-1", sequence=1, order="orders/1")
    placed.placed.CopyFrom(Placed())
    placed.placed.total.currency_code = placed.placed.list_total.currency_code = "CNY"
    placed.placed.total.units, placed.placed.list_total.units = 10, 100

    await put(worker, "risk", [record(placed, 1)], [record(placed, 2)])
    (flag,) = sender_of(worker).messages(Flag)
    await put(worker, "flag-actions", [record(flag, 1)], [record(flag, 2)])

    assert (flag.rule, flag.action, flag.order) == ("deep-discount", Flag.ACTION_HOLD, "orders/1")
    (first, second) = worker.service.acted  # type: ignore[attr-defined]
    assert first == second
    assert first[2] == TRACE
