"""Why an order is stuck in its state, by what is known, and who must act.

What somebody told comes first: a hold, a contradiction, a circumstance. Where nobody told
anything the cause is what is missing. It is never a guess at why that is missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from service.domain.expectations import MOVERS
from service.domain.facts import Circumstance, FactKind
from service.domain.lifecycle import State
from service.domain.stages import CAUSES

# What each state waits for.
MISSING: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.PENDING_PAYMENT: "PAYMENT_NOT_STARTED",
        State.PAYING: "PAYMENT_RESULT_MISSING",
        State.PAID: "STOCK_NOT_ALLOCATED",
        State.AWAITING_OUTBOUND: "PARCEL_NOT_SHIPPED",
        State.SHIPPING: "DELIVERY_NOT_TOLD",
        State.DELIVERED: "COMPLETION_NOT_TOLD",
    }
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of an order in its present state; facts are those since it was entered."""

    state: State
    is_outbound_approved: bool = False
    hold_reasons: tuple[str, ...] = ()
    discrepancies: tuple[str, ...] = ()
    circumstances: frozenset[Circumstance] = frozenset()
    kinds: frozenset[FactKind] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class OpenCase:
    """The case in which somebody already handles the order."""

    case_id: str
    owner_role: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """An order that outlived the limit of its state."""

    order_id: str
    since: datetime
    evidence: Evidence
    case: OpenCase | None

    @property
    def cause(self) -> str:
        """Why it is stuck, as a code."""
        return cause_of(self.evidence)

    @property
    def owner_role(self) -> str:
        """The case's owner, or who moves orders on from this state."""
        return self.case.owner_role if self.case else MOVERS[self.evidence.state]


def cause_of(known: Evidence) -> str:
    """Return the first cause that the evidence shows."""
    return next(each for each in _causes(known) if each)


def _causes(known: Evidence) -> Iterator[str]:
    yield f"ON_HOLD_{min(known.hold_reasons)}" if known.hold_reasons else ""
    yield min(known.discrepancies, default="")
    yield known.note.upper()
    yield from (CAUSES[each] for each in CAUSES if each in known.circumstances)
    if known.state is State.PAYING and FactKind.PAYMENT_FAILED in known.kinds:
        yield "PAYMENT_FAILED"
    if known.state is State.AWAITING_OUTBOUND and not known.is_outbound_approved:
        yield "OUTBOUND_NOT_APPROVED"
    yield MISSING[known.state]
