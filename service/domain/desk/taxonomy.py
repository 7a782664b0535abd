"""What kinds of cases there are: who must act, by when, and what may no longer be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique

# The same words in each language that we speak: `{"zh": "缺货", "en": "Out of stock"}`.
Words = Mapping[str, str]


@unique
class Side(Enum):
    """Which side must act."""

    CUSTOMER = "CUSTOMER"
    SYSTEM = "SYSTEM"
    SUPPLY = "SUPPLY"


@unique
class Severity(Enum):
    """How much harm a case does while it waits."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


@unique
class Moment(Enum):
    """What a cut-off is counted back from."""

    PLANNED_SHIPPING = "PLANNED_SHIPPING"
    CASE_OPENED = "CASE_OPENED"
    DELIVERED = "DELIVERED"


@dataclass(frozen=True, slots=True)
class CutOff:
    """Until when something may be asked: `minutes` after a moment, before it where negative.

    `guards` names what is refused later: `open`, or `step.act` of the type's workflow. Where the
    moment is not known yet, or never comes, nothing is refused.
    """

    name: str
    guards: tuple[str, ...]
    moment: Moment
    minutes: int
    reason: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseType:
    """One kind of case. Minutes are those of the calendar."""

    name: str
    title: Words
    side: Side
    severity: Severity
    owner_role: str
    respond_minutes: int
    resolve_minutes: int
    # How many minutes before a breach somebody is warned.
    warn_minutes: int
    calendar: str
    workflow: str
    # Roles whose people may open one by hand; empty where nobody may.
    opened_by_roles: frozenset[str]
    # What opens one by itself, for readers: `discrepancy`, `deadline`, `stock`, `probe`, `batch`.
    opened_by: tuple[str, ...]
    # Who gets it when it is in breach, one role a level.
    escalates_to: tuple[str, ...]
    cut_offs: tuple[CutOff, ...] = ()
