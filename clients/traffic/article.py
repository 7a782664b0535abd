"""The article's table as a generator: stage durations whose means and shares are exactly its own.

Durations are dealt in decks. A deck of n orders holds, for each stage, the n mid-quantiles of a
right-skewed (log-normal) law, scaled so that they add up to n times the stage's mean to the
microsecond, and exactly the stage's quota of abnormal ones, which follow a slower law of their
own. A deck is not shuffled but dealt along an irrational rotation: every run of neighbouring
orders then holds nearly its fair part of fast, slow and abnormal ones, so that a live board shows
the table after a few hundred orders, and shows it exactly after each full deck.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from statistics import NormalDist
from typing import Final

from clients.traffic.dice import Dice

SECOND_US: Final = 1_000_000

# 1000 is the smallest deck in which all four shares are whole orders: 3, 61, 18 and 235.
DECK_ORDERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the table, and the laws that its durations follow."""

    from_state: str
    to_state: str
    mean_us: int
    abnormal_per_mille: int
    circumstance: str
    """What the source says of an abnormal one; the cause is read from it."""
    abnormal_mean_us: int
    """Ours: the article gives one mean a stage, not one for its abnormal orders."""
    spread: float
    """Standard deviation of the logarithm of a normal duration."""
    abnormal_spread: float
    rotation: float
    """Irrational step of the deal; four that are independent keep the stages independent."""


@dataclass(frozen=True, slots=True)
class Dwell:
    """How long one order stays in one stage, and why if that is abnormal."""

    us: int
    circumstance: str | None = None


Course = tuple[Dwell, Dwell, Dwell, Dwell]
"""One order's way through the four stages."""


STAGES: Final = (
    Stage(
        "PENDING_PAYMENT",
        "PAYING",
        mean_us=1_200_000,
        abnormal_per_mille=3,
        circumstance="network_retry",
        abnormal_mean_us=15 * SECOND_US,
        spread=0.5,
        abnormal_spread=0.3,
        rotation=math.sqrt(2),
    ),
    Stage(
        "PAYING",
        "PAID",
        mean_us=8_700_000,
        abnormal_per_mille=61,
        circumstance="learnt_by_query",
        abnormal_mean_us=60 * SECOND_US,
        spread=0.6,
        abnormal_spread=0.3,
        rotation=math.sqrt(3),
    ),
    Stage(
        "PAID",
        "AWAITING_OUTBOUND",
        mean_us=3_400_000,
        abnormal_per_mille=18,
        circumstance="stock_lock_retry",
        abnormal_mean_us=24 * SECOND_US,
        spread=0.5,
        abnormal_spread=0.3,
        rotation=math.sqrt(5),
    ),
    Stage(
        "AWAITING_OUTBOUND",
        "SHIPPING",
        mean_us=156_200_000,
        abnormal_per_mille=235,
        circumstance="manual_picking",
        # 0.235 x 420 s is 98.7 s of the mean; the other 57.5 s come from normal ones of 75 s.
        abnormal_mean_us=420 * SECOND_US,
        spread=0.45,
        # Keeps the slowest of a deck near 18 min, far below the 2 h that would be overdue.
        abnormal_spread=0.35,
        rotation=math.sqrt(7),
    ),
)


def courses(seed: int, orders: int | None = None) -> Iterator[Course]:
    """Deal the courses of `orders` orders, or without an end."""
    for number in count():
        left = DECK_ORDERS if orders is None else orders - number * DECK_ORDERS
        if left <= 0:
            return
        size = min(left, DECK_ORDERS)
        dealt = [_deal(stage, size, Dice(seed, "deck", number)) for stage in STAGES]
        yield from zip(*dealt, strict=True)


def longest_us(orders: int | None = None) -> int:
    """Return a time within which every order of such a deal goes from placed to shipped."""
    sizes = {DECK_ORDERS} if orders is None else {min(orders, DECK_ORDERS), orders % DECK_ORDERS}
    return max(
        (sum(max(d.us for d in _deck(s, size)) for s in STAGES) for size in sizes if size),
        default=0,
    )


def typical(index: int) -> Dwell:
    """Return a duration that leaves a stage's mean where it is."""
    return Dwell(STAGES[index].mean_us)


def _deal(stage: Stage, size: int, dice: Dice) -> list[Dwell]:
    deck = _deck(stage, size)
    start = dice.share(stage.from_state)
    places = [(start + i * stage.rotation) % 1.0 for i in range(size)]
    dealt = [deck[0]] * size
    for rank, place in enumerate(sorted(range(size), key=places.__getitem__)):
        dealt[place] = deck[rank]
    return dealt


@lru_cache(maxsize=64)
def _deck(stage: Stage, size: int) -> tuple[Dwell, ...]:
    """Return the stage's durations, normal ones first, each kind from fast to slow."""
    abnormal = round(size * stage.abnormal_per_mille / 1000)
    slow_us = abnormal * stage.abnormal_mean_us
    normal = _quantiles(size - abnormal, size * stage.mean_us - slow_us, stage.spread)
    slow = _quantiles(abnormal, slow_us, stage.abnormal_spread)
    return (*map(Dwell, normal), *(Dwell(us, stage.circumstance) for us in slow))


def _quantiles(n: int, total_us: int, spread: float) -> list[int]:
    """Return the n mid-quantiles of a log-normal law, scaled to add up to the total exactly."""
    law = NormalDist(0, spread)
    weights = [math.exp(law.inv_cdf((i + 0.5) / n)) for i in range(n)]
    scale = total_us / sum(weights) if n else 0.0
    durations = [int(weight * scale) for weight in weights]
    # Cutting off fractions leaves less than n microseconds over: the slowest take one each.
    over = total_us - sum(durations) if n else 0
    for i in range(n - over, n):
        durations[i] += 1
    return durations
