"""`python -m benchmarks.workers`: two and four workers beside one, on the same events.

Each count has a broker of its own, for a group's offsets outlive its members. Partitions bound
what more workers gain; so do cores, which they share with the broker here.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import brokers, cpu, preloading, processes
from benchmarks.happenings import happenings
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size, table
from benchmarks.rivals.environment import Told
from benchmarks.spending import Spending, family

PARTITIONS: Final = 4
EVENTS: Final = {Size.SMALL: 10_000, Size.FULL: 200_000}
WORKERS: Final = {Size.SMALL: (1, 2), Size.FULL: (1, 2, 4)}
# The embedded broker holds a group back for half of it; Kafka would put out who stands still.
# Faust takes none above 90 s.
SESSION_S: Final = {Size.SMALL: 6, Size.FULL: 80}
DONE_WITHIN_S: Final = 600.0
LOOK_EVERY_S: Final = 0.1


def measure(size: Size) -> list[Ratio]:
    """Measure each count of workers, and set the greater beside one."""
    counts = WORKERS[size]
    drained = {count: _drained(count, size) for count in counts}
    told = {count: each for count, (each, _) in drained.items()}
    one = told[1]
    return [
        Ratio(
            f"{count} workers",
            "one worker",
            told[count].rate,
            one.rate,
            ours_cpu_us=told[count].cpu_us,
            theirs_cpu_us=one.cpu_us,
            note=f"{told[count].count:,} records, {PARTITIONS} partitions; {drained[count][1]}",
        )
        for count in counts
        if count > 1
    ]


def _drained(count: int, size: Size) -> tuple[Told, str]:
    """Start so many workers on what waits, and return what it cost them to count it."""
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        brokers.running(Path(name), size, "valkey") as servers,
    ):
        bootstrap, redis_url = servers.bootstrap, servers.embedded.redis_url
        preloading.create_topics(bootstrap, PARTITIONS)
        workers = [
            processes.worker(
                Path(name),
                f"worker-{n}",
                bootstrap,
                redis_url,
                PARTITIONS,
                CONCORD_KAFKA_SESSION_TIMEOUT_S=str(SESSION_S[size]),
            )
            for n in range(count)
        ]
        try:
            # All have their partitions, and stand still until everything is there: neither the
            # way into the group nor how fast records come is measured.
            for worker in workers:
                worker.until_ready()
            _signal(workers, signal.SIGSTOP, size)
            happened = happenings(EVENTS[size], end_s=preloading.now_s(), partitions=PARTITIONS)
            records = preloading.preload(bootstrap, happened)
            spending = Spending(
                workers=lambda: sum(cpu.of(worker.process.pid) for worker in workers),
                broker=family(servers.broker_pid),
            )
            began_s = time.perf_counter()
            with spending.counted():
                _signal(workers, signal.SIGCONT, size)
                processes.until(
                    lambda: _counted(workers) >= records,
                    "everything is counted",
                    DONE_WITHIN_S,
                    LOOK_EVERY_S,
                )
            wall_s = time.perf_counter() - began_s
        finally:
            for worker in workers:
                worker.kill()
    used_s = spending.cpu_us("workers", records) * records / 1e6
    return Told(records, wall_s, used_s, 0), spending.note(records)


def _signal(workers: Sequence[Running], number: signal.Signals, size: Size) -> None:
    """Stop them or let them go on; not with the embedded broker, which would not wait for them."""
    if size is Size.FULL:
        for worker in workers:
            worker.process.send_signal(number)


def _counted(workers: Sequence[Running]) -> float:
    for worker in workers:
        worker.must_live()
    return sum(worker.metric("concord_stream_records_total", agent="stages") for worker in workers)


def main() -> int:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    print(table(measure(Size(parser.parse_args().size))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
