"""Judges what a file says of an order against what we hold and what was paid.

A file is made after its day ended, and compared later still: an order that went on meanwhile does
not differ. So a state differs where we are behind the file, where one calls off what the other
does not, and where we have been ahead for longer than a channel takes to learn of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.days import day_of
from service.domain.reconciling.statements import Line

# What we know first (a waybill, a callback), channels know within the hour; their files are made
# at night. A day covers a channel that was away.
AHEAD_FOR: Final = timedelta(hours=24)

# Who pays is all that a file of theirs tells of: an order of Pinduoduo is born paid.
WITHOUT_UNPAID: Final = frozenset({"pdd"})

# States that a file and we may call differently without meaning another thing.
_RANKS: Final[Mapping[State, int]] = MappingProxyType(
    {
        State.PENDING_PAYMENT: 0,
        State.PAYING: 0,
        State.PAID: 1,
        State.AWAITING_OUTBOUND: 1,
        State.SHIPPING: 2,
        State.DELIVERED: 3,
        State.COMPLETED: 4,
    }
)
_LEFT: Final = _RANKS[State.SHIPPING]


@unique
class DifferenceKind(Enum):
    """What does not agree."""

    MISSING_HERE = "MISSING_HERE"
    MISSING_THERE = "MISSING_THERE"
    AMOUNT = "AMOUNT"
    QUANTITY = "QUANTITY"
    STATE = "STATE"
    DOUBLED = "DOUBLED"
    WRONG_DAY = "WRONG_DAY"
    WRONG_CHANNEL = "WRONG_CHANNEL"


@dataclass(frozen=True, slots=True)
class Ours:
    """What we hold of an order, as far as files tell of it."""

    order_id: str
    channel: str
    state: State
    state_since: datetime
    total: Money
    paid: Money
    refunded: Money
    quantity: int
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose day is compared, and when its lines were here."""

    channel: str
    day: date
    zone: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """Everything that is said of one order: the file's lines, ours, and its payments."""

    ref: OrderRef
    lines: tuple[Line, ...]
    ours: Ours | None
    # What came, by the payment's number; without those that only the channel tells of.
    payments: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, as each side has it."""

    kind: DifferenceKind
    ref: OrderRef
    order_id: str = ""
    file: str = ""
    ours: str = ""
    payments: str = ""


def judge(pair: Pair, scope: Scope) -> tuple[Finding, ...]:
    """Return what differs, each kind at most once."""
    line = _newest(pair.lines)
    if pair.ours is None:
        return (_finding(DifferenceKind.MISSING_HERE, pair, file=_told(line)),)
    if not line.is_read:
        # It is there; what it says is in the receipt's rejection.
        return ()
    found = (check(pair, line, pair.ours, scope) for check in _CHECKS)
    return tuple(each for each in found if each is not None)


def missing_there(ours: Ours, ref: OrderRef) -> Finding:
    """Return that the file has nothing of an order of ours."""
    return Finding(
        DifferenceKind.MISSING_THERE,
        ref,
        ours.order_id,
        ours=f"{ours.state.value} {money_text(ours.total)}",
        payments=money_text(ours.paid) if ours.paid.minor else "",
    )


def belongs_in_file(ours: Ours) -> bool:
    """Tell whether a file of this channel tells of such an order at all."""
    return ours.paid.minor > 0 or ours.channel not in WITHOUT_UNPAID


def money_text(amount: Money) -> str:
    """Return an amount in minor units: `16900 CNY`."""
    return f"{amount.minor} {amount.currency}"


def _channel(pair: Pair, _line: Line, ours: Ours, scope: Scope) -> Finding | None:
    if not ours.channel or ours.channel == scope.channel:
        return None
    return _finding(DifferenceKind.WRONG_CHANNEL, pair, file=scope.channel, ours=ours.channel)


def _day(pair: Pair, line: Line, ours: Ours, scope: Scope) -> Finding | None:
    # A file may list an order of another day; what counts is when it says it was placed.
    theirs = day_of(line.placed_at, scope.zone) if line.placed_at else scope.day
    held = day_of(ours.placed_at, scope.zone)
    if theirs == held:
        return None
    return _finding(DifferenceKind.WRONG_DAY, pair, file=theirs.isoformat(), ours=held.isoformat())


def _doubled(pair: Pair, line: Line, ours: Ours, _scope: Scope) -> Finding | None:
    times = len(pair.lines)
    came = _sum(pair.payments, ours.total.currency)
    kept = came - min(ours.refunded.minor, came)
    is_twice = len(pair.payments) > 1 and kept > max(_asked(line, ours), 0)
    if times < 2 and not is_twice:  # noqa: PLR2004  # two lines are a doubled one
        return None
    return _finding(
        DifferenceKind.DOUBLED,
        pair,
        file=str(times)
        if times > 1
        else money_text(Money(_asked(line, ours), ours.total.currency)),
        ours="1" if times > 1 else money_text(ours.total),
        payments=f"{len(pair.payments)} × {money_text(Money(came, ours.total.currency))}"
        if is_twice
        else "",
    )


def _amount(pair: Pair, line: Line, ours: Ours, _scope: Scope) -> Finding | None:
    told, currency = line.amount, ours.total.currency
    is_other = told is not None and told != ours.total
    came = _sum(pair.payments, currency)
    # Twice the money is doubled, not another amount; and what is unpaid there, was not asked for.
    is_paid_there = line.state is None or _RANKS.get(line.state, 0) >= 1
    asked = _asked(line, ours)
    is_otherwise_paid = came < asked or (len(pair.payments) == 1 and came > asked)
    if not is_other and not (pair.payments and is_paid_there and is_otherwise_paid):
        return None
    return _finding(
        DifferenceKind.AMOUNT,
        pair,
        file=money_text(told) if told else "",
        ours=money_text(ours.total),
        payments=money_text(Money(came, currency)) if pair.payments else "",
    )


def _quantity(pair: Pair, line: Line, ours: Ours, _scope: Scope) -> Finding | None:
    # An order without lines was told of in a few words; there is nothing to compare.
    if line.quantity is None or not ours.quantity or line.quantity == ours.quantity:
        return None
    return _finding(DifferenceKind.QUANTITY, pair, file=str(line.quantity), ours=str(ours.quantity))


def _state(pair: Pair, line: Line, ours: Ours, scope: Scope) -> Finding | None:
    if line.state is not None and _states_differ(line.state, ours, scope):
        return _finding(DifferenceKind.STATE, pair, file=line.state.value, ours=ours.state.value)
    refunded = line.refunded
    if refunded is None or refunded.currency != ours.refunded.currency:
        return None
    if refunded.minor <= ours.refunded.minor:
        return None
    return _finding(
        DifferenceKind.STATE,
        pair,
        file=f"REFUNDED {money_text(refunded)}",
        ours=f"REFUNDED {money_text(ours.refunded)}",
    )


def _states_differ(theirs: State, ours: Ours, scope: Scope) -> bool:
    if theirs is ours.state:
        return False
    was_so_long = ours.state_since < scope.made_at - AHEAD_FOR
    if theirs is State.CANCELLED and ours.refunded.minor >= ours.paid.minor > 0:
        # Channels close what was given back; here it stays where the goods are.
        return False
    if State.CANCELLED in {theirs, ours.state}:
        # What we called off after the file was made, it could not tell of.
        return theirs is State.CANCELLED or ours.state_since < scope.made_at
    there, here = _RANKS[theirs], _RANKS[ours.state]
    if here < there:
        return True
    crossed = there < _LEFT <= here or there < 1 <= here
    return crossed and was_so_long


# What is wrong with whose order it is comes first: people read it before the rest.
_CHECKS: Final = (_channel, _day, _doubled, _amount, _quantity, _state)


def _finding(
    kind: DifferenceKind, pair: Pair, *, file: str = "", ours: str = "", payments: str = ""
) -> Finding:
    order_id = pair.ours.order_id if pair.ours else ""
    return Finding(kind, pair.ref, order_id, file, ours, payments)


def _newest(lines: Sequence[Line]) -> Line:
    """Return the line that tells of the latest time; of several, which is the same everywhere."""
    return max(lines, key=lambda each: (each.told_at is not None, each.told_at, each.key))


def _told(line: Line) -> str:
    parts = (line.state.value if line.state else "", money_text(line.amount) if line.amount else "")
    return " ".join(each for each in parts if each) or "…"


def _asked(line: Line, ours: Ours) -> int:
    told = line.amount
    return told.minor if told and told.currency == ours.total.currency else ours.total.minor


def _sum(payments: Mapping[str, Money], currency: str) -> int:
    return sum(each.minor for each in payments.values() if each.currency == currency)
