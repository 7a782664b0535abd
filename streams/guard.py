"""The loop around every agent: nothing that happens within one may lose a record.

Faust acknowledges a record when its agent raises. So no agent raises: for each chunk the guard

1. leaves it alone if it is from before a rebalance; it will come again;
2. ends the process on a record of a newer life of the broker: the state at hand is of the old one.
   A life that the relay has not declared is none: whatever says that it is of one is set aside;
3. decodes each record; what cannot be decoded goes to the dead letters, and is there before the
   chunk is acknowledged;
4. calls the agent's handler, which sends, then writes, in that order;
5. on any other error says what happened and ends the process; the offset stays, the supervisor
   starts a new one, and the chunk comes again.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NoReturn, TypeVar

import structlog

from streams import encoding
from streams.decoding import PoisonError, refuse_type
from streams.logic.stages import Beat
from streams.records import (
    EPOCH,
    TRACEPARENT,
    TYPE,
    Outgoing,
    Record,
    epoch_of,
    headers_by_name,
    text_of,
)
from streams.telemetry import Chunk, is_sampled, process_chunk
from streams.topics import TYPES
from streams.worker import Worker

# sysexits.h: an error of our own; and "try again", for a new life of the broker.
EXIT_DEFECT: Final = 70
EXIT_NEW_LIFE: Final = 75
# How most contexts end. To ask about each whether its trace is kept would take longer than to read
# its record.
NOT_SAMPLED: Final = b"-00"

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A record, which message it says that it is, its context, and the same again if its trace is kept.
Seen = tuple[Record, bytes | None, bytes | None, str | None]

# A record that cannot be read, why, and its trace.
Poison = tuple[Record, str, str | None]


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """A record that was understood. `traceparent` is the context for its consequences."""

    record: Record
    value: T
    traceparent: str | None


@dataclass(slots=True)
class Batch(Generic[T]):
    """The understood records of one chunk: one partition, in order, one life of the broker."""

    topic: str
    partition: int
    generation: Any
    spans: Chunk
    # Of the same length, one of each for each record: most agents need no more than the values.
    records: list[Record] = field(default_factory=list)
    values: list[T] = field(default_factory=list)
    traceparents: list[str | bytes | None] = field(default_factory=list)

    def items(self) -> Iterator[Item[T]]:
        """Return each record with what it says and its trace."""
        for record, value, trace in zip(self.records, self.values, self.traceparents, strict=True):
            text = trace.decode("utf-8", "replace") if isinstance(trace, bytes) else trace
            yield Item(record, value, text)


class SupersededError(Exception):
    """The partitions were given out anew while a chunk was at work; it will come again."""


@dataclass(frozen=True, slots=True)
class Guard(Generic[T]):
    """Takes chunks for one agent."""

    worker: Worker
    agent: str
    decode: Callable[[Record], T]
    handle: Callable[[Batch[T]], Awaitable[None]]

    async def run(self, stream: AsyncIterable[Sequence[Record]]) -> None:
        """Take chunks until the stream ends. Never raises but for cancellation."""
        async for records in stream:
            try:
                await self.take(records, self.worker.generation())
            except SupersededError:
                log.info("chunk_superseded", agent=self.agent)
            except Exception:
                log.exception("agent_failed", agent=self.agent, topic=records[0].topic,
                              partition=records[0].partition, offset=records[0].offset)  # fmt: skip
                self.worker.die(EXIT_DEFECT)

    async def take(self, records: Sequence[Record], generation: Any) -> None:  # noqa: ANN401
        """Take one chunk."""
        metrics = self.worker.metrics
        began = time.perf_counter()
        metrics.records.labels(self.agent).inc(len(records))
        metrics.chunk_size.labels(self.agent).observe(len(records))
        living, unborn = self._of_this_life(records)
        if unborn:
            await self._refuse_unborn(unborn)
        if not living:
            return
        first, last = living[0][0], living[-1][0]
        with process_chunk(
            first.topic,
            agent=self.agent,
            partition=first.partition,
            offsets=(first.offset, last.offset),
            count=len(living),
            traceparents=[kept for _, _, _, kept in living if kept is not None],
        ) as spans:
            self.worker.settings.failpoints.reach("guard:before_chunk")
            batch: Batch[T] = Batch(first.topic, first.partition, generation, spans)
            await self._set_aside(self._read(living, batch))
            if batch.values:
                await self.handle(batch)
            self.worker.settings.failpoints.reach("guard:after_chunk")
        metrics.chunk_duration.labels(self.agent).observe(time.perf_counter() - began)
        self.worker.steps[first.topic] += 1

    def _of_this_life(self, records: Sequence[Record]) -> tuple[list[Seen], list[Poison]]:
        """Return what is to be read, and what says that it is of a later life."""
        living: list[Seen] = []
        unborn: list[Poison] = []
        life = b"%d" % self.worker.epoch
        own = TYPES.get(records[0].topic) if records else None
        for record in records:
            headers = headers_by_name(record)
            if headers.get(EPOCH) != life:
                epoch = epoch_of(headers)
                if epoch is not None and epoch != self.worker.epoch:
                    if epoch > self.worker.epoch:
                        unborn.append((record, "LIFE_UNDECLARED", text_of(headers, TRACEPARENT)))
                    continue
            trace = headers.get(TRACEPARENT)
            kept = None
            if trace is not None and not trace.endswith(NOT_SAMPLED):
                text = text_of(headers, TRACEPARENT)
                kept = text if is_sampled(text) else None
            living.append((record, headers.get(TYPE, own), trace, kept))
        return living, unborn

    async def _refuse_unborn(self, unborn: Sequence[Poison]) -> None:
        """End the process if a later life was declared; else set aside what made it up.

        The relay publishes nothing of a life before the broker has its declaration. So whoever
        reads a record of a life can read the declaration, too, unless the broker lost its topics
        again; then the next start waits for what is declared next.
        """
        declared = await self.worker.declared_life()
        if declared is None or declared > self.worker.epoch:
            log.warning("broker_life_began", epoch=declared, agent=self.agent)
            self.worker.die(EXIT_NEW_LIFE)
        await self._set_aside(unborn)

    def _read(self, living: Sequence[Seen], batch: Batch[T]) -> list[Poison]:
        """Read records into the batch; return those that cannot be read."""
        poison: list[Poison] = []
        own, decode = TYPES.get(batch.topic), self.decode
        for record, told, trace, kept in living:
            try:
                value = decode(record) if told == own else refuse_type()
            except PoisonError as error:
                traceparent = text_of(headers_by_name(record), TRACEPARENT)
                at = batch.spans.record(traceparent, offset=record.offset, keep=True)
                poison.append((record, error.reason, at))
                continue
            at_record: str | bytes | None = trace
            if kept is not None and not isinstance(value, Beat):
                order = text_of(headers_by_name(record), "ce_subject")
                at_record = batch.spans.record(kept, offset=record.offset, order=order)
            batch.records.append(record)
            batch.values.append(value)
            batch.traceparents.append(at_record)
        return poison

    async def _set_aside(self, poison: Sequence[Poison]) -> None:
        for record, reason, traceparent in poison:
            await set_aside(self.worker, self.agent, record, reason, traceparent)


async def set_aside(
    worker: Worker, agent: str, record: Record, reason: str, traceparent: str | None
) -> None:
    """Put a record into the dead letters, and wait until it is there."""
    where = f"{record.topic}/{record.partition}@{record.offset}"
    letter = encoding.dead_letter(record, agent, reason)
    await worker.send(
        [Outgoing(letter, f"{where}:{agent}:{reason}", record.key, traceparent, subject=where)]
    )
    worker.metrics.dead_letters.labels(record.topic, reason).inc()
    log.warning("record_set_aside", agent=agent, topic=record.topic, reason=reason,
                partition=record.partition, offset=record.offset)  # fmt: skip


def die(code: int) -> NoReturn:
    """End the process at once: an orderly end would commit what was not decided."""
    os._exit(code)
