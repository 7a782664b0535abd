"""Small worlds under a seed end well, the same way each time; and broken ones do not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from service.domain.errors import OrderError
from tests.simulation.broken import VARIANTS
from tests.simulation.coverage import DECLARED, FAULTS, OF_THE_EDGES, missing
from tests.simulation.running import lines_of, run_seed
from tests.simulation.watch import BrokenInvariantError
from tests.simulation.world import World

# `make simulate` runs a hundred times as many; these take a few seconds.
SEEDS = 120
STEPS = 300
# Of most variants one seed in two is enough.
SEEDS_OF_VARIANTS = 40
ROOT = Path(__file__).parents[2]


def test_every_invariant_holds_whatever_happens() -> None:
    reached: Counter[str] = Counter()
    failures = []
    for seed in range(SEEDS):
        world, failure = run_seed(seed, STEPS)
        reached += world.reached()
        failures += [failure] if failure else []

    assert not failures, lines_of(failures[:3])
    assert not missing(reached, "move")
    assert all(reached[each] for each in FAULTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_broken_rule_is_found_out(variant: str) -> None:
    for seed in range(SEEDS_OF_VARIANTS):
        try:
            World(seed, VARIANTS[variant]).run(STEPS)
        except BrokenInvariantError:
            return

    pytest.fail(f"{SEEDS_OF_VARIANTS} seeds ended well although {variant}")


def test_a_seed_has_one_history_in_every_process() -> None:
    histories = {history_of(7, hash_seed) for hash_seed in ("1", "2", "3")}

    assert len(histories) == 1
    assert history_of(8, "1") not in histories


def history_of(seed: int, hash_seed: str) -> str:
    """Return all that happens under a seed, in a process that hashes text its own way."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--steps", "200"],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def test_what_is_not_to_be_reached_is_raised_at_the_edges_alone() -> None:
    names = {each.__name__ for each in OrderError.__subclasses__() if each.reason in OF_THE_EDGES}
    core = [*(ROOT / "service/domain").glob("*.py"), *(ROOT / "service/application").glob("*.py")]

    raised = {name for path in core for name in names if f"raise {name}" in path.read_text("utf-8")}

    assert len(names) == len(OF_THE_EDGES)
    assert not raised
    assert DECLARED["refusal"]
