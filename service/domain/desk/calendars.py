"""Business time: when people work, in their zone, with holidays and days worked instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of work within a day, local time; an `end` of midnight is the end of the day."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """When people work. `hours` by ISO weekday, 1 for Monday; without hours, nobody works.

    Two of the same content are not equal: each is known by itself, so that its days are worked out
    once.
    """

    name: str
    zone: str
    hours: Mapping[int, tuple[Span, ...]]
    holidays: frozenset[date] = frozenset()
    # Days that are worked though their weekday is free (调休), with the hours of `extra_as`.
    extra_days: frozenset[date] = frozenset()
    extra_as: int = 1
