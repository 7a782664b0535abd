"""Time of work agrees with a count of minutes, one by one, over a year with changes of clocks."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from service.domain.cases import Case, CaseState, PausedBy
from service.domain.desk import clocks
from service.domain.desk.business_time import later, worked
from service.domain.desk.calendars import Calendar, Span
from service.domain.desk.taxonomy import CaseType, Severity, Side

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTES = 365 * 24 * 60
TRIES = 150

MIDNIGHT = time(0)
OFFICE = (Span(time(9), time(12)), Span(time(13), time(18)))
NIGHT = (Span(MIDNIGHT, time(3, 30)), Span(time(22), MIDNIGHT))
CALENDARS = {
    # Public holidays, and weekends that are worked instead.
    "Shanghai": Calendar(
        "office",
        "Asia/Shanghai",
        dict.fromkeys(range(1, 6), OFFICE),
        frozenset(date(2026, 2, 15) + timedelta(days=n) for n in range(9)),
        frozenset({date(2026, 2, 14), date(2026, 2, 28)}),
    ),
    # Nights in which clocks go forward and back, worked through.
    "New York": Calendar("night", "America/New_York", dict.fromkeys(range(1, 8), NIGHT)),
    # Clocks change by half an hour there.
    "Lord Howe": Calendar(
        "always", "Australia/Lord_Howe", dict.fromkeys(range(1, 8), (Span(MIDNIGHT, MIDNIGHT),))
    ),
}


@cache
def counted(name: str) -> list[int]:
    """Return how many minutes were worked before each minute of the year."""
    calendar = CALENDARS[name]
    zone, total, found = ZoneInfo(calendar.zone), 0, [0]
    for number in range(MINUTES):
        shown = (START + number * MINUTE).astimezone(zone)
        total += _is_worked(calendar, shown)
        found.append(total)
    return found


def _is_worked(calendar: Calendar, shown: datetime) -> bool:
    day = shown.date()
    if day in calendar.extra_days:
        spans = calendar.hours[calendar.extra_as]
    elif day in calendar.holidays:
        return False
    else:
        spans = calendar.hours.get(day.isoweekday(), ())
    clock = shown.time()
    return any(each.begin <= clock and (clock < each.end or not each.end.hour) for each in spans)


@pytest.mark.parametrize("name", CALENDARS)
def test_time_of_work_is_what_a_count_of_minutes_says(name: str) -> None:
    calendar, count, chance = CALENDARS[name], counted(name), random.Random(name)  # noqa: S311  # the same tries each time

    for _ in range(TRIES):
        begin = chance.randrange(MINUTES - 60 * 24 * 60)
        end = begin + chance.randrange(60 * 24 * 60)
        since, until = START + begin * MINUTE, START + end * MINUTE

        assert worked(calendar, since, until) == (count[end] - count[begin]) * MINUTE, since


@pytest.mark.parametrize("name", CALENDARS)
def test_a_deadline_is_the_first_moment_at_which_enough_was_worked(name: str) -> None:
    calendar, count, chance = CALENDARS[name], counted(name), random.Random(name)  # noqa: S311  # the same tries each time

    for _ in range(TRIES):
        begin, minutes = chance.randrange(MINUTES // 2), chance.randrange(1, 5 * 8 * 60)
        expected = bisect_left(count, count[begin] + minutes)

        found = later(calendar, START + begin * MINUTE, minutes * MINUTE)

        assert found == START + expected * MINUTE, (begin, minutes)


@dataclass
class Count:
    """An independent clock: counts minutes of work while it is not paused."""

    left: int

    def breach(self, count: list[int], begin: int, pauses: list[tuple[int, int]]) -> int:
        for stop, go_on in pauses:
            if count[stop] - count[begin] >= self.left:
                break
            self.left -= count[stop] - count[begin]
            begin = go_on
        return bisect_left(count, count[begin] + self.left)


@pytest.mark.parametrize("name", CALENDARS)
def test_a_case_that_is_paused_again_and_again_breaches_when_the_count_says(name: str) -> None:
    calendar, count, chance = CALENDARS[name], counted(name), random.Random(name)  # noqa: S311  # the same tries each time

    for _ in range(TRIES):
        begin, minutes = chance.randrange(MINUTES // 2), chance.randrange(60, 10 * 8 * 60)
        moments = sorted(chance.sample(range(begin + 1, begin + 30 * 24 * 60), 6))
        pauses = list(zip(moments[::2], moments[1::2], strict=True))
        case = a_case(calendar, START + begin * MINUTE, minutes)

        for stop, go_on in pauses:
            stopped = clocks.paused(case, PausedBy.HAND, "asked", at=START + stop * MINUTE)
            case = clocks.resumed(stopped, calendar, at=START + go_on * MINUTE)

        expected = Count(minutes).breach(count, begin, pauses)
        assert case.due_at == START + expected * MINUTE, (begin, minutes, pauses)


def a_case(calendar: Calendar, at: datetime, minutes: int) -> Case:
    """Return a case whose clocks run."""
    kind = CaseType(
        name="RETURN",
        title={},
        side=Side.CUSTOMER,
        severity=Severity.NORMAL,
        owner_role="finance",
        respond_minutes=30,
        resolve_minutes=minutes,
        warn_minutes=30,
        calendar=calendar.name,
        workflow="",
        opened_by_roles=frozenset(),
        opened_by=(),
        escalates_to=(),
    )
    due_at = later(calendar, at, minutes * MINUTE)
    case = Case("case-1", "ord-1", "RETURN", CaseState.OPEN, at, due_at, "finance")
    return clocks.started(case, kind, calendar, at=at)


def test_nobody_works_by_a_calendar_without_hours() -> None:
    empty = Calendar("empty", "Asia/Shanghai", {})

    assert worked(empty, START, START + timedelta(days=7)) == timedelta(0)
    with pytest.raises(ValueError, match="hours"):
        later(empty, START, MINUTE)


def test_without_a_calendar_time_is_what_the_clock_on_the_wall_says() -> None:
    assert later(None, START, timedelta(hours=30)) == START + timedelta(hours=30)
    assert worked(None, START, START + timedelta(hours=30)) == timedelta(hours=30)
