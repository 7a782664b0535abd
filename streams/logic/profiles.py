"""What each customer bought over all channels, and what of it looks risky.

A customer's row holds sums, and the last 90 days each for itself: an order adds to them and is
taken from them again when it is told anew, or becomes another customer's. So a merge of customers
moves what each bought exactly, and a row never grows with the number of orders. A repeat is
dropped by the change's number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

import orjson

from streams.logic.effects import Effects, Rows
from streams.logic.risk import CustomerAct, Finding, RuleFailed, flag_id
from streams.logic.rules import Amount, RuleEngine, RuleError
from streams.logic.windows import SECOND_US

# The day of a change and the 89 before.
DAYS: Final = 90
_DAY_US: Final = 86_400 * SECOND_US
_NUMBERS_BELOW: Final = 2**63

K = TypeVar("K")
Cause = Literal["BOUGHT", "RETURNED", "CORRECTED", "MOVED"]
# Which changes rules look at, and what they call them; a merge is nothing that anybody did.
_JUDGED: Final[dict[Cause, Literal["PLACED", "RETURNED"]]] = {
    "BOUGHT": "PLACED",
    "RETURNED": "RETURNED",
}


@dataclass(frozen=True, slots=True)
class Bought:
    """One order, as far as it counts."""

    order: str
    channel: str
    shop: str
    currency: str
    # In millionths of the currency's unit.
    amount_micros: int
    day: int
    is_returned: bool
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What changed of one customer's profile, as its record tells it."""

    offset: int
    logged_us: int
    customer: str
    sequence: int
    event_us: int
    cause: Cause
    removed: tuple[Bought, ...] = ()
    added: tuple[Bought, ...] = ()


@dataclass(slots=True)
class ProfileNumbers:
    """A row: what one customer's orders come to."""

    sequence: int = 0
    # The newest day on which anything was told: days before its 90 are put away.
    today: int = 0
    # By currency: orders, and their sum.
    spent: dict[str, tuple[int, int]] = field(default_factory=dict)
    # By channel and shop, and by day: orders, and how many of these came back.
    places: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    days: dict[int, tuple[int, int]] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)

    def is_nothing(self) -> bool:
        """Return whether no order counts."""
        return not self.places

    def tell(self, change: ProfileChange) -> None:
        """Apply a change."""
        self.sequence = change.sequence
        self._turn(change.event_us // _DAY_US)
        for each in change.removed:
            self._add(each, -1)
        for each in change.added:
            self._add(each, 1)

    def lately(self, today: int) -> tuple[int, int]:
        """Return orders of the 90 days up to this one, and how many of these came back."""
        told = [each for day, each in self.days.items() if today - DAYS < day <= today]
        return sum(many for many, _ in told), sum(back for _, back in told)

    def _turn(self, today: int) -> None:
        """Let days go that no day from now on can ask for."""
        if today > self.today:
            self.today = today
            self.days = {day: told for day, told in self.days.items() if day > today - DAYS}

    def _add(self, bought: Bought, sign: int) -> None:
        back = sign if bought.is_returned else 0
        _count(self.spent, bought.currency, sign, sign * bought.amount_micros)
        _count(self.places, (bought.channel, bought.shop), sign, back)
        # What was put away is not taken back a second time: the newest day only goes on.
        if bought.day > self.today - DAYS:
            _count(self.days, bought.day, sign, back)
        for name in bought.categories:
            many = self.categories.get(name, 0) + sign
            if many:
                self.categories[name] = many
            else:
                self.categories.pop(name, None)

    def to_row(self) -> bytes:
        """Return it as bytes of a row."""
        spent = [[name, many, _storable(total)] for name, (many, total) in self.spent.items()]
        places = [[*place, *told] for place, told in self.places.items()]
        days = [[day, *told] for day, told in self.days.items()]
        return orjson.dumps([self.sequence, self.today, spent, places, days, self.categories])

    @classmethod
    def from_row(cls, row: bytes) -> ProfileNumbers:
        """Read what `to_row` wrote."""
        sequence, today, spent, places, days, categories = orjson.loads(row)
        return cls(
            sequence=sequence,
            today=today,
            spent={name: (many, int(total)) for name, many, total in spent},
            places={(channel, shop): (many, back) for channel, shop, many, back in places},
            days={day: (many, back) for day, many, back in days},
            categories=categories,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A customer's profile after a chunk."""

    key: str
    numbers: ProfileNumbers


@dataclass(slots=True)
class Profiles:
    """The engine of one partition of changes of profiles."""

    rows: Rows
    rules: RuleEngine
    # Changes that never came; the profile is wrong by each, and the service says so.
    lost: int = 0

    def apply(self, changes: Sequence[ProfileChange]) -> Effects[Kept | Finding | RuleFailed]:
        """Apply changes, and judge each against what was before it."""
        effects: Effects[Kept | Finding | RuleFailed] = Effects()
        profiles: dict[str, ProfileNumbers] = {}
        for change in changes:
            numbers = profiles.get(change.customer) or self._load(change.customer)
            if change.sequence <= numbers.sequence:
                effects.repeats += 1
                continue
            self.lost += change.sequence - numbers.sequence - 1
            effects.outputs.extend(self._judge(change, numbers))
            numbers.tell(change)
            profiles[change.customer] = numbers
        for customer, numbers in profiles.items():
            effects.rows[customer.encode()] = numbers.to_row()
            effects.outputs.append(Kept(customer, numbers))
        return effects

    def wholes(self) -> Iterator[Kept]:
        """Yield every profile of the partition."""
        for key, row in self.rows.items():
            yield Kept(key.decode(), ProfileNumbers.from_row(row))

    def is_complete(self) -> bool:
        """Return that a profile may be shown: each says up to which change it goes."""
        return True

    def _judge(
        self, change: ProfileChange, before: ProfileNumbers
    ) -> Iterator[Finding | RuleFailed]:
        kind = _JUDGED.get(change.cause)
        if kind is None:
            return
        for bought in change.added:
            act = _act(change, bought, kind)
            values = _values(act, bought, before)
            for rule in self.rules.rules():
                try:
                    holds = self.rules.holds(rule, values)
                except RuleError as error:
                    yield RuleFailed(act, str(error))
                    continue
                if holds:
                    inputs = tuple((name, str(values[name])) for name in rule.inputs)
                    name = flag_id(rule.id, act.event_id)
                    yield Finding(name, act, rule.id, rule.version, rule.action, inputs)

    def _load(self, customer: str) -> ProfileNumbers:
        row = self.rows.get(customer.encode())
        return ProfileNumbers() if row is None else ProfileNumbers.from_row(row)


def _act(change: ProfileChange, bought: Bought, kind: Literal["PLACED", "RETURNED"]) -> CustomerAct:
    # By order and kind, whoever the customer is by then: one flag of a rule for each.
    return CustomerAct(
        offset=change.offset,
        logged_us=change.logged_us,
        event_id=f"profile:{bought.order}:{kind}",
        customer=change.customer,
        sequence=change.sequence,
        order=bought.order,
        event_us=change.event_us,
        kind=kind,
        currency=bought.currency,
        amount_micros=bought.amount_micros,
    )


def _values(act: CustomerAct, bought: Bought, before: ProfileNumbers) -> dict[str, Amount]:
    """Return what rules may speak of: what was before; of returns, this one included."""
    orders, amount_sum = before.spent.get(act.currency, (0, 0))
    today = max(before.today, act.event_us // _DAY_US)
    orders_90d, returned_90d = before.lately(today)
    is_recent = today - DAYS < bought.day <= today
    came_back = act.kind == "RETURNED" and is_recent
    channels = {channel for channel, _ in before.places} | {bought.channel}
    return {
        "event.kind": act.kind,
        "order.amount": act.amount_micros,
        "order.currency": act.currency,
        "profile.orders": orders,
        "profile.amount_sum": amount_sum,
        "profile.channels": len(channels),
        "profile.orders_90d": orders_90d,
        "profile.returned_90d": returned_90d + came_back,
    }


def _count(told: dict[K, tuple[int, int]], key: K, many: int, more: int) -> None:
    orders, total = told.get(key, (0, 0))
    if orders + many:
        told[key] = orders + many, total + more
    else:
        told.pop(key, None)


def _storable(total: int) -> int | str:
    """Return a sum for a row: as text where it is too large for JSON's numbers of 64 bits."""
    return total if total < _NUMBERS_BELOW else str(total)
