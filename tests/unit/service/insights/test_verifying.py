"""Holding the view to the journal while both move."""

from datetime import timedelta

import pytest

from service.application.insights import Verification, Verifier, ViewIncompleteError
from service.domain.boards import RESOLUTIONS_S
from tests.unit.service.insights.fakes import (
    FakeMeasures,
    FakeStageView,
    FakeTime,
    a_measure,
    windows_of,
)

FIRST, SECOND, THIRD = a_measure("a"), a_measure("b"), a_measure("c", channel="jd")
WAIT = timedelta(seconds=5)


def verify(view: FakeStageView, measures: FakeMeasures, time: FakeTime) -> Verification:
    return Verifier(view, measures, time.clock, time.sleep).verify(WAIT)


def test_a_view_that_tells_what_the_journal_tells_is_clean_at_once() -> None:
    time = FakeTime()

    found = verify(FakeStageView(windows_of(FIRST, THIRD)), FakeMeasures(FIRST, THIRD), time)

    assert (found.windows, found.measures, found.differences) == (8, 2, [])
    assert time.slept == 0


def test_a_view_that_lags_gets_time_to_catch_up() -> None:
    time, view = FakeTime(), FakeStageView(windows_of(FIRST))
    time.events = {4: lambda: setattr(view, "windows", windows_of(FIRST, SECOND))}

    found = verify(view, FakeMeasures(FIRST, SECOND), time)

    assert (found.differences, time.slept) == ([], 4)


def test_a_view_that_never_catches_up_differs_when_the_time_is_over() -> None:
    time = FakeTime()

    found = verify(FakeStageView(windows_of(FIRST)), FakeMeasures(FIRST, SECOND), time)

    assert len(found.differences) == len(RESOLUTIONS_S)
    assert time.clock() - FakeTime().clock() == WAIT


def test_a_journal_that_grows_faster_than_the_view_follows_is_no_difference() -> None:
    time, measures = FakeTime(), FakeMeasures(FIRST)
    view = FakeStageView(windows_of())
    time.events = {
        1: lambda: measures.add(SECOND),
        2: lambda: (setattr(view, "windows", windows_of(FIRST)), measures.add(THIRD)),
    }

    found = verify(view, measures, time)

    assert (found.differences, time.slept) == ([], 2)


def test_a_view_that_is_being_rebuilt_is_waited_for() -> None:
    time, view = FakeTime(), FakeStageView(None)
    time.events = {3: lambda: setattr(view, "windows", windows_of(FIRST))}

    found = verify(view, FakeMeasures(FIRST), time)

    assert (found.differences, time.slept) == ([], 3)


def test_a_view_that_stays_incomplete_cannot_be_verified() -> None:
    with pytest.raises(ViewIncompleteError):
        verify(FakeStageView(None), FakeMeasures(FIRST), FakeTime())


def test_only_windows_that_differ_are_read_again() -> None:
    view = FakeStageView(windows_of(FIRST))

    verify(view, FakeMeasures(FIRST, THIRD), FakeTime())

    again = view.asked[len(RESOLUTIONS_S) :]
    assert {each.until_s - each.from_s for each in again} == set(RESOLUTIONS_S)
