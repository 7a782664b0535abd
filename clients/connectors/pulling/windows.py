"""Stretches of time that a platform is asked for, and what each platform allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clients.connectors.pulling.times import in_utc

SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From a time up to another, both in UTC and whole seconds; at least what was wanted."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Take both into UTC, and widen to whole seconds: no platform knows finer ones."""
        start, end = in_utc(self.start), in_utc(self.end)
        if start.microsecond:
            start = start.replace(microsecond=0)
        if end.microsecond:
            end = end.replace(microsecond=0) + SECOND
        if start >= end:
            raise ValueError("a window ends after it starts")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRules:
    """What a platform takes as a window."""

    longest: timedelta
    """The widest that one question may be about."""
    lag: timedelta = timedelta(0)
    """How far before its now a window must end: later, its answer is not complete."""
    reach: timedelta | None = None
    """How far back it answers; None: as far as one likes."""
