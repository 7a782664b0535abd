"""Differences: what became of each that was found, and how each is repaired.

By itself is repaired what cannot do harm: an order that we lack is asked for again, and a state
that we have not heard of is taken from the file as the channel's word, where it leads onward and
takes no money. Everything else is for a person.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.facts import Circumstance, Fact, FactKind
from service.domain.lifecycle import State
from service.domain.naming import named
from service.domain.reconciling.bills import is_of_bill
from service.domain.reconciling.judging import DifferenceKind, Finding, Ours
from service.domain.reconciling.statements import Line, ShopDay

DIFFERENCE_NAMESPACE: Final = uuid.UUID("7e0c1f53-2f6d-5b0c-8d0e-51a9e2c7b415")
FACT_NAMESPACE: Final = uuid.UUID("c2d9b6a4-7f3e-5a8d-b1c6-0e4f2a9d7c15")

# An answer takes the way of all receipts: seconds. Asked again after 5, 10, 20 minutes, a channel
# that has the order has told of it.
LOOK_AFTER: Final = timedelta(minutes=5)
LOOKS: Final = 3

# Beyond so many of one kind on one day, it is one fault and not many: one case tells of all.
CASES_MOST: Final = 50

# Two kinds of case: who loses money must act, or who looks after orders.
OF_ORDERS: Final = "STATEMENT_DIFFERS"
OF_MONEY: Final = "STATEMENT_MONEY_DIFFERS"

FILE_ROW_APPLIED: Final = "FILE_ROW_APPLIED"
STATE_APPLIED: Final = "STATE_APPLIED"
ASKED_AGAIN: Final = "ASKED_AGAIN"


@unique
class DifferenceState(Enum):
    """What became of a difference."""

    OPEN = "OPEN"
    REPAIRING = "REPAIRING"
    REPAIRED = "REPAIRED"
    IN_CASE = "IN_CASE"
    GONE = "GONE"


CASE_TYPES: Final[Mapping[DifferenceKind, str]] = MappingProxyType(
    {
        DifferenceKind.MISSING_HERE: OF_ORDERS,
        DifferenceKind.MISSING_THERE: OF_ORDERS,
        DifferenceKind.AMOUNT: OF_MONEY,
        DifferenceKind.QUANTITY: OF_ORDERS,
        DifferenceKind.STATE: OF_ORDERS,
        DifferenceKind.DOUBLED: OF_MONEY,
        DifferenceKind.WRONG_DAY: OF_ORDERS,
        DifferenceKind.WRONG_CHANNEL: OF_ORDERS,
    }
)

# Which fact a state of the file becomes; what it took to get there is not made up.
_TOLD_BY: Final[Mapping[State, FactKind]] = MappingProxyType(
    {
        State.PAID: FactKind.PAYMENT_SUCCEEDED,
        State.AWAITING_OUTBOUND: FactKind.PAYMENT_SUCCEEDED,
        State.SHIPPING: FactKind.PARCEL_SHIPPED,
        State.DELIVERED: FactKind.PARCEL_DELIVERED,
        State.COMPLETED: FactKind.ORDER_COMPLETED,
        State.CANCELLED: FactKind.ORDER_CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference with what became of it."""

    reconciliation_id: str
    finding: Finding
    state: DifferenceState
    found_at: datetime
    changed_at: datetime
    # In which comparison of the day it was last seen.
    revision: int
    repair: str = ""
    case_id: str = ""
    looks: int = 0
    due_at: datetime | None = None

    @property
    def difference_id(self) -> str:
        """The same for the same thing, however often the day is compared."""
        ref, kind = self.finding.ref, self.finding.kind
        text = f"{self.reconciliation_id}|{kind.value}|{ref.namespace}|{ref.value}"
        return f"dif-{named(DIFFERENCE_NAMESPACE, text)}"

    def seen_again(self, finding: Finding, *, revision: int, at: datetime) -> "Difference":
        """Return it as it is found once more: what was over begins anew."""
        again = replace(self, finding=finding, revision=revision)
        if self.state not in {DifferenceState.REPAIRED, DifferenceState.GONE}:
            return again
        return replace(
            again, state=DifferenceState.OPEN, repair="", looks=0, due_at=at, changed_at=at
        )

    def repaired(self, how: str, *, at: datetime) -> "Difference":
        """Return it as it is after it was repaired by itself."""
        return replace(self, state=DifferenceState.REPAIRED, repair=how, due_at=None, changed_at=at)

    def asked(self, *, at: datetime) -> "Difference":
        """Return it as it waits for the channel, which is asked again."""
        return replace(
            self,
            state=DifferenceState.REPAIRING,
            repair=ASKED_AGAIN,
            looks=self.looks + 1,
            due_at=at + LOOK_AFTER * 2**self.looks,
            changed_at=at,
        )

    def awaited(self, *, at: datetime) -> "Difference":
        """Return it as it waits for what is on its way already."""
        return replace(self.asked(at=at), repair="")

    def in_case(self, case_id: str, *, at: datetime) -> "Difference":
        """Return it as a person must act."""
        return replace(
            self, state=DifferenceState.IN_CASE, case_id=case_id, due_at=None, changed_at=at
        )

    def gone(self, *, at: datetime) -> "Difference":
        """Return it as it is not there any more."""
        if self.state is DifferenceState.REPAIRED:
            return self
        return replace(self, state=DifferenceState.GONE, due_at=None, changed_at=at)


def case_type_of(finding: Finding) -> str:
    """Return whose case a difference becomes: all of a bill is money."""
    return OF_MONEY if is_of_bill(finding) else CASE_TYPES[finding.kind]


def found(
    reconciliation_id: str, finding: Finding, *, revision: int, at: datetime, repair: str = ""
) -> Difference:
    """Return a fresh difference; with what repaired it, where the file has done so already."""
    state = DifferenceState.REPAIRED if repair else DifferenceState.OPEN
    return Difference(
        reconciliation_id=reconciliation_id,
        finding=finding,
        state=state,
        found_at=at,
        changed_at=at,
        revision=revision,
        repair=repair,
        due_at=None if repair else at,
    )


def fact_of(line: Line, ours: Ours, of: ShopDay) -> Fact | None:
    """Return the file's state as the channel's word; None where that is not safe.

    It is where it leads onward, and where calling off takes no money with it. Rows that came as
    receipts told their facts already: if they changed nothing, a person must see why.
    """
    state = line.state
    if state is None or line.told_at is None or line.receipt_id or ours.channel != of.channel:
        return None
    if state is State.CANCELLED and (ours.paid.minor or ours.state is State.SHIPPING):
        return None
    if ours.state is State.CANCELLED:
        return None
    kind = _TOLD_BY.get(state)
    if kind is None:
        return None
    name = f"{of.channel}|{line.ref.namespace}|{line.ref.value}|{kind.value}|{line.told_at}"
    return Fact(
        fact_id=named(FACT_NAMESPACE, name),
        kind=kind,
        ref=line.ref,
        source=of.channel,
        occurred_at=line.told_at,
        channel=of.channel,
        amount=line.amount if kind is FactKind.PAYMENT_SUCCEEDED else None,
        circumstances=frozenset({Circumstance.LEARNT_BY_FILE}),
    )
