"""How much people worked between two moments, and when a time of work will have passed.

Work is done while a clock on the wall of the calendar's zone shows hours of work. So a night in
which clocks are put forward is an hour shorter, and one in which they are put back an hour longer,
for those who work through it. Without a calendar, everybody always works.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from service.domain.desk.calendars import Calendar, Span

_DAY: Final = timedelta(days=1)
_MIDNIGHT: Final = time(0)
# Nobody plans further: a calendar that has so many days without work has none with it.
_DAYS_MOST: Final = 1_100

# From one moment to another, UTC.
Stretch = tuple[datetime, datetime]


def later(calendar: Calendar | None, since: datetime, work: timedelta) -> datetime:
    """Return the first moment at which so much was worked since then.

    Raises:
        ValueError: nobody works within three years, by this calendar.
    """
    if calendar is None or work <= timedelta(0):
        return since + max(work, timedelta(0)) if calendar is None else since
    left = work
    for begin, end in _stretches(calendar, since):
        if end - begin >= left:
            return begin + left
        left -= end - begin
    message = f"nobody works by calendar {calendar.name!r}: give it hours"
    raise ValueError(message)


def worked(calendar: Calendar | None, since: datetime, until: datetime) -> timedelta:
    """Return how much was worked between two moments; nothing where they are the wrong way."""
    if until <= since:
        return timedelta(0)
    if calendar is None:
        return until - since
    total = timedelta(0)
    for begin, end in _stretches(calendar, since):
        if begin >= until:
            break
        total += min(end, until) - begin
    return total


def hours_of(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """Return the hours of work of a day."""
    if day in calendar.extra_days:
        return calendar.hours.get(calendar.extra_as, ())
    if day in calendar.holidays:
        return ()
    return calendar.hours.get(day.isoweekday(), ())


def local_day(calendar: Calendar, at: datetime) -> date:
    """Return the day that it is where the calendar holds."""
    return at.astimezone(_zone(calendar.zone)).date()


def at_local(calendar: Calendar, day: date, clock: time) -> datetime:
    """Return the moment at which a clock on the wall shows this, UTC; the first of two."""
    return datetime.combine(day, clock, _zone(calendar.zone)).astimezone(UTC)


def _stretches(calendar: Calendar, since: datetime) -> Iterator[Stretch]:
    """Yield when people work from a moment on, in order."""
    first = local_day(calendar, since)
    for number in range(_DAYS_MOST):
        day = first + number * _DAY
        for begin, end in _of_day(calendar, day):
            if end > since:
                yield max(begin, since), end


# A year of ten calendars.
@lru_cache(maxsize=4_096)
def _of_day(calendar: Calendar, day: date) -> Sequence[Stretch]:
    spans = hours_of(calendar, day)
    if not spans:
        return ()
    zone = _zone(calendar.zone)
    begin = at_local(calendar, day, _MIDNIGHT)
    end = at_local(calendar, day + _DAY, _MIDNIGHT)
    found = []
    for low, high in _even(zone, begin, end):
        offset = low.astimezone(zone).utcoffset() or timedelta(0)
        midnight = datetime.combine(day, _MIDNIGHT, UTC) - offset
        for span in spans:
            opens = midnight + _since_midnight(span.begin)
            closes = midnight + (_since_midnight(span.end) or _DAY)
            if max(opens, low) < min(closes, high):
                found.append((max(opens, low), min(closes, high)))
    return sorted(found)


def _even(zone: ZoneInfo, begin: datetime, end: datetime) -> list[Stretch]:
    """Return a day in parts in which clocks are not put forward or back."""
    was, becomes = _offset(zone, begin), _offset(zone, end - timedelta(microseconds=1))
    if was == becomes:
        return [(begin, end)]
    # Clocks change at a whole second, once a day at most.
    low, high = begin, end
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if _offset(zone, middle) == was else (low, middle)
    return [(begin, high), (high, end)]


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _since_midnight(clock: time) -> timedelta:
    return timedelta(
        hours=clock.hour,
        minutes=clock.minute,
        seconds=clock.second,
        microseconds=clock.microsecond,
    )


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
