"""Until when something may still be asked, and when a paid order is planned to leave."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Final

from service.domain.desk.business_time import at_local, hours_of, local_day
from service.domain.desk.calendars import Calendar
from service.domain.desk.catalogue import Promise
from service.domain.desk.taxonomy import CutOff, Moment

# What opening a case is called among what cut-offs guard.
OPEN: Final = "open"
# A week of holidays is the longest that there is; a calendar without any work has no such day.
_DAYS_MOST: Final = 60

Moments = Mapping[Moment, datetime]


def ends_at(cut_off: CutOff, moments: Moments) -> datetime | None:
    """Return until when what it guards may be asked; None while that is not known."""
    moment = moments.get(cut_off.moment)
    return None if moment is None else moment + timedelta(minutes=cut_off.minutes)


def passed(
    cut_offs: Iterable[CutOff], what: str, moments: Moments, *, at: datetime
) -> tuple[CutOff, datetime] | None:
    """Return the cut-off that refuses this now, and since when; None where none does."""
    for each in cut_offs:
        until = ends_at(each, moments) if what in each.guards else None
        if until is not None and at > until:
            return each, until
    return None


def last_moment(cut_offs: Iterable[CutOff], what: str, moments: Moments) -> datetime | None:
    """Return until when this may be asked; None where for ever, or not known."""
    ends = [ends_at(each, moments) for each in cut_offs if what in each.guards]
    return min((each for each in ends if each is not None), default=None)


def planned_shipping(promise: Promise, calendar: Calendar, paid_at: datetime) -> datetime | None:
    """Return when an order that was paid then is planned to leave; None where nobody works."""
    day = local_day(calendar, paid_at)
    if paid_at >= at_local(calendar, day, time.fromisoformat(promise.paid_before)):
        day += timedelta(days=1)
    for number in range(_DAYS_MOST):
        candidate = day + timedelta(days=number)
        if hours_of(calendar, candidate):
            return at_local(calendar, candidate, time.fromisoformat(promise.leaves_at))
    return None
