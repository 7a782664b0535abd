"""Until when something may be asked, and when a paid order is planned to leave."""

from datetime import UTC, datetime, timedelta

import pytest

from service import catalogue
from service.domain.desk.cut_offs import last_moment, passed, planned_shipping
from service.domain.desk.taxonomy import CutOff, Moment

SHIPPED = catalogue.load()
# Monday, 10:00 in Shanghai.
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CUT_OFF = CutOff("early", ("open",), Moment.PLANNED_SHIPPING, -120, {"zh": "晚了", "en": "late"})
UNTIL = MONDAY - timedelta(hours=2)


def planned(paid_at: datetime) -> datetime | None:
    promise = SHIPPED.promise
    assert promise is not None
    return planned_shipping(promise, SHIPPED.calendars[promise.calendar], paid_at)


@pytest.mark.parametrize(
    ("paid_at", "leaves_at"),
    [
        (MONDAY, MONDAY.replace(hour=10)),
        # To the second: 16:00 is too late for the same day.
        (MONDAY.replace(hour=7, minute=59, second=59), MONDAY.replace(hour=10)),
        (MONDAY.replace(hour=8), MONDAY.replace(day=24, hour=10)),
        # Saturday afternoon: the warehouse ships again on Monday.
        (datetime(2026, 11, 28, 9, 0, tzinfo=UTC), datetime(2026, 11, 30, 10, 0, tzinfo=UTC)),
        # The eve of National Day: nothing leaves before the eighth.
        (datetime(2026, 9, 30, 9, 0, tzinfo=UTC), datetime(2026, 10, 8, 10, 0, tzinfo=UTC)),
    ],
)
def test_a_paid_order_leaves_at_the_next_pick_up(paid_at: datetime, leaves_at: datetime) -> None:
    assert planned(paid_at) == leaves_at


@pytest.mark.parametrize(
    ("late_by", "found"),
    [
        (timedelta(minutes=-1), None),
        (timedelta(0), None),
        (timedelta(seconds=1), (CUT_OFF, UNTIL)),
    ],
)
def test_a_cut_off_refuses_from_its_moment_on(
    late_by: timedelta, found: tuple[CutOff, datetime] | None
) -> None:
    moments = {Moment.PLANNED_SHIPPING: MONDAY}

    assert passed([CUT_OFF], "open", moments, at=UNTIL + late_by) == found
    assert last_moment([CUT_OFF], "open", moments) == UNTIL


def test_a_moment_that_is_not_known_refuses_nothing() -> None:
    assert passed([CUT_OFF], "open", {}, at=MONDAY) is None
    assert last_moment([CUT_OFF], "open", {}) is None


def test_a_cut_off_refuses_only_what_it_guards() -> None:
    moments = {Moment.PLANNED_SHIPPING: MONDAY}

    assert passed([CUT_OFF], "check.accept", moments, at=MONDAY) is None
