"""All that is data about the desk: kinds of cases, calendars, workflows in all their versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from service.domain.desk.calendars import Calendar
from service.domain.desk.documents import DocumentKind
from service.domain.desk.taxonomy import CaseType, Severity, Side, Words
from service.domain.desk.workflows import Workflow


def _none() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Promise:
    """When a paid order is planned to leave.

    Paid before the cut-off of a day of work, at that day's pick-up; later, at the pick-up of the
    next such day. Both as `HH:MM`, local time of the calendar.
    """

    calendar: str
    paid_before: str
    leaves_at: str


@dataclass(frozen=True, slots=True)
class CouponKind:
    """What a coupon effect gives, and for how long."""

    name: str
    title: Words
    amount_minor: int
    currency: str
    valid_days: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the desk knows. `workflows` by key (`out_of_stock@1`), the newest by name."""

    types: Mapping[str, CaseType] = field(default_factory=_none)
    calendars: Mapping[str, Calendar] = field(default_factory=_none)
    workflows: Mapping[str, Workflow] = field(default_factory=_none)
    promise: Promise | None = None
    # How many open cases one person may have, by role; without an entry, any number.
    load_caps: Mapping[str, int] = field(default_factory=_none)
    # Who acts, by role; and what steps may ask for, and effects give.
    roles: Mapping[str, Words] = field(default_factory=_none)
    documents: Mapping[str, DocumentKind] = field(default_factory=_none)
    coupons: Mapping[str, CouponKind] = field(default_factory=_none)
    # Names of the messages that notices are made from.
    templates: frozenset[str] = frozenset()
    # Without data every type is known, and plain: for worlds that are about something else.
    is_plain: bool = False

    def type(self, name: str) -> CaseType:
        """Return a kind of case, or raise KeyError."""
        return _plain(name) if self.is_plain else self.types[name]

    def newest(self, workflow: str) -> Workflow | None:
        """Return the newest version of a workflow, or None."""
        known = [each for each in self.workflows.values() if each.name == workflow]
        return max(known, key=lambda each: each.version, default=None)


def _plain(name: str) -> CaseType:
    return CaseType(
        name=name,
        title=MappingProxyType({}),
        side=Side.SYSTEM,
        severity=Severity.NORMAL,
        owner_role="operations",
        respond_minutes=60,
        resolve_minutes=240,
        warn_minutes=30,
        calendar="",
        workflow="",
        opened_by_roles=frozenset(),
        opened_by=(),
        escalates_to=(),
    )


PLAIN: Final = Catalogue(is_plain=True)
