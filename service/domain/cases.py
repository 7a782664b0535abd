"""Cases: exception orders in handling. Types are data; the full desk builds on this table."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.contradictions import POLICY
from service.domain.errors import CaseClosedError


@unique
class CaseClass(Enum):
    """Which side must act."""

    CUSTOMER = "CUSTOMER"
    SYSTEM = "SYSTEM"
    SUPPLY = "SUPPLY"


@unique
class CaseState(Enum):
    """Where the handling is."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class CaseType:
    """Which side, which role, and how long until it must be resolved."""

    side: CaseClass
    owner_role: str
    sla: timedelta


CASE_NAMESPACE: Final = uuid.UUID("5a0e3c0e-6c1d-5d0a-9f0e-0d3b5c7a9e11")

# The outcome of a case whose contradiction needs nobody any more.
SETTLED: Final = "SETTLED"

_DAY: Final = timedelta(hours=24)
_HOURS_4: Final = timedelta(hours=4)

CASE_TYPES: Final[Mapping[str, CaseType]] = MappingProxyType(
    {
        **{
            kind.value: CaseType(CaseClass.SYSTEM, policy.owner_role, _HOURS_4)
            for kind, policy in POLICY.items()
        },
        "STAGE_OVERDUE": CaseType(CaseClass.SYSTEM, "operations", _HOURS_4),
        "SHIPPED_UNPAID": CaseType(CaseClass.SYSTEM, "finance", timedelta(hours=2)),
        "REFUND_OWED": CaseType(CaseClass.SYSTEM, "finance", _DAY),
        "REFUND_EXCEEDS_PAYMENT": CaseType(CaseClass.SYSTEM, "finance", _HOURS_4),
        "REFUND_OVERDUE": CaseType(CaseClass.SYSTEM, "finance", _DAY),
        "CLAIMED_BUT_CLOSED": CaseType(CaseClass.SYSTEM, "finance", _HOURS_4),
        "PAYMENT_WITHOUT_ORDER": CaseType(CaseClass.SYSTEM, "finance", _HOURS_4),
        "PAYMENT_UNCONFIRMED": CaseType(CaseClass.SYSTEM, "finance", _HOURS_4),
        "REFUND_UNCONFIRMED": CaseType(CaseClass.SYSTEM, "finance", _DAY),
        "REFUND_NOT_ACCEPTED": CaseType(CaseClass.SYSTEM, "finance", _HOURS_4),
        "PROBE_REFUSED": CaseType(CaseClass.SYSTEM, "finance", _HOURS_4),
        "ADDRESS_WRONG": CaseType(CaseClass.CUSTOMER, "customer_service", timedelta(hours=2)),
        "DELIVERY_REFUSED": CaseType(CaseClass.CUSTOMER, "customer_service", _DAY),
        "PAYMENT_DISPUTE": CaseType(CaseClass.CUSTOMER, "finance", _DAY),
        "OUT_OF_STOCK": CaseType(CaseClass.SUPPLY, "purchasing", _HOURS_4),
        "WRONG_ITEM": CaseType(CaseClass.SUPPLY, "warehouse", _DAY),
        "CUSTOMS_DELAY": CaseType(CaseClass.SUPPLY, "logistics", 3 * _DAY),
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """One exception order in handling."""

    case_id: str
    order_id: str
    type: str
    state: CaseState
    opened_at: datetime
    due_at: datetime
    owner_role: str
    assignee: str = ""
    outcome: str = ""
    resolved_at: datetime | None = None
    version: int = 1
    # What it is about where no order is known: `merchant/2026112200017`.
    subject: str = ""

    @property
    def is_resolved(self) -> bool:
        """Nothing but notes may follow."""
        return self.state is CaseState.RESOLVED

    @property
    def side(self) -> CaseClass:
        """Which side must act."""
        return CASE_TYPES[self.type].side

    def assign(self, assignee: str) -> "Case":
        """Give the case to somebody, or raise `CaseClosedError`."""
        self._refuse_closed()
        return replace(self, state=CaseState.ASSIGNED, assignee=assignee, version=self.version + 1)

    def resolve(self, outcome: str, *, at: datetime) -> "Case":
        """End the case, or raise `CaseClosedError`."""
        self._refuse_closed()
        return replace(
            self,
            state=CaseState.RESOLVED,
            outcome=outcome,
            resolved_at=at,
            version=self.version + 1,
        )

    @property
    def is_settled(self) -> bool:
        """Ended by the facts alone; should they come to say otherwise, it opens again."""
        return self.is_resolved and self.outcome == SETTLED

    def reopen(self) -> "Case":
        """Return the case as it waits for its owner again."""
        return replace(
            self, state=CaseState.OPEN, outcome="", resolved_at=None, version=self.version + 1
        )

    def noted(self) -> "Case":
        """Count a note."""
        return replace(self, version=self.version + 1)

    def _refuse_closed(self) -> None:
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


def case_id_for(order_id: str, case_type: str, wait: str = "") -> str:
    """Return the id of the one case of a type (and of a wait) on an order."""
    return f"case-{uuid.uuid5(CASE_NAMESPACE, f'{order_id}|{case_type}|{wait}')}"


def open_case(case_id: str, order_id: str, case_type: str, *, at: datetime) -> Case:
    """Return a fresh case of a known type; KeyError for an unknown one."""
    kind = CASE_TYPES[case_type]
    return Case(
        case_id=case_id,
        order_id=order_id,
        type=case_type,
        state=CaseState.OPEN,
        opened_at=at,
        due_at=at + kind.sla,
        owner_role=kind.owner_role,
    )
