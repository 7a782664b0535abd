"""Delivers chunks, and commits no offset before its work is done: what stock Faust 0.15.3 does not.

A chunk is what one fetch brought of one partition: one event, one acknowledgement. Six holes of
the stock transport are closed here, each with a test that fails when Faust changes under us
(`tests/architecture/test_faust_internals.py`):

- an offset is committed only when every chunk before it was acknowledged (faust#606);
- and only when everything sent before was acknowledged by the broker, changelogs included;
- a fetch is never delivered across a seek, which would skip or drop records after a rebalance;
- an agent that waits holds back its own partitions, not those of others;
- a topic whose metadata is on its way is not taken for one without partitions;
- the leaders of a topic that a record was sent to are never forgotten before it has gone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final

import faust
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from aiokafka.structs import ConsumerRecord, RecordMetadata
from faust.exceptions import ProducerSendError
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP, ConsumerMessage

from streams.ends import exact_ends
from streams.topics import BROKERS_REPLICAS
from streams.unpacking import Fetched

# Records of one chunk. Larger chunks cost latency and gain nothing: 2000 take about 20 ms.
CHUNK_RECORDS_MAX: Final = 2000
# Chunks of a partition that are delivered and not acknowledged; more are left at the broker.
CHUNKS_WAITING_MAX: Final = 4
# Chunks of a changelog that wait to become rows together. The usual thousand would be the whole
# changelog in memory; with one, Faust goes on to read what its own worker writes.
CHUNKS_HELD_BACK: Final = 2
# How long a fetch waits for records before the loop looks at the world again.
_FETCH_WAIT_S: Final = 0.2

# Rows of some chunks, at 1 KiB each: 20 MiB.
BUFFERED_MAX: Final = 20_000

FetchedRecords = Mapping[TP, list[ConsumerRecord]]


class ChunkMessage(ConsumerMessage):
    """A chunk as Faust carries it: its offset is that of its last record."""

    __slots__ = ("records",)
    records: Sequence[ConsumerRecord]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Fetches, in a thread of its own, as `streams/unpacking.py` says."""

    async def on_start(self) -> None:
        """Start the consumer; nothing is fetched before it has a subscription."""
        await super().on_start()
        chunked: dict[str, int] = getattr(self.app, "chunked_topics", {})
        self._ensure_consumer()._fetcher._records = Fetched(chunked)

    def topic_partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has; None where the broker has not told yet.

        Of a changelog that was made a moment ago stock Faust says 0, and its table then refuses
        the first row: the topic read from has others.
        """
        return super().topic_partitions(topic) or None


class Consumer(driver.Consumer):
    """Delivers one event for each chunk of the topics that agents read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Faust's signature.
        super().__init__(*args, **kwargs)
        # Held from fetch to delivery, and during a seek: never one within the other.
        self._moving = asyncio.Lock()
        # For each partition, first and last offset of what was delivered and not committed.
        self._spans: dict[TP, deque[tuple[int, int]]] = defaultdict(deque)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def waiting(self, tp: TP) -> int:
        """Return how many chunks of the partition are delivered and not acknowledged."""
        acked = self._acked_index.get(tp, ())
        return sum(last not in acked for _, last in self._spans[tp])

    def ack(self, message: Any) -> bool:  # noqa: ANN401  # Faust's signature.
        """Note that a chunk is done; one from before a rebalance is read again, by whoever."""
        if message.generation_id not in (None, self.app.consumer_generation_id):
            message.acked = True
            return False
        return bool(super().ack(message))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was delivered of these; whoever gets them reads it again."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._spans.pop(tp, None)

    async def perform_seek(self) -> None:
        """Go to the committed offsets, between two deliveries and never during one."""
        async with self._moving:
            await self._seek_and_forget()

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the true ends; a changelog that is read only in part would lose rows."""
        ends: Mapping[TP, int] = await super().highwaters(*partitions)
        return await exact_ends(self.app.conf.broker_consumer, ends)

    async def _seek_and_forget(self) -> None:
        self._spans.clear()
        self._acked.clear()
        self._acked_index.clear()
        self._gap.clear()
        await super().perform_seek()

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset behind the last chunk before which all are acknowledged."""
        acked = self._acked_index.get(tp)
        if not acked:
            return None
        spans, offset = self._spans[tp], None
        while spans and spans[0][1] in acked:
            _, last = spans.popleft()
            acked.discard(last)
            offset = last + 1
        self._acked[tp][:] = sorted(acked)
        return offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: a span covers the offsets that a compacted topic lacks."""

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> FetchedRecords:  # noqa: ASYNC109  # Faust's signature.
        """Fetch, but not for agents that have enough to do."""
        open_tps = {tp for tp in active_partitions or () if self.waiting(tp) < CHUNKS_WAITING_MAX}
        if active_partitions is not None and not open_tps:
            # To the driver, no partitions means all of them.
            await asyncio.sleep(timeout)
            return {}
        fetched: FetchedRecords = await super()._getmany(
            None if active_partitions is None else open_tps, timeout
        )
        return fetched

    async def _drain_messages(self, fetcher: Any) -> None:  # noqa: ANN401  # Faust's signature.
        """Fetch and deliver until the worker stops."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                if not self.flow_active:
                    # Outside the lock: a seek may be what has to come first.
                    await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # As Faust does.
                    continue
                async with self._moving:
                    if not self.flow_active:
                        continue
                    records, active = await self._wait_next_records(_FETCH_WAIT_S)
                    if records is None or self.should_stop:
                        return
                    if self.flow_active:
                        await self._deliver_all(records, active)
                    else:
                        # The rebalance that stopped the flow may have taken partitions since; who
                        # has them seeks before the flow goes on, in any case.
                        with suppress(IllegalStateError):
                            await self._seek_and_forget()
        except (ConsumerStoppedError, asyncio.CancelledError):
            if self.transport.app.should_stop:
                return
            raise

    async def _deliver_all(self, fetched: FetchedRecords, active: set[TP] | None) -> None:
        generation = self.app.consumer_generation_id
        chunked: dict[str, int] = getattr(self.app, "chunked_topics", {})
        for raw_tp, fetched_records in fetched.items():
            tp, records = TP(raw_tp.topic, raw_tp.partition), fetched_records
            if not self._is_live(generation):
                return
            if not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            read_offset = self._read_offset[tp]
            if read_offset is not None and records and records[0].offset < read_offset:
                records = [record for record in records if record.offset >= read_offset]
            size = chunked.get(tp.topic, 1)
            for start in range(0, len(records), size):
                chunk = records[start : start + size]
                await self._deliver(tp, chunk, generation, is_chunk=tp.topic in chunked)
                if not self._is_live(generation):
                    return
                # Stock Faust stores the last offset read, and the next one after a seek.
                self._read_offset[tp] = max(chunk[-1].offset + 1, self._read_offset[tp] or 0)

    async def _deliver(
        self, tp: TP, chunk: Sequence[ConsumerRecord], generation: int, *, is_chunk: bool
    ) -> None:
        if self.suspend_flow.is_set():
            return
        message: ConsumerMessage = (
            _chunk_message(tp, chunk, generation) if is_chunk else self._to_message(tp, chunk[0])
        )
        if self.app.topics.acks_enabled_for(tp.topic):
            self._spans[tp].append((chunk[0].offset, chunk[-1].offset))
        await self.wait_first(self.callback(message), self.suspend_flow.wait())

    def _is_live(self, generation: int) -> bool:
        return bool(self.flow_active and self.app.consumer_generation_id == generation)


def _chunk_message(tp: TP, chunk: Sequence[ConsumerRecord], generation: int) -> ChunkMessage:
    last = chunk[-1]
    message = ChunkMessage(
        tp.topic,
        tp.partition,
        last.offset,
        last.timestamp / 1000.0,
        0,
        last.headers,
        None,
        None,
        None,
        0,
        0,
        tp,
        generation_id=generation,
    )
    message.records = chunk
    return message


class StrictBuffer(ProducerBuffer):
    """Is flushed when the broker has acknowledged everything; the stock one gives up after 0.1 s.

    A changelog record that the broker refused raises at the next flush, so that the offset of its
    source is not committed.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._unacknowledged: set[asyncio.Future[Any]] = set()
        self._refused: BaseException | None = None

    def put(self, fut: Any) -> None:  # noqa: ANN401  # Faust's signature.
        """Queue a message, and remember it until the broker has it."""
        self._unacknowledged.add(fut)
        fut.add_done_callback(self._settle)
        super().put(fut)

    def _settle(self, fut: asyncio.Future[Any]) -> None:
        self._unacknowledged.discard(fut)
        if not fut.cancelled() and fut.exception() is not None:
            self._refused = fut.exception()

    async def flush(self) -> None:
        """Wait until the broker has what was put before, or raise `ProducerSendError`."""
        waiting = set(self._unacknowledged)
        while waiting and self._refused is None:
            if self.state != "running":
                raise RuntimeError("the producer stopped before its buffer was empty")
            _, waiting = await asyncio.wait(waiting, timeout=1.0)
        if self._refused is not None:
            raise ProducerSendError(f"the broker refused a record: {self._refused!r}")

    async def wait_until_ebb(self) -> None:
        """Hold deliveries back while too much waits to be sent."""
        while self.size > BUFFERED_MAX and self.state == "running":
            self.message_sent.clear()
            await self.message_sent.wait()

    async def on_stop(self) -> None:
        """Leave the rest unsent: the offsets of its sources are not committed, so it comes again.

        Sending it here would race with the one message that the sending task has in hand.
        """


class Producer(driver.Producer):
    """Sends through a strict buffer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Faust's signature.
        super().__init__(*args, **kwargs)
        self.buffer = StrictBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,  # noqa: ANN401  # Faust's own, a list of pairs.
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Send a record to a topic whose leaders are asked for from now on.

        The first metadata may be of all topics; those that replace them are of the topics that the
        client has been told. aiokafka tells it of a topic only where nothing is known of it, so a
        batch whose leader was forgotten while it lingered would wait for ever.
        """
        self._ensure_producer().client.add_topic(topic)
        return await super().send(
            topic, key, value, partition, timestamp, headers, transactional_id=transactional_id
        )

    async def create_topic(
        self,
        topic: str,
        partitions: int,
        replication: int,  # Faust's own setting of it may not be negative.
        **options: Any,  # noqa: ANN401  # Faust's signature.
    ) -> None:
        """Create a topic, a changelog for one, with as many replicas as the broker gives any."""
        await super().create_topic(topic, partitions, BROKERS_REPLICAS, **options)


class Transport(driver.Transport):
    """The aiokafka driver with this consumer and producer."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    Producer: ClassVar[type[Producer]] = Producer


class ChunkSchema(faust.Schema[Any, Any]):
    """Hands records through as they are; decoding belongs to the guard."""

    def loads_key(self, *_: Any, **__: Any) -> None:  # noqa: ANN401  # Faust's signature.
        """Return nothing: the keys are in the records."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ANN401
        """Return the records of the chunk; in tests, what the test sent."""
        return getattr(message, "records", None) or message.value


class ChunkedApp(faust.App):
    """A Faust app whose agents receive chunks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Faust's signature.
        # How many records a chunk of a topic has at most.
        self.chunked_topics: dict[str, int] = {}
        super().__init__(*args, **kwargs)

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def Table(self, name: str, **options: Any) -> Any:  # noqa: ANN401, N802  # Faust's signature.
        """Return a table whose rows come back in chunks, too."""
        table = super().Table(name, recovery_buffer_size=CHUNKS_HELD_BACK, **options)
        self.chunked_topics[table.changelog_topic.get_topic_name()] = CHUNK_RECORDS_MAX
        return table

    def chunked_topic(self, name: str, records: int = CHUNK_RECORDS_MAX) -> faust.TopicT:
        """Return the topic, delivered in chunks; of two limits, the smaller counts."""
        self.chunked_topics[name] = min(records, self.chunked_topics.get(name, records))
        schema = ChunkSchema(
            key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        return self.topic(name, schema=schema)
