"""Chance from one seed: every choice of a simulated world is drawn here, in one order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Chance:
    """Draws. The same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # It must be predictable.
        self.share = self._random.random

    def happens(self, probability: float) -> bool:
        """Tell whether something happens that does so this often."""
        return self.share() < probability

    def below(self, count: int) -> int:
        """Return a number from 0 to below this."""
        return int(self.share() * count)

    def one_of(self, things: Sequence[T]) -> T:
        """Return one of them, each as likely as the others."""
        return things[int(self.share() * len(things))]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Return them in another order."""
        mixed = list(things)
        self._random.shuffle(mixed)
        return mixed


class Weighted(Generic[T]):
    """Things of which some are drawn more often."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._things = list(weights)
        self._sums = list(accumulate(weights.values()))
        self._total = self._sums[-1]

    def draw(self, chance: Chance) -> T:
        """Return one of them."""
        return self._things[bisect_right(self._sums, chance.share() * self._total)]
