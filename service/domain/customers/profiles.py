"""What a customer's orders come to, and what of that changes with one of them.

An order counts once it is paid, or leaves unpaid to be paid at the door. What counts is kept with
the order as it was told last, so a change is the difference to it: told twice, it is nothing. An
order that goes from one customer to another is removed from the one and added to the other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import unique
from typing import Final

from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.words import Word

# Today and the 89 days before, in UTC.
DAYS: Final = 90
# An order that is not paid counts once it is on its way, to be paid at the door.
LEFT: Final = frozenset({State.SHIPPING, State.DELIVERED, State.COMPLETED})
# Of 200 bytes each: 100 KB in one event.
MOVED_MOST: Final = 500
_EPOCH: Final = date(1970, 1, 1)


@unique
class Cause(Word):
    """Why a profile changed; the names are those of `ProfileChange.Cause`."""

    BOUGHT = "BOUGHT"
    RETURNED = "RETURNED"
    CORRECTED = "CORRECTED"
    MOVED = "MOVED"


@dataclass(frozen=True, slots=True)
class Bought:
    """One order, as far as it counts for its customer."""

    customer_id: str
    order_id: str
    channel: str
    shop: str
    total: Money
    day: int
    is_returned: bool = False
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What is taken from one customer's profile, and what is added to it."""

    customer_id: str
    cause: Cause
    removed: tuple[Bought, ...] = ()
    added: tuple[Bought, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """Orders with, by currency, their sum; by place, by day, how many of them came back."""

    spent: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    places: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    categories: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def as_of(self, today: int) -> "Profile":
        """Return the profile with no more than the days that count today."""
        days = {day: told for day, told in self.days.items() if today - DAYS < day <= today}
        return replace(self, days=days)

    def lately(self, today: int) -> tuple[int, int]:
        """Return orders of the days that count today, and how many of these came back."""
        told = self.as_of(today).days.values()
        return sum(many for many, _ in told), sum(back for _, back in told)


def day_of(at: datetime) -> int:
    """Return the day of a moment in UTC, as days since 1970."""
    return (at.astimezone(UTC).date() - _EPOCH).days


def changes(told: Iterable[tuple[Bought | None, Bought | None]]) -> list[ProfileChange]:
    """Return what changes where orders were told as the first, and are now the second."""
    found: list[ProfileChange] = []
    gone: dict[str, list[Bought]] = defaultdict(list)
    come: dict[str, list[Bought]] = defaultdict(list)
    for old, new in told:
        if old is not None and new is not None and old.customer_id != new.customer_id:
            gone[old.customer_id].append(old)
            come[new.customer_id].append(new)
        elif old != new:
            found += _in_place(old, new)
    for customer_id in sorted(gone.keys() | come.keys()):
        for removed in _parts(gone[customer_id]):
            found.append(ProfileChange(customer_id, Cause.MOVED, removed=removed))
        for added in _parts(come[customer_id]):
            found.append(ProfileChange(customer_id, Cause.MOVED, added=added))
    return found


def profile_of(bought: Iterable[Bought]) -> Profile:
    """Return what these orders come to."""
    spent: dict[str, tuple[int, int]] = {}
    places: dict[tuple[str, str], tuple[int, int]] = {}
    days: dict[int, tuple[int, int]] = {}
    categories: dict[str, int] = {}
    for each in bought:
        many, total = spent.get(each.total.currency, (0, 0))
        spent[each.total.currency] = many + 1, total + each.total.minor
        place = each.channel, each.shop
        many, back = places.get(place, (0, 0))
        places[place] = many + 1, back + each.is_returned
        many, back = days.get(each.day, (0, 0))
        days[each.day] = many + 1, back + each.is_returned
        for name in each.categories:
            categories[name] = categories.get(name, 0) + 1
    return Profile(spent, places, categories, days)


def _in_place(old: Bought | None, new: Bought | None) -> list[ProfileChange]:
    if old is None:
        assert new is not None  # noqa: S101  # they differ
        if new.is_returned:
            # That it was bought, then that it came back: each may be looked at by rules.
            first = replace(new, is_returned=False)
            return [*_in_place(None, first), *_in_place(first, new)]
        return [ProfileChange(new.customer_id, Cause.BOUGHT, added=(new,))]
    if new is None:
        return [ProfileChange(old.customer_id, Cause.CORRECTED, removed=(old,))]
    came_back = new.is_returned and not old.is_returned
    cause = Cause.RETURNED if came_back else Cause.CORRECTED
    return [ProfileChange(new.customer_id, cause, removed=(old,), added=(new,))]


def _parts(bought: Sequence[Bought]) -> Iterable[tuple[Bought, ...]]:
    for start in range(0, len(bought), MOVED_MOST):
        yield tuple(bought[start : start + MOVED_MOST])
