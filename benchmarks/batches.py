"""`python -m benchmarks.batches`: receipts and facts in batches, beside PostgreSQL by itself.

Beside single rows, each in a transaction of its own, by pgbench; and beside COPY of the very rows
that the service wrote, in as many batches, into tables with the same indexes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks import bare
from benchmarks.callers import Answered
from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import BATCH, BATCHES_AT_ONCE, Serving, serving
from benchmarks.spending import Spending

AIM: Final = 4.0
CLIENTS: Final = 16
# An order is made, about to be paid, paid: by a receipt each, and batches hold one of an order.
KINDS: Final = (1, 2, 3)
RECEIPT_TABLES: Final = ("receipts", "outbox")
FACT_TABLES: Final = (
    *("orders", "order_refs", "facts", "journal", "timers"),
    *("receipt_outcomes", "outbox"),
)


@dataclass(frozen=True)
class Scale:
    """How much is done: orders of a round, rounds, and rows that one client inserts in each."""

    orders: int
    rounds: int
    inserts: int


SCALES: Final = {Size.SMALL: Scale(500, 1, 50), Size.FULL: Scale(5_000, 3, 1_500)}


@dataclass
class Side:
    """What came of one call, round by round: items a second, and rows of PostgreSQL alone."""

    spending: Spending
    items: int = 0
    rates: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    copied: list[float] = field(default_factory=list)

    def add(self, answered: Sequence[Answered], items: int) -> None:
        """Add a round."""
        self.items += items
        self.rates.append(items / sum(each.took_s for each in answered))


def measure(size: Size) -> list[Ratio]:
    """Measure `SubmitReceipts` and `ApplyFacts` beside single rows and beside COPY."""
    scale = SCALES[size]
    with serving() as world:
        receipts, facts = Side(world.spending()), Side(world.spending())
        bare.prepare(world, (*RECEIPT_TABLES, *FACT_TABLES))
        _round(
            world,
            [f"warm-{index}" for index in range(BATCH)],
            Side(world.spending()),
            Side(world.spending()),
        )
        for number in range(scale.rounds):
            names = [f"batch{number}-{index:07}" for index in range(scale.orders)]
            _round(world, names, receipts, facts)
            for one, side in (("receipts", receipts), ("facts", facts)):
                side.single.append(
                    bare.single_rows(world, one, clients=CLIENTS, each=scale.inserts, number=number)
                )
    return [*_ratios("SubmitReceipts", receipts), *_ratios("ApplyFacts", facts)]


def _round(world: Serving, names: Sequence[str], receipts: Side, facts: Side) -> None:
    """Send receipts, then what they mean; copy what each of the two wrote."""
    items = len(names) * len(KINDS)
    bare.empty(world, (*RECEIPT_TABLES, *FACT_TABLES))
    with receipts.spending.counted():
        sent = [world.submit(names, kind) for kind in KINDS]
    receipts.add(sent, items)
    receipts.copied.append(items / bare.copy(world, RECEIPT_TABLES, items // BATCH))
    bare.empty(world, ("outbox",))
    with facts.spending.counted():
        applied = [world.apply(names, kind) for kind in KINDS]
    facts.add(applied, items)
    facts.copied.append(items / bare.copy(world, FACT_TABLES, items // BATCH))


def _ratios(name: str, side: Side) -> list[Ratio]:
    rate, cpu_us = median(side.rates), side.spending.cpu_us("service", side.items)
    spent = side.spending.note(side.items)
    return [
        Ratio(
            *(name, "pgbench, single rows", rate, median(side.single), AIM),
            ours_cpu_us=cpu_us,
            note=f"batches of {BATCH}, {BATCHES_AT_ONCE} at once; {CLIENTS} sessions; {spent}",
        ),
        Ratio(
            *(name, "COPY of the same rows", rate, median(side.copied)),
            ours_cpu_us=cpu_us,
            note=f"batches of {BATCH}, {BATCHES_AT_ONCE} at once",
        ),
    ]


if __name__ == "__main__":
    sys.stdout.write(table(measure(Size.FULL)) + "\n")
