"""Reads calendars and holidays: when people work."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yaml.nodes import Node

from service.catalogue.marked import Reading
from service.domain.desk.calendars import Calendar, Span

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)")
_DAYS: Final = re.compile(rf"({'|'.join(DAYS)})(?:-({'|'.join(DAYS)}))?")
_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")
# As the end of a span it is the end of the day.
MIDNIGHT: Final = time()
# The longest row of free days is nine.
_DATES_MAX: Final = 31


class Holidays(NamedTuple):
    """Days that are free though their weekday is not, and the other way round."""

    free: frozenset[date]
    worked: frozenset[date]


def holidays(reading: Reading, node: Node) -> Mapping[str, Holidays]:
    """Return holidays by name, each over its years."""
    found = {}
    for key, years in reading.pairs(node, "list of holidays"):
        free: set[date] = set()
        worked: set[date] = set()
        for year, body in reading.pairs(years, "list of years"):
            fields = reading.fields(body, ("free",), ("worked",), noun="year")
            for name, days in (("free", free), ("worked", worked)):
                for each in reading.items(fields[name]) if name in fields else ():
                    days |= set(_dates(reading, each, year.value))
        if both := free & worked:
            what = f"{min(both)} is free and worked"
            reading.wrong(key, what, "keep it in one of `free` and `worked`")
        found[reading.name(key)] = Holidays(frozenset(free), frozenset(worked))
    return found


def _dates(reading: Reading, node: Node, year: str) -> Iterator[date]:
    text = reading.text(node, "day")
    found = _DATES.fullmatch(text)
    try:
        first, last = (date.fromisoformat(each) for each in (found[1], found[2] or found[1]))  # type: ignore[index]  # where it is None the TypeError says so
    except (TypeError, ValueError):
        advice = f"write one such as {year}-10-01, or {year}-10-01..{year}-10-08"
        reading.wrong(node, f"`{text}` is no day", advice)
        return
    count = (last - first).days + 1
    if not 1 <= count <= _DATES_MAX or str(first.year) != year or str(last.year) != year:
        what = f"`{text}` is not within {year}, or not in order"
        reading.wrong(node, what, "write the earlier day first, and each year's under its year")
        return
    yield from (first + timedelta(days=each) for each in range(count))


def calendars(
    reading: Reading, node: Node, known: Mapping[str, Holidays]
) -> Mapping[str, Calendar]:
    """Return calendars by name."""
    found = {}
    for key, body in reading.pairs(node, "list of calendars"):
        fields = reading.fields(
            body, ("zone", "hours"), ("holidays", "worked_as"), noun=f"calendar `{key.value}`"
        )
        hours = _hours(reading, fields["hours"])
        free: frozenset[date] = frozenset()
        worked: frozenset[date] = frozenset()
        if "holidays" in fields:
            for name in reading.several(fields["holidays"], known, "list of holidays"):
                free, worked = free | known[name].free, worked | known[name].worked
        day = "mon"
        if "worked_as" in fields:
            day = reading.one_of(fields["worked_as"], DAYS, "day of the week") or day
        if worked and DAYS.index(day) + 1 not in hours:
            advice = "add `worked_as: DAY`, a day that has hours"
            reading.wrong(body, f"days worked instead have the hours of {day}: none", advice)
        name = reading.name(key)
        found[name] = Calendar(
            name=name,
            zone=_zone(reading, fields["zone"]),
            hours=MappingProxyType(hours),
            holidays=free,
            extra_days=worked,
            extra_as=DAYS.index(day) + 1,
        )
    return found


def _zone(reading: Reading, node: Node) -> str:
    text = reading.text(node, "zone")
    try:
        if text:
            ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reading.wrong(node, f"there is no zone `{text}`", "write one such as `Asia/Shanghai`")
        return "UTC"
    return text or "UTC"


def _hours(reading: Reading, node: Node) -> dict[int, tuple[Span, ...]]:
    found: dict[int, tuple[Span, ...]] = {}
    for key, value in reading.pairs(node, "list of hours"):
        days = _DAYS.fullmatch(key.value)
        if not days:
            what = f"`{key.value}` is no day of the week"
            reading.wrong(key, what, "write one such as `mon`, or `mon-fri`")
            continue
        first, last = DAYS.index(days[1]), DAYS.index(days[2] or days[1])
        spans = _spans(reading, value)
        for day in range(first, last + 1):
            if day + 1 in found:
                what = f"{DAYS[day]} has hours twice"
                reading.wrong(key, what, "write all hours of a day in one list")
            found[day + 1] = spans
        if last < first:
            reading.wrong(key, f"`{key.value}` ends before it begins", "begin with the earlier day")
    if not any(found.values()):
        reading.wrong(node, "nobody ever works", "write hours such as `mon-fri: [09:00-18:00]`")
    return found


def _spans(reading: Reading, node: Node) -> tuple[Span, ...]:
    spans: list[Span] = []
    for each in reading.items(node, "list of hours"):
        text = reading.text(each, "hours")
        found = _HOURS.fullmatch(text)
        if not found:
            reading.wrong(
                each, f"`{text}` is no hours", "write such as 09:00-18:00, or 00:00-24:00"
            )
            continue
        begin = time(int(found[1]), int(found[2]))
        end = time(int(found[4]), int(found[5])) if found[4] else MIDNIGHT
        if end != MIDNIGHT and end <= begin:
            advice = "end on the same day, and go on in the next day's hours"
            reading.wrong(each, f"`{text}` ends before it begins", advice)
        elif spans and (spans[-1].end == MIDNIGHT or begin < spans[-1].end):
            reading.wrong(each, f"`{text}` begins before the hours before it end", "sort them")
        else:
            spans.append(Span(begin, end))
    return tuple(spans)
