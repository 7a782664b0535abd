"""Provider time runs as fast as it is told to, and never goes back."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.platforms.clock import Clock, Moment
from deploy.local.platforms.timeline import Timeline

START_S = 1_900_000_000.0
START = datetime.fromtimestamp(START_S, UTC)


class Wall:
    """The real time, moved by hand."""

    def __init__(self) -> None:
        self.now_s = START_S

    def __call__(self) -> float:
        return self.now_s


def test_time_passes_as_many_times_as_fast_as_was_said() -> None:
    wall = Wall()
    clock = Clock(60, wall=wall)

    wall.now_s += 10

    assert clock.now() == START + timedelta(minutes=10)
    assert clock.wait_s(START + timedelta(minutes=11)) == pytest.approx(1)
    assert clock.wait_s(START) == 0


def test_another_speed_begins_where_the_old_one_ended() -> None:
    wall = Wall()
    clock = Clock(60, wall=wall)

    wall.now_s += 10
    clock.speed = 3600
    wall.now_s += 1
    clock.speed = 0
    wall.now_s += 1000

    assert clock.now() == START + timedelta(minutes=70)
    assert clock.wait_s(START + timedelta(days=1)) == math.inf


@pytest.mark.parametrize("speed", [-1.0, math.inf, math.nan])
def test_time_goes_neither_back_nor_everywhere_at_once(speed: float) -> None:
    clock = Clock()

    with pytest.raises(ValueError, match="times as fast"):
        clock.speed = speed


def test_time_stands_still_while_the_wall_clock_is_set_back() -> None:
    wall = Wall()
    clock = Clock(60, wall=wall)

    wall.now_s -= 5

    assert clock.now() == START


def test_messages_have_the_real_time_unless_they_should_not() -> None:
    wall = Wall()
    real, scaled = Clock(60, wall=wall), Clock(60, stamps="provider", wall=wall)

    wall.now_s += 10

    assert real.moment().stamp == START + timedelta(seconds=10)
    assert scaled.moment().stamp == scaled.moment().at == START + timedelta(minutes=10)


def test_what_is_written_into_messages_is_beijings_time() -> None:
    at = datetime(2030, 12, 28, 18, 0, 5, tzinfo=UTC)
    moment = Moment(at, at)

    assert moment.rfc3339() == "2030-12-29T02:00:05+08:00"
    assert moment.beijing("%Y%m%d%H%M%S") == "20301229020005"
    assert moment.epoch_s() == int(at.timestamp())


def test_things_happen_in_the_order_of_their_times() -> None:
    wall, happened = Wall(), list[str]()
    timeline = Timeline(Clock(60, wall=wall))
    timeline.after(120, lambda: happened.append("second"))
    timeline.after(60, lambda: happened.append("first"))
    timeline.after(600, lambda: happened.append("third"))

    wall.now_s += 2

    assert timeline.run_due() == 2
    assert timeline.run_all() == 1
    assert happened == ["first", "second", "third"]


async def test_a_change_of_speed_is_noticed_while_nothing_happens() -> None:
    clock, happened = Clock(0), asyncio.Event()
    timeline = Timeline(clock)
    timeline.after(3600, happened.set)
    passing = asyncio.create_task(timeline.run())

    clock.speed = 36_000

    async with asyncio.timeout(10):
        await happened.wait()
    passing.cancel()
