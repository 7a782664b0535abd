"""Fetches of aiokafka, unpacked our way: the same records, the same checks."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.unpacking import Batches, Fetched

PLACE = TopicPartition("orders", 2)
FETCHED = 3
BATCH = 4


def batch(base: int, *, damaged: bool = False) -> bytes:
    """Return a batch of four records, the first of which has this offset."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000)
    for number in range(BATCH):
        builder.append(
            number, 1_000 + number, b"k", b"v%d" % (base + number), [("h", b"1"), ("h", b"2")]
        )
    built = bytearray(builder.build())
    built[0:8] = base.to_bytes(8, "big")
    if damaged:
        built[-1] ^= 1
    return bytes(built)


class Assigned:
    """What a fetcher asks of an assignment."""

    active = True
    paused = False

    def __init__(self, position: int) -> None:
        self.position = position

    def state_value(self, _: TopicPartition) -> Assigned:
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


def fetched(*batches: bytes, topics: frozenset[str] = frozenset({"orders"})) -> tuple[Any, Any]:
    """Return what a fetcher has in store after it brought these batches."""
    told = MemoryRecords(b"".join(batches))
    stock = PartitionRecords(PLACE, told, [], FETCHED, None, None, True, 0)  # noqa: FBT003
    assigned = Assigned(FETCHED)
    store = Fetched(topics)
    store[PLACE] = FetchResult(PLACE, assignment=assigned, partition_records=stock, backoff=0)
    return store[PLACE], assigned


def test_records_are_the_ones_that_aiokafka_would_return() -> None:
    ours, assigned = fetched(batch(0), batch(BATCH))
    theirs, _ = fetched(batch(0), batch(BATCH), topics=frozenset())

    names = ("topic", "partition", "offset", "timestamp", "key", "value")
    read = ours.getall()

    assert [each.offset for each in read] == [3, 4, 5, 6, 7]
    assert [[getattr(each, name) for name in names] for each in read] == [
        [getattr(each, name) for name in names] for each in theirs.getall()
    ]
    assert read[0].headers == [("h", b"1"), ("h", b"2")]
    assert assigned.position == 2 * BATCH
    assert not ours.has_more()


def test_a_damaged_batch_is_refused_and_what_was_before_it_is_fetched_again() -> None:
    result, assigned = fetched(batch(0), batch(BATCH, damaged=True), batch(2 * BATCH))

    with pytest.raises(CorruptRecordException):
        result.getall()

    assert result.getall() == []
    assert assigned.position == FETCHED


def test_a_damaged_batch_that_comes_first_is_never_passed() -> None:
    result, assigned = fetched(batch(0, damaged=True), batch(BATCH))

    with pytest.raises(CorruptRecordException):
        result.getall()

    assert result.getall() == []
    assert assigned.position == FETCHED
    assert not result.has_more()


def test_an_error_of_a_fetch_stays_what_it_is() -> None:
    store, error = Fetched({"orders"}), object()
    store[PLACE] = error

    assert store[PLACE] is error


def test_what_may_hold_aborted_transactions_is_left_to_aiokafka() -> None:
    stock = PartitionRecords(PLACE, MemoryRecords(b""), [], 0, None, None, True, 1)  # noqa: FBT003
    store = Fetched({"orders"})
    store[PLACE] = FetchResult(PLACE, assignment=Assigned(0), partition_records=stock, backoff=0)

    assert not isinstance(store[PLACE]._partition_records, Batches)
