"""The clocks of a case: when to respond, when to warn, when it is in breach, and how they pause.

Clocks count time of work. Standing still moves every deadline that is to come by the work that was
done meanwhile; what has passed stays passed.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, unique

from service.domain.cases import Case, PausedBy
from service.domain.desk.business_time import later, worked
from service.domain.desk.calendars import Calendar
from service.domain.desk.taxonomy import CaseType


@unique
class Stroke(Enum):
    """What a clock says, once."""

    RESPOND_OVERDUE = "RESPOND_OVERDUE"
    WARNED = "WARNED"
    BREACHED = "BREACHED"


def started(case: Case, kind: CaseType, calendar: Calendar | None, *, at: datetime) -> Case:
    """Return the case with its clocks running from when it was opened, or opened again."""
    since = at if case.reopened else case.opened_at
    resolve = timedelta(minutes=kind.resolve_minutes)
    warn = timedelta(minutes=kind.resolve_minutes - kind.warn_minutes)
    return replace(
        case,
        begun_at=at,
        due_at=later(calendar, since, resolve) if case.reopened else case.due_at,
        respond_by=later(calendar, since, timedelta(minutes=kind.respond_minutes)),
        warn_at=later(calendar, since, warn) if kind.warn_minutes else None,
    )


def paused(case: Case, by: PausedBy, reason: str, *, at: datetime) -> Case:
    """Return the case with its clocks standing still."""
    return replace(case, paused_at=at, paused_by=by, pause_reason=reason)


def resumed(case: Case, calendar: Calendar | None, *, at: datetime) -> Case:
    """Return the case with its clocks running again, its deadlines moved."""
    stopped = case.paused_at
    if stopped is None:
        return case
    stood = worked(calendar, stopped, at)

    def moved(deadline: datetime) -> datetime:
        return later(calendar, deadline, stood) if deadline > stopped else deadline

    return replace(
        case,
        due_at=moved(case.due_at),
        warn_at=moved(case.warn_at) if case.warn_at else None,
        respond_by=moved(case.respond_by) if case.respond_by else None,
        paused_at=None,
        paused_by=PausedBy.NOTHING,
        pause_reason="",
    )


def strikes(case: Case, *, at: datetime) -> tuple[Stroke, ...]:
    """Return what the clocks say by now and have not said yet."""
    return tuple(stroke for stroke, moment in _to_come(case) if moment <= at)


def struck(case: Case, stroke: Stroke, *, at: datetime) -> Case:
    """Return the case that has been told so."""
    match stroke:
        case Stroke.RESPOND_OVERDUE:
            return replace(case, respond_breached_at=at)
        case Stroke.WARNED:
            return replace(case, warned_at=at)
        case Stroke.BREACHED:
            # Nobody needs to be warned any more.
            return replace(case, breached_at=at, warned_at=case.warned_at or at)


def waking(case: Case, timers: Iterable[datetime | None] = ()) -> datetime | None:
    """Return when somebody must look at the case again by the clock; None where never."""
    if case.is_resolved:
        return None
    moments = [moment for _, moment in _to_come(case)]
    return min([*moments, *(each for each in timers if each is not None)], default=None)


def _to_come(case: Case) -> list[tuple[Stroke, datetime]]:
    if case.is_resolved or case.begun_at is None:
        return []
    found: list[tuple[Stroke, datetime]] = []
    if case.respond_by and case.responded_at is None and case.respond_breached_at is None:
        found.append((Stroke.RESPOND_OVERDUE, case.respond_by))
    if case.breached_at is None:
        if case.warn_at and case.warned_at is None and case.due_at > case.warn_at:
            found.append((Stroke.WARNED, case.warn_at))
        found.append((Stroke.BREACHED, case.due_at))
    if case.paused_at is not None:
        # They stand still; what passed before they did is still to be told.
        return [each for each in found if each[1] <= case.paused_at]
    return found
