"""Simulates: `python -m tests.simulation --seeds 20000`, or one seed with its whole history.

Every seed is a small world of parties, callers, storage, relays, broker and readers that die,
lag, repeat themselves and contradict each other. A seed that fails is printed with what led
there; the same seed does the same again.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.faults.chaos.figures import commit
from tests.simulation.coverage import report, shortfalls
from tests.simulation.running import Tally, lines_of, processors, quiet, run_seed, run_seeds
from tests.simulation.world import STEPS

# A line every quarter of a minute or so, for whoever waits.
TOLD_EVERY = 1_000


def main() -> int:
    """Run what was asked for; 1 where something did not hold, or too little was reached."""
    asked = _arguments()
    quiet()
    if asked.seed is not None:
        return _run_one(asked.seed, asked.steps)
    began = time.monotonic()
    total = run_seeds(
        asked.first, asked.seeds, steps=asked.steps, workers=asked.workers, told=_tell
    )
    took_s = time.monotonic() - began
    cost_us = total.cpu_s / max(total.steps, 1) * 1_000_000
    _say(
        f"commit {commit()}, seeds {asked.first} to {asked.first + total.seeds - 1}:"
        f" {total.seeds:,} seeds, {total.steps:,} steps in {took_s:.0f} s:"
        f" {total.seeds / took_s:.0f} seeds/s, {cost_us:.0f} µs of CPU a step"
        f" with {asked.workers} processes; {len(total.failures)} failed"
    )
    for line in report(total.reached):
        _say(line)
    lacking = list(shortfalls(total.reached))
    for line in lacking:
        _say(f"Too little was reached: {line}")
    return 1 if total.failures or lacking else 0


def _run_one(seed: int, steps: int) -> int:
    world, failure = run_seed(seed, steps)
    for line in world.whole_history:
        _say(line)
    _say(f"seed {seed}: {world.digest}")
    if failure:
        _say(failure.problem)
    return 1 if failure else 0


def _tell(newest: Tally, total: Tally) -> None:
    if newest.failures:
        _say(lines_of(newest.failures))
    if total.seeds % TOLD_EVERY == 0:
        _say(f"{total.seeds:,} seeds, {len(total.failures)} failed")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--workers", type=int, default=processors())
    parser.add_argument("--seed", type=int, help="run this one, and print all that happens")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
