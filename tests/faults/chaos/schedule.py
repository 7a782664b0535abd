"""When each blow falls: seeded, so that a run's plan can be made again from its seed."""

from __future__ import annotations

import random
from typing import NamedTuple

from tests.faults.chaos.sizes import LANES, Kind, Size

# What makes the streams begin again from nothing takes seconds to heal: none of it at the very end,
# so that the last blow is one of those that fall all the time.
SLOW_TO_HEAL = frozenset({Kind.BROKER_LOSS, Kind.WORKER_KILL, Kind.WORKER_STORM})
SLOW_WITHIN = 0.9


class Blow(NamedTuple):
    """One fault, and when it falls after the begin."""

    at_s: float
    kind: Kind


def schedule(size: Size, seed: int) -> dict[str, list[Blow]]:
    """Return the blows of each lane in order; those of a kind are spread evenly, with jitter."""
    dice = random.Random(f"schedule:{seed}")  # noqa: S311  # Reproducible on purpose.
    lanes: dict[str, list[Blow]] = {lane: [] for lane in LANES}
    for kind, count in sorted(size.blows.items()):
        within = size.faults_s * _part(size, kind)
        lane = next(name for name, kinds in LANES.items() if kind in kinds)
        lanes[lane] += [
            Blow((number + dice.random()) * within / count, kind) for number in range(count)
        ]
    return {lane: sorted(blows) for lane, blows in lanes.items()}


def _part(size: Size, kind: Kind) -> float:
    if kind is Kind.BROKER_LOSS:
        return size.losses_within
    return SLOW_WITHIN if kind in SLOW_TO_HEAL else 1.0
