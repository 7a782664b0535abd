"""How platforms write times, as values: a format, a unit and a zone, never a bare number or text.

Inside, a time is aware and in UTC. One that is not cannot be written, and what a platform wrote
cannot be read without saying how it writes. A form that could mean two times is refused where it
is declared: text of a zone with summer time says half past one twice a year.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, unique
from typing import Final, Protocol
from zoneinfo import ZoneInfo

SECONDS_PATTERN: Final = "%Y-%m-%d %H:%M:%S"
# 2001 to 2286 are ten digits of seconds, thirteen of milliseconds: one cannot pass for the other.
EPOCH: Final = re.compile(r"-?\d{1,15}")
# Offsets are compared at these: both halves of each year of a generation.
CHECKED_YEARS: Final = range(2010, 2050)
# Java's and .NET's way of saying that there is no time.
NEVER: Final = ("", "0", "0001-01-01 00:00:00", "0000-00-00 00:00:00", "1970-01-01 08:00:00")


class NaiveTimeError(ValueError):
    """A time does not say of which zone it is."""

    def __init__(self) -> None:
        super().__init__("a time without a zone means nothing; make it aware where it comes in")


class UnreadTimeError(ValueError):
    """A platform wrote a time in another form than it is declared to."""


@unique
class Unit(Enum):
    """What a number of an epoch counts; the values are how many make a second."""

    SECONDS = 1
    MILLISECONDS = 1000


class TimeForm(Protocol):
    """One way of writing times."""

    def write(self, at: datetime) -> str:
        """Return the time as this platform takes it.

        Raises:
            NaiveTimeError: the time has no zone.
        """
        ...

    def read(self, written: object) -> datetime | None:
        """Return what a platform wrote, in UTC; None where it says that there is none.

        Raises:
            UnreadTimeError: it is not of this form.
        """
        ...


def in_utc(at: datetime) -> datetime:
    """Return the same moment in UTC.

    Raises:
        NaiveTimeError: it has no zone.
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise NaiveTimeError
    return at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A number that counts from 1970, UTC."""

    unit: Unit

    def write(self, at: datetime) -> str:
        since = in_utc(at) - datetime(1970, 1, 1, tzinfo=UTC)
        return str(since // timedelta(microseconds=1_000_000 // self.unit.value))

    def read(self, written: object) -> datetime | None:
        text = str(written).strip()
        if text in NEVER or isinstance(written, bool) or written is None:
            return None
        digits = 10 if self.unit is Unit.SECONDS else 13
        if EPOCH.fullmatch(text) is None or len(text.lstrip("-")) > digits:
            raise UnreadTimeError(f"no {self.unit.name.lower()} of an epoch")
        if self.unit is Unit.MILLISECONDS and len(text.lstrip("-")) <= 10:  # noqa: PLR2004  # As above.
            raise UnreadTimeError("seconds where milliseconds are declared")
        return datetime.fromtimestamp(int(text) / self.unit.value, tz=UTC)


@dataclass(frozen=True, slots=True)
class Local:
    """Text without an offset, in a zone that both sides know."""

    zone: str
    pattern: str = SECONDS_PATTERN

    def __post_init__(self) -> None:
        """Refuse a zone in which a text could mean two times."""
        offsets = {
            datetime(year, month, 1, tzinfo=ZoneInfo(self.zone)).utcoffset()
            for year in CHECKED_YEARS
            for month in (1, 7)
        }
        if len(offsets) > 1:
            raise ValueError(f"{self.zone} changes its clocks; ask this platform in UTC")
        if "%z" in self.pattern or "%Z" in self.pattern:
            raise ValueError("text with an offset is of Offset")

    def write(self, at: datetime) -> str:
        return in_utc(at).astimezone(ZoneInfo(self.zone)).strftime(self.pattern)

    def read(self, written: object) -> datetime | None:
        text = str(written).strip()
        if written is None or text in NEVER:
            return None
        try:
            found = datetime.strptime(text, self.pattern)  # noqa: DTZ007  # The next line.
        except ValueError as error:
            raise UnreadTimeError(f"no text of {self.pattern}") from error
        return found.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Offset:
    """ISO-8601 with its offset; written in UTC with `Z`."""

    def write(self, at: datetime) -> str:
        return in_utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")

    def read(self, written: object) -> datetime | None:
        if written is None or not str(written).strip():
            return None
        try:
            return in_utc(datetime.fromisoformat(str(written).strip()))
        except NaiveTimeError as error:
            raise UnreadTimeError("a time without an offset") from error
        except ValueError as error:
            raise UnreadTimeError("no ISO-8601") from error


BEIJING: Final = Local("Asia/Shanghai")
EPOCH_SECONDS: Final = Epoch(Unit.SECONDS)
EPOCH_MILLISECONDS: Final = Epoch(Unit.MILLISECONDS)
ISO_UTC: Final = Offset()
