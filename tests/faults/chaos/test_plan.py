"""The plan of a run and the orders that it tells of come from the seed, and from nothing else."""

from __future__ import annotations

import orjson
import pytest

from service.domain.lifecycle import State
from tests.faults.chaos.children import until
from tests.faults.chaos.injecting import Injector
from tests.faults.chaos.orders import COURSES, Story, story
from tests.faults.chaos.schedule import Blow, schedule
from tests.faults.chaos.sizes import CI, LANES, SOAK, TINY, Kind, Size

SIZES = pytest.mark.parametrize("size", [TINY, CI, SOAK], ids=lambda size: size.name)


@SIZES
def test_a_seed_makes_the_same_plan_again(size: Size) -> None:
    assert schedule(size, 7) == schedule(size, 7)
    assert schedule(size, 7) != schedule(size, 8)


@SIZES
def test_every_planned_blow_falls_within_the_run(size: Size) -> None:
    plan = schedule(size, 7)

    blows = [blow for lane in plan.values() for blow in lane]

    assert len(blows) == size.planned >= size.least_faults
    assert all(0 <= blow.at_s <= size.faults_s for blow in blows)
    assert all(lane == sorted(lane) for lane in plan.values())


def test_every_kind_has_one_lane() -> None:
    assert sorted(kind for kinds in LANES.values() for kind in kinds) == sorted(Kind)


def test_every_kind_is_planned_at_length() -> None:
    assert CI.blows.keys() == SOAK.blows.keys() == set(Kind)


def test_a_lane_that_is_late_lets_each_kind_fall_once_all_the_same() -> None:
    kinds = [Kind.RELAY_KILL, Kind.RELAY_KILL, Kind.RELAY_PAUSE, Kind.RELAY_PAUSE]
    strikes = dict.fromkeys(kinds, lambda _: None)
    injector = Injector(
        {"relay": [Blow(0, kind) for kind in kinds]}, strikes, seed=7, lasts_s=-1_000
    )

    injector.start()
    until(lambda: injector.is_done, "the lane has ended", 30)

    assert injector.struck == {Kind.RELAY_KILL: 1, Kind.RELAY_PAUSE: 1}


def test_the_first_orders_take_each_course_and_reach_each_state() -> None:
    told = [story(7, number, 1_700_000_000) for number in range(len(COURSES))]

    events = [_events(each) for each in told]
    assert [len(each) for each in events] == [len(steps) for _, steps in COURSES]
    assert any(len(each.steps) < len(steps) for each, steps in zip(told, events, strict=True))
    assert {each.state for each in told} >= {"COMPLETED", "SHIPPING", "PAID", "CANCELLED"}
    assert {each.state for each in told} <= {state.value for state in State}


def test_a_receipt_has_the_same_words_whenever_it_is_told() -> None:
    assert story(7, 3, 1_700_000_000) == story(7, 3, 1_700_000_000)


def _events(of: Story) -> list[object]:
    bodies = [orjson.loads(step.receipt.body) for step in of.steps]
    return [event for body in bodies for event in body.get("events", [body])]
