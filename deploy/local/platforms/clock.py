"""Provider time: a clock that starts with the real one and may run faster, or stand still."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

BEIJING: Final = timezone(timedelta(hours=8))

Stamps = Literal["wall", "provider"]


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened at a provider, on both clocks."""

    at: datetime
    """In provider time, by which retries are planned and repairs are measured."""
    stamp: datetime
    """As it is written into messages, which whoever reads them holds against a clock of his own."""

    def beijing(self, pattern: str) -> str:
        """Return what is written into messages, as text of Beijing's local time."""
        return self.stamp.astimezone(BEIJING).strftime(pattern)

    def rfc3339(self) -> str:
        """Return what is written into messages as WeChat Pay writes it: `…+08:00`."""
        return self.stamp.astimezone(BEIJING).isoformat(timespec="seconds")

    def epoch_s(self) -> int:
        """Return what is written into messages as whole seconds since the epoch."""
        return int(self.stamp.timestamp())


class Clock:
    """Tells provider time; its speed may change while it runs, and never makes it go back.

    `stamps` says what is written into messages: by default the real time, as everybody else's
    clock runs at the real speed and refuses a signature that is minutes old or early.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        stamps: Stamps = "wall",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._lock = threading.Lock()
        self._wall = wall
        self._stamps = stamps
        self._speed = speed
        self._since_wall = self._since = wall()

    @property
    def speed(self) -> float:
        """Seconds of provider time in a second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not (math.isfinite(speed) and speed >= 0):
            raise ValueError(f"a clock cannot run {speed} times as fast")
        with self._lock:
            now = self._wall()
            self._since += max(0.0, now - self._since_wall) * self._speed
            self._since_wall = now
            self._speed = speed

    def now(self) -> datetime:
        """Return provider time."""
        with self._lock:
            passed = max(0.0, self._wall() - self._since_wall) * self._speed
            return datetime.fromtimestamp(self._since + passed, UTC)

    def moment(self) -> Moment:
        """Return this moment on both clocks."""
        at = self.now()
        is_real = self._stamps == "wall"
        return Moment(at, datetime.fromtimestamp(self._wall(), UTC) if is_real else at)

    def wait_s(self, until: datetime) -> float:
        """Return how many real seconds pass until then; infinite while the clock stands still."""
        missing_s = (until - self.now()).total_seconds()
        if missing_s <= 0:
            return 0.0
        return missing_s / self._speed if self._speed else math.inf
