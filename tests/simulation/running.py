"""Runs many seeds over several processes, and adds up what they found."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from tests.simulation.thawing import thaw
from tests.simulation.watch import BrokenInvariantError
from tests.simulation.world import STEPS, World

# A chunk takes about a second.
CHUNK: Final = 25
FAILURES_MOST: Final = 5


@dataclass(slots=True)
class Failure:
    """A seed that ended badly, and what led there."""

    seed: int
    step: int
    problem: str
    history: list[str]

    def __str__(self) -> str:
        lines = "\n".join(self.history)
        return f"seed {self.seed}, step {self.step}\n{lines}\n{self.problem}"


@dataclass(slots=True)
class Tally:
    """What some seeds came to."""

    seeds: int = 0
    steps: int = 0
    cpu_s: float = 0.0
    reached: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another's."""
        self.seeds += other.seeds
        self.steps += other.steps
        self.cpu_s += other.cpu_s
        self.reached += other.reached
        self.failures += other.failures


def run_seed(seed: int, steps: int = STEPS) -> tuple[World, Failure | None]:
    """Run one seed; return the world, and how it failed if it did."""
    world = World(seed)
    try:
        world.run(steps)
    except BrokenInvariantError as error:
        return world, Failure(seed, world.steps, str(error), world.history)
    except Exception:  # noqa: BLE001  # Whatever the core raises is a finding of this seed.
        problem = traceback.format_exc(limit=-5)
        return world, Failure(seed, world.steps, problem, world.history)
    return world, None


def run_chunk(asked: tuple[int, int, int]) -> Tally:
    """Run some seeds, one after another."""
    first, count, steps = asked
    tally = Tally()
    began = time.process_time()
    for seed in range(first, first + count):
        world, failure = run_seed(seed, steps)
        tally.seeds += 1
        tally.steps += world.steps
        tally.reached += world.reached()
        tally.failures += [failure] if failure else []
        # At once, while it is still in the processor's cache: later it takes twice as long.
        del world
        gc.collect()
    tally.cpu_s = time.process_time() - began
    return tally


def run_seeds(
    first: int, count: int, *, steps: int, workers: int, told: Callable[[Tally, Tally], None]
) -> Tally:
    """Run seeds over processes; stop early when enough of them failed.

    `told` is given what the newest chunk came to, and all so far.
    """
    chunks = [
        (begin, min(CHUNK, first + count - begin), steps)
        for begin in range(first, first + count, CHUNK)
    ]
    total = Tally()
    with multiprocessing.get_context("spawn").Pool(workers, initializer=quiet) as pool:
        for tally in pool.imap_unordered(run_chunk, chunks):
            total.add(tally)
            told(tally, total)
            if len(total.failures) >= FAILURES_MOST:
                break
    return total


def quiet() -> None:
    """Say nothing of what happens within, and look for garbage between worlds only."""
    thaw()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.collect()
    gc.freeze()
    gc.disable()


def processors() -> int:
    """Return how many processes can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def lines_of(failures: Sequence[Failure]) -> str:
    """Return failures for reading, each with how to see it again."""
    return "\n\n".join(f"{each}\nAgain: make simulate SEED={each.seed}" for each in failures)
