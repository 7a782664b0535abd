"""Fails when Faust or aiokafka change under `streams/transport.py`, and shows what that closes.

The transport replaces internals of one exact version. Each replaced or relied-on function is known
here by a digest of its source: another digest means that someone must read it again. The other
tests show the hole in stock Faust beside its absence in ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Callable, Iterator
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import MessageAccumulator
from faust.exceptions import PartitionsMismatch
from faust.stores import memory
from faust.streams import Stream
from faust.tables.base import Collection
from faust.tables.recovery import Recovery
from faust.transport import consumer as stock
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP, FutureMessage

from streams import transport
from streams.tables import ChunkedTable
from streams.transport import ChunkedApp, ChunkMessage, Consumer, StrictBuffer

PLACE = TP("orders", 0)

# Read again what changed, adapt streams/transport.py, then write down the new digest.
READ: dict[str, tuple[Callable[..., Any], str]] = {
    "Consumer._drain_messages": (stock.Consumer._drain_messages, "44a2500309e83c63"),
    "Consumer._wait_next_records": (stock.Consumer._wait_next_records, "6218e1969a636b3f"),
    "Consumer._new_offset": (stock.Consumer._new_offset, "1d2c7ea89a7ad4f1"),
    "Consumer._commit_offsets": (stock.Consumer._commit_offsets, "1a69799041188441"),
    "Consumer.ack": (stock.Consumer.ack, "5fcf41cf45153475"),
    "Consumer.perform_seek": (stock.Consumer.perform_seek, "0e8c130ff4b0afd8"),
    "Consumer.on_partitions_revoked": (stock.Consumer.on_partitions_revoked, "d04b7ae72c6fc206"),
    "AIOKafkaConsumerThread._highwaters": (
        driver.AIOKafkaConsumerThread._highwaters,
        "a7f4f97d9f32aca2",
    ),
    "Producer.flush": (driver.Producer.flush, "36d0cb3615f65b01"),
    "Producer.send": (driver.Producer.send, "0b5bd08f52e5e2a9"),
    "AIOKafkaClient._wait_on_metadata": (AIOKafkaClient._wait_on_metadata, "52b0a5ee78ef3aa0"),
    "AIOKafkaClient.add_topic": (AIOKafkaClient.add_topic, "b054eda662913f08"),
    "MessageAccumulator.drain_by_nodes": (MessageAccumulator.drain_by_nodes, "fc995afbfc5718e2"),
    "ProducerBuffer.flush_atmost": (ProducerBuffer.flush_atmost, "4966e8c5f9b42eb9"),
    "ProducerBuffer._handle_pending": (ProducerBuffer._handle_pending, "78d648030fd21016"),
    "Recovery.on_recovery_completed": (Recovery.on_recovery_completed, "6ef567acf072e46d"),
    "Recovery._build_highwaters": (Recovery._build_highwaters, "91b4cc0d3724ae7b"),
    # What streams/tables.py takes the place of, and what calls it.
    "Recovery._slurp_changelogs": (Recovery._slurp_changelogs, "7825c7e50f766d5a"),
    "Store.apply_changelog_batch": (memory.Store.apply_changelog_batch, "71863e3cd727aac2"),
    "Store.on_recovery_completed": (memory.Store.on_recovery_completed, "a00bef343e139602"),
    "Collection.partition_for_key": (Collection.partition_for_key, "3b2291811b8dd791"),
    "Stream.take": (Stream.take, "49a950b16eafeb84"),
    "Stream._c_aiter": (Stream._c_aiter, "fa44582a5882e9df"),
    "AIOKafkaConsumerThread.on_start": (driver.AIOKafkaConsumerThread.on_start, "38b4e8bd1e10723a"),
    "AIOKafkaConsumerThread._fetch_records": (
        driver.AIOKafkaConsumerThread._fetch_records,
        "39a2c6c79fc1455a",
    ),
    "Collection._verify_source_topic_partitions": (
        Collection._verify_source_topic_partitions,
        "6814da56b0d83f93",
    ),
    # What streams/unpacking.py takes the place of.
    "PartitionRecords": (fetcher.PartitionRecords, "94aa0da0dbec8d1b"),
    "FetchResult": (fetcher.FetchResult, "d7db13f06de8248c"),
    "Fetcher.fetched_records": (fetcher.Fetcher.fetched_records, "be4348896b9b66af"),
    "Fetcher._proc_fetch_request": (fetcher.Fetcher._proc_fetch_request, "59bf948fff47eed5"),
}


def digest(function: Callable[..., Any]) -> str:
    function = getattr(function, "fun", function)
    return hashlib.sha256(inspect.getsource(inspect.unwrap(function)).encode()).hexdigest()[:16]


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize("name", READ)
def test_what_was_read_is_what_runs(name: str) -> None:
    function, known = READ[name]

    assert digest(function) == known


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (
            Consumer,
            driver.Consumer,
            "ack highwaters on_partitions_revoked perform_seek _add_gap _drain_messages _getmany "
            "_new_offset",
        ),
        (StrictBuffer, ProducerBuffer, "flush on_stop put wait_until_ebb"),
        (transport.Producer, driver.Producer, "send"),
        (transport.ChunkedApp, faust.App, "_new_transport"),
        (ChunkedTable, faust.Table, "apply_changelog_batch"),
        (transport.ConsumerThread, driver.AIOKafkaConsumerThread, "on_start topic_partitions"),
    ],
)
def test_what_we_override_is_still_called_with_the_same_arguments(
    ours: type, theirs: type, names: str
) -> None:
    for name in names.split():
        wanted = list(inspect.signature(getattr(theirs, name)).parameters)
        assert list(inspect.signature(getattr(ours, name)).parameters) == wanted, name


@pytest.fixture
def app() -> ChunkedApp:
    made = ChunkedApp("internals", broker="kafka://127.0.0.1:1", web_enabled=False)
    made.topics._acking_topics.add(PLACE.topic)
    return made


@pytest.fixture
def consumer(app: ChunkedApp) -> Iterator[Any]:
    made: Any = app._new_consumer()
    loop = made._thread.thread_loop
    yield made
    # Faust makes it for the thread that the consumer would run in.
    loop.close()


def acked(consumer: Any, offset: int) -> None:  # noqa: ANN401  # Faust's internals.
    consumer._acked[PLACE].append(offset)
    consumer._acked_index[PLACE].add(offset)


async def test_pitfall_1_no_offset_passes_a_chunk_that_is_in_work(consumer: Any) -> None:  # noqa: ANN401
    ours = consumer
    ours._committed_offset[PLACE] = 2585
    ours._spans[PLACE].extend([(2585, 2585), (2586, 2588)])
    for offset in (2586, 2587, 2588):
        acked(ours, offset)

    # Stock Faust commits 2589, although 2585 was never acknowledged.
    assert stock.Consumer._new_offset(ours, PLACE) == 2589
    for offset in (2586, 2587, 2588):
        acked(ours, offset)
    assert ours._new_offset(PLACE) is None

    acked(ours, 2585)
    assert ours._new_offset(PLACE) == 2589


async def test_pitfall_2_a_flush_ends_when_the_broker_has_everything(app: ChunkedApp) -> None:
    sent = asyncio.Event()
    stalled = asyncio.Event()

    class Slow:
        async def publish_message(self, fut: Any, *, wait: bool) -> None:  # noqa: ANN401
            await stalled.wait()
            fut.set_result(None)
            sent.set()

    def message() -> FutureMessage[Any]:
        made: Any = FutureMessage.__new__(FutureMessage)
        asyncio.Future.__init__(made)
        made.message = type("Pending", (), {"channel": Slow()})()
        return made

    for kind, is_strict in ((ProducerBuffer, False), (StrictBuffer, True)):
        stalled.clear()
        buffer = kind()
        buffer.app = app
        async with buffer:
            buffer.put(message())
            buffer.put(message())
            flushing = asyncio.ensure_future(buffer.flush())
            done, _ = await asyncio.wait([flushing], timeout=0.5)
            assert bool(done) is not is_strict
            stalled.set()
            await asyncio.wait_for(flushing, 5)
            await asyncio.wait_for(sent.wait(), 5)


async def test_a_record_that_the_broker_refused_fails_the_next_flush(app: ChunkedApp) -> None:
    class Refusing:
        async def publish_message(self, fut: Any, *, wait: bool) -> None:  # noqa: ANN401
            fut.set_exception(RuntimeError("too large"))

    made: Any = FutureMessage.__new__(FutureMessage)
    asyncio.Future.__init__(made)
    made.message = type("Pending", (), {"channel": Refusing()})()
    buffer = StrictBuffer()
    buffer.app = app
    async with buffer:
        buffer.put(made)
        with pytest.raises(faust.exceptions.ProducerSendError, match="too large"):
            await asyncio.wait_for(buffer.flush(), 5)


def test_pitfall_5_a_batch_is_acknowledged_whatever_became_of_it() -> None:
    """The reason why nothing may be raised within an agent: see `streams/guard.py`."""
    _, _, at_last = inspect.getsource(inspect.unwrap(Stream.take)).partition("finally:\n")

    assert "await self.ack(event)" in at_last


async def test_pitfall_6_rows_are_written_from_within_a_stream_only(app: ChunkedApp) -> None:
    table = app.Table("rows", partitions=4)

    with pytest.raises(TypeError, match="outside of stream iteration"):
        table["key"] = 1


async def test_an_acknowledgement_from_before_a_rebalance_is_void(
    app: ChunkedApp,
    consumer: Any,  # noqa: ANN401
) -> None:
    app.consumer_generation_id = 2
    old = ChunkMessage("orders", 0, 9, 0.0, 0, [], None, None, None, 0, 0, PLACE, generation_id=1)
    new = ChunkMessage("orders", 0, 9, 0.0, 0, [], None, None, None, 0, 0, PLACE, generation_id=2)

    assert consumer.ack(old) is False
    assert consumer._acked_index.get(PLACE, set()) == set()
    assert consumer.ack(new) is True


async def test_an_agent_that_has_enough_to_do_gets_no_more(consumer: Any) -> None:  # noqa: ANN401
    other = TP("customers", 0)
    fetched: list[set[TP]] = []

    class Thread:
        async def getmany(self, active: set[TP], timeout: float) -> dict[TP, list[Any]]:  # noqa: ASYNC109
            fetched.append(active)
            return {}

    consumer._thread = Thread()
    consumer._spans[PLACE].extend((n, n) for n in range(transport.CHUNKS_WAITING_MAX))

    await consumer._getmany({PLACE, other}, 0.01)
    # To the driver, no partitions would mean all of them: it is not asked at all.
    await consumer._getmany({PLACE}, 0.01)
    acked(consumer, 0)
    await consumer._getmany({PLACE}, 0.01)

    assert fetched == [{other}, {PLACE}]


async def test_a_changelog_whose_metadata_is_on_its_way_takes_rows(
    app: ChunkedApp,
    consumer: Any,  # noqa: ANN401
) -> None:
    table = app.Table("rows", partitions=4)
    told = {PLACE.topic: 4, table.changelog_topic_name: 0}
    group = SimpleNamespace(_metadata_snapshot=told)
    consumer._thread._consumer = SimpleNamespace(_coordinator=group)
    app.consumer = consumer

    # To stock Faust these would be 4 partitions and 0: a mismatch.
    assert (
        driver.AIOKafkaConsumerThread.topic_partitions(consumer._thread, table.changelog_topic_name)
        == 0
    )
    table._verify_source_topic_partitions(PLACE.topic)

    told["returns"], told[table.changelog_topic_name] = 4, 3
    with pytest.raises(PartitionsMismatch):
        table._verify_source_topic_partitions("returns")


async def test_a_chunk_of_a_changelog_makes_the_rows_that_its_records_would() -> None:
    written = [(b"a", b"1"), (b"b", b"2"), (b"a", None), (b"c", b"3"), (b"b", b"4"), (b"a", b"5")]
    records = [
        SimpleNamespace(key=key, value=value, partition=3, topic="rows", offset=offset)
        for offset, (key, value) in enumerate(written)
    ]
    app = ChunkedApp("rows", broker="kafka://127.0.0.1:1", store="memory://", Table=ChunkedTable)
    ours = app.Table("rows", key_type=bytes, value_type=bytes, partitions=4)
    theirs = faust.App("stock", broker="kafka://127.0.0.1:1", store="memory://").Table(
        "rows", key_type=bytes, value_type=bytes, partitions=4
    )

    for start in (0, 4):
        chunk = SimpleNamespace(records=records[start : start + 4])
        ours.apply_changelog_batch([SimpleNamespace(message=chunk)])
    theirs.apply_changelog_batch(
        [SimpleNamespace(key=each.key, value=each.value, message=each) for each in records]
    )

    assert ours.data.data == theirs.data.data == {b"a": b"5", b"b": b"4", b"c": b"3"}
    assert ours.data._key_partition == theirs.data._key_partition
    assert app.chunked_topics == {ours.changelog_topic.get_topic_name(): 2000}
    assert ours.recovery_buffer_size == 2
