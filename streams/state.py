"""The engines of an agent with their rows, and the order in which effects are made to last.

One table of Faust for each agent, so that a partition's rows are in one changelog partition, in
the order in which they were written. What the table holds are the records of `RowLog`; their
keys begin with the partition, because the memory store keeps all partitions in one dictionary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from streams.guard import Batch, SupersededError
from streams.logic.effects import Effects, Rows
from streams.logic.rowlog import RowLog
from streams.records import Outgoing
from streams.worker import Worker

E = TypeVar("E")
O = TypeVar("O")  # noqa: E741  # Output.


@dataclass(frozen=True, slots=True)
class _Held(Generic[E]):
    """An engine and its rows, for as long as the partition is ours."""

    generation: Any
    log: RowLog
    engine: E


@dataclass(slots=True)
class State(Generic[E]):
    """The engines of one agent, one for each partition at hand."""

    worker: Worker
    name: str
    # Makes the engine of a partition from its rows.
    make: Callable[[Rows], E]
    table: Any = field(init=False)
    _held: dict[int, _Held[E]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.worker.app.Table(
            self.name,
            key_type=bytes,
            value_type=bytes,
            partitions=self.worker.settings.partitions,
            help=f"Rows of the engine of {self.name}.",
        )

    def engine(self, partition: int) -> E:
        """Return the engine of a partition; a new one after each rebalance."""
        generation = self.worker.generation()
        held = self._held.get(partition)
        if held is None or held.generation != generation:
            prefix = _prefix(partition)
            records = [
                (key[len(prefix) :], value)
                for key, value in self.table.data.items()
                if key.startswith(prefix)
            ]
            log = RowLog(records, term=int(generation or 0))
            held = self._held[partition] = _Held(generation, log, self.make(log))
        return held.engine

    def engines(self) -> dict[int, E]:
        """Return the engines of the partitions that are at hand now."""
        now = self.worker.generation()
        return {p: held.engine for p, held in self._held.items() if held.generation == now}

    async def carry_out(
        self, batch: Batch[Any], effects: Effects[O], records: Sequence[Outgoing]
    ) -> None:
        """Make the effects of a chunk last.

        1. Send, and wait until the broker has it. A crash here repeats: outputs replace or
           repeat themselves.
        2. Write what changed, as one record. Its offset is committed after the broker has it.

        Raises:
            SupersededError: the partition may be another's; nothing was written.
        """
        await self.worker.send(records)
        held = self._held[batch.partition]
        if not (self.worker.generation() == batch.generation == held.generation):
            raise SupersededError
        prefix = _prefix(batch.partition)
        for key, value in held.log.append(effects):
            if value is not None:
                self.table[prefix + key] = value
            elif prefix + key in self.table.data:
                del self.table[prefix + key]
        self.worker.metrics.repeats.labels(self.name).inc(effects.repeats)
        self.worker.metrics.late.labels(self.name).inc(effects.late)

    def tell_watermark(self, partition: int, watermark_us: int) -> None:
        """Measure how far event time is behind the clock."""
        age_s = time.time() - watermark_us / 1_000_000
        self.worker.metrics.watermark_age.labels(self.name, str(partition)).set(age_s)


def _prefix(partition: int) -> bytes:
    return b"%d|" % partition
