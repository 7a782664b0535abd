"""`python -m benchmarks.growth`: what the same work costs with ten and a hundred times the orders.

One database grows. At each size the same commands, questions and rounds of the clockwork are sent,
one at a time, and the processor time of all that take part is divided by their number. What an
index answers grows with the logarithm of what is stored, or not at all; whatever grows more is a
bug.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from statistics import median
from typing import Final

from benchmarks import cpu, growth_questions
from benchmarks.growth_clockwork import Clockwork, Job
from benchmarks.growth_orders import Orders
from benchmarks.growth_questions import Question
from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import WITHIN_S, Serving, serving
from service.domain.errors import OutageError
from service.postgres.engine import make_engine

SIZES: Final = {Size.SMALL: (1_000, 10_000), Size.FULL: (10_000, 100_000, 1_000_000)}
# The kernel counts in hundredths: a second of each makes them one per cent.
EACH_S: Final = {Size.SMALL: 0.1, Size.FULL: 0.8}
# The auditor goes round at its own pace; its pages are measured by themselves.
QUIET: Final = {"CONCORD_AUDIT_SHARE": "0"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call took: of the processors, and of time."""

    cpu_us: float
    median_ms: float


@dataclass
class Line:
    """The costs of one thing, by how many orders were stored; or why there are none."""

    what: str
    costs: dict[int, Cost] = field(default_factory=dict)
    failed: str = ""

    def ratio(self) -> Ratio:
        """Return the largest size beside the smallest, in calls for a second of processor."""
        if self.failed:
            return Ratio(self.what, "fewer orders", 0.0, 1.0, 1.0, note=self.failed)
        least, most = min(self.costs), max(self.costs)
        ours, theirs = self.costs[most].cpu_us, self.costs[least].cpu_us
        by_size = [f"{each.median_ms:.1f}" for each in self.costs.values()]
        between = [f"{each.cpu_us:,.0f}" for each in self.costs.values()]
        return Ratio(
            f"{self.what}, {most:,} orders stored",
            f"{least:,} orders",
            1e6 / ours,
            1e6 / theirs,
            round(math.log(least) / math.log(most), 2),
            ours_cpu_us=ours,
            theirs_cpu_us=theirs,
            note=f"CPU µs {', '.join(between)}; ms {', '.join(by_size)}",
        )


def measure(size: Size) -> list[Ratio]:
    """Measure everything at each size."""
    with serving(**QUIET) as world:
        engine = make_engine(world.servers.database_url, connections=2)
        try:
            orders = Orders(world, engine)
            lines: dict[str, Line] = {}
            with closing(Clockwork(world, engine)) as clockwork:
                for count in SIZES[size]:
                    began = time.monotonic()
                    orders.grow(count)
                    took_s = time.monotonic() - began
                    sys.stderr.write(f"{count:,} orders after {took_s:.0f} s\n")
                    _measure_all(lines, world, orders, clockwork, EACH_S[size])
                    # Copies are made alike at each size.
                    if count == SIZES[size][0]:
                        clockwork.must_find_nothing_wrong(orders.some(50))
        finally:
            engine.dispose()
    return [line.ratio() for line in lines.values()]


def _measure_all(
    lines: dict[str, Line],
    world: Serving,
    orders: Orders,
    clockwork: Clockwork,
    each_s: float,
) -> None:
    """Add the costs at the present size to each line."""
    everything: Iterator[Question | Job] = chain(
        growth_questions.all_of_them(world, orders), clockwork.jobs(orders)
    )
    for each in everything:
        line = lines.setdefault(each.what, Line(each.what))
        try:
            line.costs[orders.count] = (
                _asked(world, each, each_s)
                if isinstance(each, Question)
                else _done(world, each, each_s)
            )
        # What takes too long is cut off, by the service or by PostgreSQL: that is a result.
        except (RuntimeError, OutageError) as error:
            line.failed = f"with {orders.count:,} orders: {error}"


def _asked(world: Serving, question: Question, each_s: float) -> Cost:
    """Ask as often as there is time for."""
    warm, *requests = question.requests
    world.call(question.method, [warm], at_once=1)
    before = _used_s(world)
    within_s = WITHIN_S if question.is_whole else each_s
    answered = world.call(question.method, requests, at_once=1, within_s=within_s)
    used_s = _used_s(world) - before
    items = answered.count * question.items
    return Cost(used_s / items * 1e6, answered.percentile_ms(0.5))


def _done(world: Serving, job: Job, each_s: float) -> Cost:
    """Do it as often as there is time for."""
    job.work()
    before, own_s = _used_s(world), time.process_time()
    times: list[float] = []
    until = time.perf_counter() + each_s
    while not times or (began := time.perf_counter()) < until:
        began = time.perf_counter()
        job.work()
        times.append(time.perf_counter() - began)
    used_s = _used_s(world) - before + time.process_time() - own_s
    return Cost(used_s / len(times) / job.items * 1e6, median(times) * 1000)


def _used_s(world: Serving) -> float:
    """What service and PostgreSQL have used so far."""
    return cpu.of(world.service.process.pid) + world.postgres_cpu_s()


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    sys.stdout.write(table(measure(Size(parser.parse_args().size))) + "\n")


if __name__ == "__main__":
    main()
