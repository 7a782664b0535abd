"""What is usual for a feed: how much comes in each hour of its week, by its own clock.

A silence is told from a quiet night by what would have come: were 20 messages usual since the last
one, none at all comes about once in five hundred million such times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import Final
from zoneinfo import ZoneInfo

# Of independent arrivals, e^-20 is 2e-9: a thousand feeds that are looked at each hour of a year
# give nine million chances.
SILENT_FROM: Final = 20.0
# Promotions and holidays are weeks apart; a month of them is what is usual now.
KEPT: Final = timedelta(weeks=4)
# A shop may be closed on a Sunday: only the same hour of the same weekday tells what is usual.
WEEKS_LEAST: Final = 2
WEEK: Final = timedelta(weeks=1)
HOUR: Final = timedelta(hours=1)
# Looked at hour by hour: a week of silence is as silent as a year of it.
LOOKED_BACK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How much came in each hour (UTC, its beginning); hours in which nothing came are there, too.

    `since` is from when the feed was watched.
    """

    zone: str
    arrivals: Mapping[datetime, int]
    since: datetime

    def usual(self, moment: datetime) -> float | None:
        """Return how much usually comes in the hour of the week of a moment; None if not known.

        The lower middle of the weeks that are known: one promotion does not make a quiet minute
        look like a silence.
        """
        zone = ZoneInfo(self.zone)
        local = moment.astimezone(zone)
        found = []
        for week in range(1, KEPT // WEEK + 1):
            # By the shop's clock, over both ends of summer time.
            hour = _begin_of((local - week * WEEK).astimezone(UTC))
            if hour >= self.since:
                found.append(self.arrivals.get(hour, 0))
        return float(median_low(found)) if len(found) >= WEEKS_LEAST else None

    def expected(self, since: datetime, until: datetime) -> float:
        """Return how much would usually have come; hours that are not known count nothing."""
        start = max(since, until - LOOKED_BACK)
        expected, hour = 0.0, _begin_of(start)
        while hour < until:
            part = min(until, hour + HOUR) - max(start, hour)
            expected += (self.usual(hour) or 0.0) * (part / HOUR)
            hour += HOUR
        return expected

    def is_silent(self, last_new_at: datetime, *, at: datetime) -> bool:
        """Tell whether nothing came for longer than is ever usual."""
        return self.expected(last_new_at, at) >= SILENT_FROM


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of its hour, UTC."""
    return _begin_of(moment)


def _begin_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
