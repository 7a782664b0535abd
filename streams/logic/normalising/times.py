"""Reads times: each template declares format, zone and unit; what comes out is aware UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from types import MappingProxyType
from typing import Final

from streams.logic.normalising.refusals import TemplateError, UnfitError

_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)?", re.ASCII
)
_OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)

# What a pattern may be made of, and how many digits each has.
_DIRECTIVE: Final = re.compile("(%-?.)")
_DIGITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "%Y": r"\d{4}",
        **dict.fromkeys(("%m", "%d", "%H", "%M", "%S"), r"\d{2}"),
        # As spreadsheets write them: 2026/1/1 8:05.
        **dict.fromkeys(("%-m", "%-d", "%-H"), r"\d{1,2}"),
        "%f": r"\d{1,6}",
    }
)

# Platforms write "never" as year 1 or as epoch zero, and a wrong unit lands in the far future.
# No order that can be in dispute lies outside these bounds.
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# From September 2001 to 2286 a time has 10 digits in seconds and 13 in milliseconds, so a wrong
# unit shows. The count of digits checks the declaration; it never replaces it.
_SECONDS_DIGITS: Final = 10
_MILLISECONDS_DIGITS: Final = 13


def rfc3339(value: object) -> datetime:
    """Return a time that names its own offset. Digits finer than a microsecond are cut off."""
    parts = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise UnfitError("A time is written 2026-01-31T08:00:00.123+08:00.")
    if parts[4] is None:
        raise UnfitError("This time names no offset; add Z or +08:00, whichever is true.")
    fraction = (parts[3] or "")[:6].ljust(6, "0")
    offset = "+00:00" if parts[4] in "Zz" else parts[4]
    try:
        at = datetime.fromisoformat(f"{parts[1]}T{parts[2]}.{fraction}{offset}")
    except ValueError:
        raise UnfitError("There is no such date or hour.") from None
    return _bounded(at)


def epoch_seconds(value: object) -> datetime:
    """Return a time given in whole seconds since 1970, as a number or as digits."""
    return _bounded(_EPOCH + timedelta(seconds=_epoch(value, _SECONDS_DIGITS)))


def epoch_milliseconds(value: object) -> datetime:
    """Return a time given in whole milliseconds since 1970, as a number or as digits."""
    return _bounded(_EPOCH + timedelta(milliseconds=_epoch(value, _MILLISECONDS_DIGITS)))


def local(value: object, patterns: tuple[str, ...], zone: timezone) -> datetime:
    """Return a time that is written without an offset, in a zone that the template knows.

    Takes the first pattern that fits digit for digit: `strptime` alone would read a time that
    was cut short as another time.
    """
    if not isinstance(value, str):
        raise UnfitError("A time is text here.")
    for pattern in patterns:
        if _shape(pattern).fullmatch(value):
            try:
                return _bounded(datetime.strptime(value, _plain(pattern)).replace(tzinfo=zone))
            except ValueError:
                continue
    raise UnfitError(
        f"A time is written {' or '.join(map(_example, patterns))} here, without an offset; "
        "and there must be such a date and hour."
    )


def _example(pattern: str) -> str:
    """Return a time as the pattern writes it, for people who read no patterns."""
    shown = datetime(2026, 1, 31, 8, 5, 9, 120000)  # noqa: DTZ001  # Only shown.
    for bare, number in (("%-m", 1), ("%-d", 31), ("%-H", 8)):
        pattern = pattern.replace(bare, str(number))
    return shown.strftime(pattern)


def _plain(pattern: str) -> str:
    """Return the pattern for `strptime`, which takes one digit where two may stand."""
    return pattern.replace("%-", "%")


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    parts = _DIRECTIVE.split(pattern)
    return re.compile("".join(_DIGITS.get(each, re.escape(each)) for each in parts), re.ASCII)


def pattern(written: str) -> str:
    """Return a `strptime` pattern of a template, if it is made of digits with fixed places."""
    unknown = {each for each in _DIRECTIVE.findall(written) if each not in _DIGITS}
    if unknown or not _DIRECTIVE.search(written):
        raise TemplateError(f"A time is written with {', '.join(_DIGITS)}, not {written!r}.")
    return written


def zone(offset: str) -> timezone:
    """Return the zone of a template: a fixed offset. China has had no other since 1991."""
    parts = _OFFSET.fullmatch(offset)
    if parts is None:
        raise TemplateError(f"A zone is written +08:00, not {offset!r}.")
    sign = -1 if parts[1] == "-" else 1
    return timezone(sign * timedelta(hours=int(parts[2]), minutes=int(parts[3])))


def _epoch(value: object, digits: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == digits:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError("The template declares a whole number since 1970.")
    if not 10 ** (digits - 1) <= value < 10**digits:
        unit = "seconds" if digits == _SECONDS_DIGITS else "milliseconds"
        raise UnfitError(f"The template declares {unit}: {digits} digits. This has another length.")
    return value


def _bounded(at: datetime) -> datetime:
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        utc = _EPOCH
    if not EARLIEST <= utc < LATEST:
        raise UnfitError("This time stands for no time; leave the field out instead.")
    return utc
