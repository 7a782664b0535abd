"""Which moment a run has reached: as fast as it can go, or so many times as fast as the clock.

Never ahead of the clock. A run that plays faster than time catches up with it and goes on at its
pace; one that plays slower falls behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from clients.traffic.article import SECOND_US

Clock = Callable[[], float]
"""Seconds since the epoch."""

# A sleep is never longer, so that a stop, or a clock that was set, is noticed.
SLEEP_MAX_S: Final = 0.5
# Nor shorter: 20 rounds a second are live enough, and cost nothing.
SLEEP_MIN_S: Final = 0.05


class Pace:
    """Maps the clock to the run's own time."""

    def __init__(self, clock: Clock, start_us: int, scale: float | None = None) -> None:
        self._clock = clock
        self._start_us = start_us
        self._began_s = clock()
        self._scale = scale

    def reached_us(self) -> int:
        """Return the moment up to which messages have arrived."""
        now_s = self._clock()
        now_us = int(now_s * SECOND_US)
        if self._scale is None:
            return now_us
        played_us = int((now_s - self._began_s) * self._scale * SECOND_US)
        return min(now_us, self._start_us + played_us)

    def wait_s(self, until_us: int) -> float:
        """Return how long to sleep until a moment may be reached."""
        missing_s = (until_us - self.reached_us()) / SECOND_US
        return min(max(missing_s / max(self._scale or 1.0, 1.0), SLEEP_MIN_S), SLEEP_MAX_S)
