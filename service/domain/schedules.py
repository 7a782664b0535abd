"""How often a provider is asked: growing intervals, an end, and back-off where it was not reached.

An interval follows a real answer. An attempt that brought none (unreachable, throttled, refused)
is repeated sooner, with a back-off of its own, and does not use up an interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

# No answer of a provider may put its own question off for longer than this.
RETRY_AFTER_MOST: Final = timedelta(hours=1)
# How long the last question is repeated when the end has come and nobody can be reached: the
# end of asking is an answer, unless the provider is away for a whole day.
STRAGGLE: Final = timedelta(days=1)
# Two to the tenth times any first wait is beyond every cap; more would overflow in the end.
DOUBLINGS_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to ask: `intervals[n]` after the n-th answer, the last one again and again."""

    intervals: tuple[timedelta, ...]
    give_up_after: timedelta
    missed_first: timedelta = timedelta(seconds=10)
    missed_most: timedelta = timedelta(minutes=10)

    def interval(self, asked: int, *, slow: bool = False) -> timedelta:
        """Return how long to wait after so many answers; `slow`: as long as ever."""
        last = len(self.intervals) - 1
        return self.intervals[last if slow else min(asked, last)]


# For tests, and for installations that name no file: the shipped table of WeChat Pay, rounded.
PATIENT: Final = Schedule(
    intervals=tuple(timedelta(seconds=each) for each in (30, 60, 120, 300, 600, 1_800, 3_600)),
    give_up_after=timedelta(hours=25),
)


@dataclass(frozen=True, slots=True)
class Schedules:
    """The table of schedules, by provider and by what is asked for (`PAYMENT` …)."""

    table: Mapping[tuple[str, str], Schedule] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, provider: str, about: str) -> Schedule:
        """Return the schedule of one kind of question to one provider."""
        return self.table.get((provider, about), PATIENT)


def next_due(
    schedule: Schedule, asked: int, at: datetime, give_up_at: datetime, *, slow: bool = False
) -> datetime:
    """Return when to ask again after an answer at `at`; the last time just when asking ends."""
    due = at + schedule.interval(asked, slow=slow)
    return min(due, give_up_at) if at < give_up_at else due


def after_missed(
    schedule: Schedule, missed: int, at: datetime, retry_after: timedelta = timedelta()
) -> datetime:
    """Return when to try again after so many attempts in a row that brought no answer."""
    doublings = min(max(missed - 1, 0), DOUBLINGS_MOST)
    wait = min(schedule.missed_first * (1 << doublings), schedule.missed_most)
    return at + max(wait, min(retry_after, RETRY_AFTER_MOST))


def is_exhausted(at: datetime, give_up_at: datetime, *, answered: bool) -> bool:
    """Tell whether asking is over after an attempt at `at`."""
    return at >= give_up_at and (answered or at >= give_up_at + STRAGGLE)
