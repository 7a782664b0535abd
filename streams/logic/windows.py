"""Event time: into which window a moment falls, and how far time has come.

Time moves only with records. A watermark belongs to one source partition; heartbeats move it when
nothing else does. Who reads many partitions goes by the slowest of those that still speak.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SECOND_US: Final = 1_000_000

# Minute, quarter, hour and day.
RESOLUTIONS_S: Final = (60, 900, 3600, 86_400)

# Records of one partition may stand out of order by this much without being late.
DISORDER_US: Final = 5 * SECOND_US

# A source's clock may run ahead of ours by this much; further, and it must not close windows.
CLOCK_SKEW_US: Final = 5 * SECOND_US

# How long after its end a window still counts as growing.
GRACE_US: Final = 30 * SECOND_US

# Heartbeats come once a second; a partition silent for fifteen no longer holds the others back.
IDLE_AFTER_US: Final = 15 * SECOND_US


def window_start_s(at_us: int, resolution_s: int) -> int:
    """Return the start of the window of this length that the moment falls into."""
    return at_us // SECOND_US // resolution_s * resolution_s


def watermark_of(event_us: int, logged_us: int) -> int:
    """Return up to when nothing more is expected, as one record at the broker tells it."""
    return min(event_us, logged_us + CLOCK_SKEW_US) - DISORDER_US


@dataclass(slots=True)
class Source:
    """What is known of one source partition."""

    watermark_us: int = 0
    # When it last spoke, by the broker's clock.
    heard_us: int = 0
    # It has read everything that was there when its broker's life began.
    caught_up: bool = False


@dataclass(slots=True)
class Watermarks:
    """The event time of many source partitions."""

    # How many there are; time stands still until each has spoken once.
    expected: int
    sources: dict[str, Source] = field(default_factory=dict)

    def hear(self, name: str, *, watermark_us: int, logged_us: int, caught_up: bool) -> None:
        """Take in what a source partition says of itself; time never runs backwards."""
        source = self.sources.setdefault(name, Source())
        source.watermark_us = max(source.watermark_us, watermark_us)
        source.heard_us = max(source.heard_us, logged_us)
        source.caught_up = source.caught_up or caught_up

    def idle(self) -> tuple[str, ...]:
        """Return the sources that fell silent while others spoke."""
        newest = max((source.heard_us for source in self.sources.values()), default=0)
        return tuple(
            sorted(
                name
                for name, source in self.sources.items()
                if newest - source.heard_us > IDLE_AFTER_US
            )
        )

    def low_us(self) -> int:
        """Return the watermark of the slowest source that still speaks; 0 before all did."""
        if len(self.sources) < self.expected:
            return 0
        silent = set(self.idle())
        return min(s.watermark_us for name, s in self.sources.items() if name not in silent)

    def caught_up(self) -> bool:
        """Return whether every source has been read from the beginning."""
        return sum(source.caught_up for source in self.sources.values()) >= self.expected
