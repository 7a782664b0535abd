"""Says the same thing once a second at most, and how often it happened meanwhile.

A flood of forged calls must cost us counters, not disks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

EVERY_S: Final = 1.0


class Seldom:
    """Remembers when each thing was said; things are few, such as (account, refusal)."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._said: dict[Hashable, tuple[float, int]] = {}

    def count(self, thing: Hashable) -> int:
        """Return how often it happened since it was last said; 0 where it must not be said yet."""
        now = self._monotonic()
        said_at, kept_back = self._said.get(thing, (-EVERY_S, 0))
        if now - said_at < EVERY_S:
            self._said[thing] = (said_at, kept_back + 1)
            return 0
        self._said[thing] = (now, 0)
        return kept_back + 1
