"""The loop around every agent: nothing that happens within one may lose a record.

Faust acknowledges a record when its agent raises. So no agent raises: for each chunk the guard

1. leaves it alone if it is from before a rebalance; it will come again;
2. ends the process on a record of a newer life of the broker: the state at hand is of the old one;
3. decodes each record; what cannot be decoded goes to the dead letters, and is there before the
   chunk is acknowledged;
4. calls the agent's handler, which sends, then writes, in that order;
5. on any other error says what happened and ends the process; the offset stays, the supervisor
   starts a new one, and the chunk comes again.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
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

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A record, its headers, and the trace that it is of.
Seen = tuple[Record, Mapping[str, bytes], str | None]


@dataclass(slots=True)
class Item(Generic[T]):
    """A record that was understood. `traceparent` is the context for its consequences."""

    # One is made for each record; a frozen one takes three times as long to make.

    record: Record
    value: T
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """The understood records of one chunk: one partition, in order, one life of the broker."""

    topic: str
    partition: int
    generation: Any
    items: Sequence[Item[T]]
    spans: Chunk

    def values(self) -> list[T]:
        """Return what was understood."""
        return [item.value for item in self.items]


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
        living: list[Seen] = []
        life = str(self.worker.epoch).encode()
        for record in records:
            headers = headers_by_name(record)
            if headers.get(EPOCH) == life or self._is_of_this_life(headers):
                living.append((record, headers, text_of(headers, TRACEPARENT)))
        if not living:
            return
        first, last = living[0][0], living[-1][0]
        with process_chunk(
            first.topic,
            agent=self.agent,
            partition=first.partition,
            offsets=(first.offset, last.offset),
            count=len(living),
            traceparents=[each for _, _, each in living if is_sampled(each)],
        ) as spans:
            self.worker.settings.failpoints.reach("guard:before_chunk")
            items, poison = self._read(living, spans)
            await self._set_aside(poison)
            if items:
                batch = Batch(first.topic, first.partition, generation, items, spans)
                await self.handle(batch)
            self.worker.settings.failpoints.reach("guard:after_chunk")
        metrics.chunk_duration.labels(self.agent).observe(time.perf_counter() - began)
        self.worker.steps[first.topic] += 1

    def _is_of_this_life(self, headers: Mapping[str, bytes]) -> bool:
        epoch = epoch_of(headers)
        if epoch is None or epoch == self.worker.epoch:
            return True
        if epoch > self.worker.epoch:
            log.warning("broker_life_began", epoch=epoch, agent=self.agent)
            self.worker.die(EXIT_NEW_LIFE)
        return False

    def _read(
        self, living: Sequence[Seen], spans: Chunk
    ) -> tuple[list[Item[T]], list[tuple[Record, str, str | None]]]:
        items: list[Item[T]] = []
        poison: list[tuple[Record, str, str | None]] = []
        own = TYPES.get(living[0][0].topic)
        for record, headers, traceparent in living:
            at = traceparent
            try:
                refuse_type(headers.get(TYPE, own), own)
                value = self.decode(record)
            except PoisonError as error:
                at = spans.record(traceparent, offset=record.offset, keep=True)
                poison.append((record, error.reason, at))
                continue
            if is_sampled(traceparent) and not isinstance(value, Beat):
                order = text_of(headers, "ce_subject")
                at = spans.record(traceparent, offset=record.offset, order=order)
            items.append(Item(record, value, at))
        return items, poison

    async def _set_aside(self, poison: Sequence[tuple[Record, str, str | None]]) -> None:
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
