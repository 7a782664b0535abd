"""Cases: exception orders in handling. What kinds there are is data; see `desk.catalogue`."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.desk.business_time import later
from service.domain.desk.catalogue import PLAIN, Catalogue
from service.domain.desk.taxonomy import Severity, Side
from service.domain.errors import CaseClosedError
from service.domain.naming import named


@unique
class CaseState(Enum):
    """Where the handling is."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    RESOLVED = "RESOLVED"


@unique
class PausedBy(Enum):
    """What made a case's clocks stand still."""

    NOTHING = ""
    STEP = "step"
    HAND = "hand"


CASE_NAMESPACE: Final = uuid.UUID("5a0e3c0e-6c1d-5d0a-9f0e-0d3b5c7a9e11")

# The outcome of a case whose contradiction needs nobody any more.
SETTLED: Final = "SETTLED"
# The outcome of a case that another one is handled for.
MERGED: Final = "MERGED"


@dataclass(frozen=True, slots=True)
class Case:
    """One exception order in handling."""

    case_id: str
    order_id: str
    type: str
    state: CaseState
    opened_at: datetime
    # When it is in breach, were its clocks not to stand still.
    due_at: datetime
    owner_role: str
    assignee: str = ""
    outcome: str = ""
    resolved_at: datetime | None = None
    version: int = 1
    # What it is about where no order is known: `merchant/2026112200017`.
    subject: str = ""
    side: Side = Side.SYSTEM
    severity: Severity = Severity.NORMAL
    calendar: str = ""
    # `out_of_stock@1`; empty where no workflow says how it is handled.
    workflow: str = ""
    # When its handling began (again); None while that is to come, or nothing goes by a clock.
    begun_at: datetime | None = None
    respond_by: datetime | None = None
    responded_at: datetime | None = None
    respond_breached_at: datetime | None = None
    warn_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    level: int = 0
    paused_at: datetime | None = None
    paused_by: PausedBy = PausedBy.NOTHING
    pause_reason: str = ""
    merged_into: str = ""
    reopened: int = 0
    # What its active steps wait for, and how far the order's journal was when that was looked at.
    awaits: tuple[str, ...] = ()
    order_seen: int = 0
    # When the clockwork must look at it; None where never.
    wake_at: datetime | None = None
    # The trace in which it was opened: what it does by itself goes on there.
    traceparent: str = ""

    @property
    def is_resolved(self) -> bool:
        """Nothing but notes may follow."""
        return self.state is CaseState.RESOLVED

    @property
    def etag(self) -> str:
        """Changes with every act."""
        return str(self.version)

    def assign(self, assignee: str) -> "Case":
        """Give the case to somebody, or raise `CaseClosedError`."""
        self.refuse_closed()
        return replace(self, state=CaseState.ASSIGNED, assignee=assignee, version=self.version + 1)

    def resolve(self, outcome: str, *, at: datetime) -> "Case":
        """End the case, or raise `CaseClosedError`."""
        self.refuse_closed()
        return replace(
            self,
            state=CaseState.RESOLVED,
            outcome=outcome,
            resolved_at=at,
            version=self.version + 1,
            paused_at=None,
            paused_by=PausedBy.NOTHING,
            pause_reason="",
            awaits=(),
            # Steps that are active end with it, by the clockwork.
            wake_at=at if self.workflow else None,
        )

    @property
    def is_settled(self) -> bool:
        """Ended by the facts alone; should they come to say otherwise, it opens again."""
        return self.is_resolved and self.outcome == SETTLED

    def reopen(self, *, at: datetime) -> "Case":
        """Return the case as it waits for its owner again, its handling to begin anew."""
        has_clocks = self.begun_at is not None or self.wake_at is not None
        return replace(
            self,
            state=CaseState.OPEN,
            outcome="",
            resolved_at=None,
            version=self.version + 1,
            begun_at=None,
            responded_at=None,
            respond_breached_at=None,
            warned_at=None,
            breached_at=None,
            level=0,
            merged_into="",
            reopened=self.reopened + 1,
            wake_at=at if has_clocks else None,
        )

    def noted(self) -> "Case":
        """Count a note."""
        return replace(self, version=self.version + 1)

    def refuse_closed(self) -> None:
        """Raise `CaseClosedError` where it ended."""
        if self.is_resolved:
            raise CaseClosedError(case=self.case_id)


@dataclass(frozen=True, slots=True)
class CaseAct:
    """One act on a case: the case after it, and what was said."""

    case: Case
    act: str
    actor: str
    at: datetime
    text: str = ""
    # The fact that brought it, by id; empty where time or an operator did.
    fact_id: str = ""
    role: str = ""
    address: str = ""
    # At which step, and by which act of it: `wait_for_stock.stock_came`.
    step: str = ""
    # The kind of document that came with it.
    document: str = ""
    is_automatic: bool = False


def case_id_for(order_id: str, case_type: str, wait: str = "") -> str:
    """Return the id of the one case of a type (and of a wait) on an order."""
    return f"case-{named(CASE_NAMESPACE, f'{order_id}|{case_type}|{wait}')}"


def open_case(
    case_id: str,
    order_id: str,
    case_type: str,
    *,
    at: datetime,
    catalogue: Catalogue = PLAIN,
) -> Case:
    """Return a fresh case, with the role and the deadline that the catalogue gives its type.

    A type that the catalogue does not know is handled plainly: what opens cases by itself cannot
    be refused.
    """
    is_known = not catalogue.is_plain and case_type in catalogue.types
    kind = (catalogue if is_known else PLAIN).type(case_type)
    newest = catalogue.newest(kind.workflow) if kind.workflow else None
    case = Case(
        case_id=case_id,
        order_id=order_id,
        type=case_type,
        state=CaseState.OPEN,
        opened_at=at,
        due_at=later(
            catalogue.calendars.get(kind.calendar), at, timedelta(minutes=kind.resolve_minutes)
        ),
        owner_role=kind.owner_role,
        side=kind.side,
        severity=kind.severity,
        calendar=kind.calendar,
        workflow=newest.key if newest else "",
    )
    # Where its handling is data, the clockwork begins it: within a second.
    return replace(case, wake_at=at) if is_known else case
