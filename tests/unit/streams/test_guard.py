"""The guard: no record is lost, whatever happens within an agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from concord.insights.v1.partial_pb2 import DeadLetter
from concord.orders.v1.order_event_pb2 import Heartbeat, Moved, OrderEvent
from streams.decoding import order_record
from streams.guard import EXIT_DEFECT, EXIT_NEW_LIFE, Batch, Guard
from streams.logic.stages import Change
from streams.worker import Worker
from tests.unit.streams.fakes import EPOCH, TRACE, DiedError, a_worker, record, sender_of

AN_EVENT = OrderEvent(order="orders/1", sequence=1, moved=Moved())


class Seen:
    def __init__(self, worker: Worker, failure: Exception | None = None) -> None:
        self.batches: list[Batch[Any]] = []
        self.failure = failure
        self.guard = Guard(worker, "test", order_record, self.handle)

    async def handle(self, batch: Batch[Any]) -> None:
        self.batches.append(batch)
        if self.failure is not None:
            raise self.failure


async def stream(*chunks: Any) -> AsyncIterator[Any]:  # noqa: ANN401
    for chunk in chunks:
        yield chunk


async def test_what_cannot_be_decoded_is_set_aside_as_it_came_and_the_rest_goes_on() -> None:
    worker = a_worker()
    seen = Seen(worker)
    poison = replace(record(AN_EVENT, 5), value=b"\xff\xff")

    await seen.guard.run(stream([record(AN_EVENT, 4), poison, record(AN_EVENT, 6)]))

    (letter,) = sender_of(worker).sent
    assert letter.message == DeadLetter(
        topic=poison.topic, partition=0, offset=5, agent="test", reason="UNDECODABLE",
        value=b"\xff\xff", key=b"orders/1",
    )  # fmt: skip
    assert (letter.key, letter.traceparent) == (b"orders/1", TRACE)
    assert [each.offset for each in seen.batches[0].values] == [4, 6]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "EMPTY"),
        (None, "EMPTY"),
        (OrderEvent().SerializeToString() or b"\n\x00", "NUMBER_MISSING"),
    ],
)
async def test_a_record_that_says_nothing_is_poison(value: bytes | None, reason: str) -> None:
    worker = a_worker()

    await Seen(worker).guard.run(stream([replace(record(AN_EVENT, 1), value=value)]))

    assert sender_of(worker).messages(DeadLetter)[0].reason == reason


async def test_an_unknown_error_ends_the_process_before_the_chunk_is_acknowledged() -> None:
    seen = Seen(a_worker(), ValueError("a defect"))

    with pytest.raises(DiedError) as died:
        await seen.guard.run(stream([record(AN_EVENT, 1)], [record(AN_EVENT, 2)]))

    assert died.value.args == (EXIT_DEFECT,)
    assert len(seen.batches) == 1


async def test_a_dead_letter_that_cannot_be_sent_ends_the_process() -> None:
    worker = a_worker()
    worker.sender = None  # type: ignore[assignment]  # No way out.

    with pytest.raises(DiedError):
        await Seen(worker).guard.run(stream([replace(record(AN_EVENT, 1), value=b"\xff")]))


@pytest.mark.parametrize("declared", [EPOCH + 1, EPOCH + 2, None])
async def test_a_record_of_a_newer_life_of_the_broker_ends_the_process_undecided(
    declared: int | None,
) -> None:
    seen = Seen(a_worker(life=declared))

    with pytest.raises(DiedError) as died:
        await seen.guard.take([record(AN_EVENT, 1), record(AN_EVENT, 2, epoch=EPOCH + 1)], 0)

    assert died.value.args == (EXIT_NEW_LIFE,)
    assert seen.batches == []


async def test_a_record_of_a_life_that_was_never_declared_is_set_aside_and_ends_nothing() -> None:
    worker = a_worker()
    seen = Seen(worker)

    await seen.guard.run(
        stream([record(AN_EVENT, 1), record(AN_EVENT, 2, epoch=10**9), record(AN_EVENT, 3)])
    )

    (letter,) = sender_of(worker).messages(DeadLetter)
    assert (letter.offset, letter.reason) == (2, "LIFE_UNDECLARED")
    assert [each.offset for each in seen.batches[0].values] == [1, 3]


async def test_records_of_an_older_life_are_left_alone() -> None:
    seen = Seen(a_worker())

    await seen.guard.run(stream([record(AN_EVENT, 1, epoch=EPOCH - 1), record(AN_EVENT, 2)]))

    assert [each.offset for each in seen.batches[0].values] == [2]


async def test_the_context_of_a_record_that_is_not_recorded_goes_on_unchanged() -> None:
    seen = Seen(a_worker())

    await seen.guard.run(stream([record(AN_EVENT, 1)]))

    (item,) = seen.batches[0].items()
    assert isinstance(item.value, Change)
    assert item.traceparent == TRACE


async def test_heartbeats_reach_the_handler_as_beats() -> None:
    seen = Seen(a_worker())
    beat = OrderEvent(heartbeat=Heartbeat())
    beat.event_time.seconds = 5

    await seen.guard.run(stream([record(beat, 1)]))

    assert [each.event_us for each in seen.batches[0].values] == [5_000_000]
