"""`python -m benchmarks.stages`: our worker counting stages, beside other tools counting the same.

All read the same topic, one after the other, each in one process. Ours is the whole worker: it
drops repeats, keeps its rows in changelogs, sends partials and merges them to published windows
and a view. What the others leave out is said in each of their modules.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import brokers, cpu, preloading, processes
from benchmarks.happenings import happenings
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size, table
from benchmarks.rivals import environment
from benchmarks.rivals.environment import NotToBeHadError, Told
from benchmarks.spending import Spending, family, process

PARTITIONS: Final = 4
EVENTS: Final = {Size.SMALL: 10_000, Size.FULL: 300_000}
BY_STAGE: Final = "bench.by-stage"
SESSION: Final = "CONCORD_KAFKA_SESSION_TIMEOUT_S"
SESSION_S: Final = {Size.SMALL: 6, Size.FULL: 80}
DONE_WITHIN_S: Final = 600.0
# Level two is done when nothing was counted for so long; level one tells every 3 s.
QUIET_S: Final = 3.5
# The worker writes its page of metrics for each look: 10 ms.
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Rival:
    """Who is measured beside us, against what aim."""

    name: str
    aim: float
    run: Callable[[str, int, Path], Told]


def measure(size: Size) -> list[Ratio]:
    """Measure our worker and its rivals."""
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        brokers.running(Path(name), size, "valkey") as servers,
    ):
        folder = Path(name)
        preloading.create_topics(servers.bootstrap, PARTITIONS, BY_STAGE)
        redis_url, session = servers.embedded.redis_url, {SESSION: str(SESSION_S[size])}
        worker = processes.worker(
            folder, "worker", servers.bootstrap, redis_url, PARTITIONS, **session
        )
        try:
            worker.until_ready()
            # It stands still until everything is there; not with the embedded broker, which
            # would not keep a place in the group for it.
            if size is Size.FULL:
                worker.process.send_signal(signal.SIGSTOP)
            happened = happenings(EVENTS[size], end_s=preloading.now_s(), partitions=PARTITIONS)
            count = preloading.preload(servers.bootstrap, happened, by_stage=BY_STAGE)
            spending = Spending(
                worker=process(worker.process.pid), broker=family(servers.broker_pid)
            )
            with spending.counted():
                ours = drained(worker, count)
        finally:
            worker.kill()
        note = f"{count:,} records, {servers.broker}; {spending.note(count)}"
        rivals = RIVALS if size is Size.FULL else RIVALS[:1]
        return [_beside(ours, rival, servers.bootstrap, count, folder, note) for rival in rivals]


def drained(worker: Running, count: int) -> Told:
    """Let the worker go on, and return what it cost to count everything, both levels."""
    pid = worker.process.pid
    began_s, began_cpu_s = time.perf_counter(), cpu.of(pid)
    worker.process.send_signal(signal.SIGCONT)

    def counted(agent: str) -> float:
        worker.must_live()
        return worker.metric("concord_stream_records_total", agent=agent)

    processes.until(
        lambda: counted("stages") >= count, "everything is counted", DONE_WITHIN_S, LOOK_EVERY_S
    )
    wall_s = time.perf_counter() - began_s
    merged, since_s = 0.0, time.monotonic()
    while time.monotonic() - since_s < QUIET_S:
        time.sleep(LOOK_EVERY_S)
        if (now := counted("stage-windows")) != merged:
            merged, since_s = now, time.monotonic()
    return Told(count, wall_s, cpu.of(pid) - began_cpu_s, int(merged))


def _beside(ours: Told, rival: Rival, bootstrap: str, count: int, folder: Path, note: str) -> Ratio:
    what = "stages agent, whole worker"
    try:
        theirs = rival.run(bootstrap, count, folder)
    except NotToBeHadError as error:
        nothing = float("nan")
        return Ratio(what, rival.name, ours.rate, nothing, rival.aim, ours.cpu_us, note=str(error))
    by_cpu = theirs.cpu_us / ours.cpu_us
    return Ratio(
        what,
        rival.name,
        ours.rate,
        theirs.rate,
        rival.aim,
        ours.cpu_us,
        theirs.cpu_us,
        f"{note}; by CPU {by_cpu:.2f}",
    )


def _bare(bootstrap: str, count: int, _: Path) -> Told:
    return environment.run("bare_loop", bootstrap, preloading.ORDERS.name, count)


def _bytewax(bootstrap: str, count: int, folder: Path) -> Told:
    python = environment.python()
    place = folder / "bytewax"
    topic = preloading.ORDERS.name
    return environment.run("bytewax_flow", bootstrap, topic, count, place, interpreter=python)


def _quix(bootstrap: str, _: int, folder: Path) -> Told:
    python = environment.python()
    count = preloading.length(bootstrap, BY_STAGE)
    return environment.run("quix", bootstrap, BY_STAGE, count, folder / "quix", interpreter=python)


RIVALS: Final = (
    Rival("a bare aiokafka loop with dicts", 0.5, _bare),
    Rival("Bytewax, recovery on", 1.0, _bytewax),
    Rival("Quix Streams, state on", 4.0, _quix),
)


def main() -> int:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    print(table(measure(Size(parser.parse_args().size))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
