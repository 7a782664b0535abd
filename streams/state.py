"""Rows of engines in Faust's tables, and the order in which effects are made to last.

One table for each agent, so that all rows of a partition share one changelog partition: what a
crash leaves of it is a prefix. Keys begin with the partition, because the memory store keeps
all partitions of a table in one dictionary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from streams.guard import Batch, SupersededError
from streams.logic.effects import Effects
from streams.records import Outgoing
from streams.worker import Worker

E = TypeVar("E")
O = TypeVar("O")  # noqa: E741  # Output.


@dataclass(frozen=True, slots=True)
class PartitionRows:
    """The rows of one partition, as an engine sees them."""

    table: Any
    prefix: bytes

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        row: bytes | None = self.table.get(self.prefix + key)
        return row

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return every row."""
        start = len(self.prefix)
        return [(k[start:], v) for k, v in self.table.items() if k.startswith(self.prefix)]


@dataclass(slots=True)
class State(Generic[E]):
    """The engines of one agent, one for each partition at hand, with their rows."""

    worker: Worker
    name: str
    # Makes the engine of a partition from its rows.
    make: Callable[[PartitionRows], E]
    table: Any = field(init=False)
    _engines: dict[int, tuple[Any, E]] = field(init=False, default_factory=dict)

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
        known = self._engines.get(partition)
        if known is None or known[0] != generation:
            known = generation, self.make(self._rows(partition))
            self._engines[partition] = known
        return known[1]

    def engines(self) -> dict[int, E]:
        """Return the engines of the partitions that are at hand now."""
        now = self.worker.generation()
        return {p: engine for p, (at, engine) in self._engines.items() if at == now}

    def forget(self, kept: Sequence[int]) -> None:
        """Drop the rows of partitions that others have; they come back from the changelog."""
        prefixes = {_prefix(partition) for partition in kept}
        store = self.table.data
        gone = [key for key in store if key[: key.index(b"|") + 1] not in prefixes]
        for key in gone:
            store.pop(key, None)
        self._engines = {p: engine for p, engine in self._engines.items() if p in kept}

    async def carry_out(
        self, batch: Batch[Any], effects: Effects[O], records: Sequence[Outgoing]
    ) -> None:
        """Make the effects of a chunk last.

        1. Send, and wait until the broker has it. A crash here repeats: outputs replace or
           repeat themselves.
        2. Write the rows, in their order. A crash here leaves a prefix of them.

        Raises:
            SupersededError: the partition may be another's; nothing was written.
        """
        await self.worker.send(records)
        if self.worker.generation() != batch.generation:
            raise SupersededError
        prefix = _prefix(batch.partition)
        for key, row in effects.rows.items():
            self.table[prefix + key] = row
        for key in effects.deletions:
            if prefix + key in self.table:
                del self.table[prefix + key]
        self.worker.metrics.repeats.labels(self.name).inc(effects.repeats)
        self.worker.metrics.late.labels(self.name).inc(effects.late)

    def tell_watermark(self, partition: int, watermark_us: int) -> None:
        """Measure how far event time is behind the clock."""
        age_s = time.time() - watermark_us / 1_000_000
        self.worker.metrics.watermark_age.labels(self.name, str(partition)).set(age_s)

    def _rows(self, partition: int) -> PartitionRows:
        return PartitionRows(self.table.data, _prefix(partition))


def _prefix(partition: int) -> bytes:
    return b"%d|" % partition
