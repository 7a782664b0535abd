"""Changes of an order: each becomes one journal row and one published event."""

from dataclasses import dataclass
from datetime import datetime
from enum import unique
from typing import NamedTuple

from service.domain.lifecycle import Action, State
from service.domain.money import Money
from service.domain.stages import MeasureChange
from service.domain.truth import RefundState
from service.domain.words import Word


@unique
class ChangeKind(Word):
    """What kind of change a journal row records."""

    PLACED = "PLACED"
    MOVED = "MOVED"
    MONEY_MOVED = "MONEY_MOVED"
    HOLD_CHANGED = "HOLD_CHANGED"
    MILESTONE_CHANGED = "MILESTONE_CHANGED"
    DISCREPANCY_CHANGED = "DISCREPANCY_CHANGED"
    CASE_CHANGED = "CASE_CHANGED"
    FLAG_CHANGED = "FLAG_CHANGED"
    NOTED = "NOTED"
    TAGS_CHANGED = "TAGS_CHANGED"


@dataclass(frozen=True, slots=True)
class Placed:
    """The order became known."""

    total: Money
    list_total: Money
    customer: str


@dataclass(frozen=True, slots=True)
class Moved:
    """One step in the lifecycle; `implied` where nobody told of the step itself."""

    begin: State
    end: State
    action: Action
    implied: bool


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """Money came or went; the sums after it, and what went back with it."""

    paid: Money
    refunded: Money
    refund_state: RefundState
    returned: Money


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """A hold was placed or released."""

    hold_id: str
    hold_reason: str
    actor: str
    placed_at: datetime
    released: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A milestone, discrepancy kind, note, tag, or the id of a case or flag; what was done."""

    name: str
    act: str = ""


Detail = Placed | Moved | MoneyMoved | HoldChanged | Named


class Change(NamedTuple):
    """One change, before it has its number in the journal."""

    kind: ChangeKind
    detail: Detail
    occurred_at: datetime
    source: str
    old: str = ""
    new: str = ""
    voucher: str = ""
    reason: str = ""
    measures: tuple[MeasureChange, ...] = ()
    # The fact that brought it, by id; empty where time or an operator did.
    fact_id: str = ""

    def with_measures(self, measures: tuple[MeasureChange, ...]) -> "Change":
        """Return the change with stage times attached."""
        return self._replace(measures=self.measures + measures)
