"""A flood of alerts, a robot with limits, and a receiver that is away: nothing lost or doubled."""

from __future__ import annotations

import asyncio
import re

import pytest

from service.domain.desk.notices import NoticeState
from tests.integration.notices.world import Telling

HOUR_S = 3_600


def told_of(telling: Telling) -> list[int]:
    """Return which alerts the robot heard, each as often as it did."""
    return sorted(int(each) for each in re.findall(r"SKU-(\d+) is short", telling.heard))


def test_five_hundred_alerts_in_a_minute_arrive_grouped_below_the_limit(telling: Telling) -> None:
    async def flood() -> None:
        for second in range(60):
            telling.ask(500 * (second + 1) // 60 - 500 * second // 60, 500 * second // 60)
            await telling.wait(1)
        await telling.wait(60)

    asyncio.run(flood())

    assert told_of(telling) == list(range(500))
    assert telling.robot.refused == {}
    assert len(telling.robot.heard) < 40
    assert max(len(each.encode()) for each in telling.robot.heard) <= 4_096


def test_with_the_receiver_down_for_an_hour_nothing_is_lost_or_doubled(telling: Telling) -> None:
    async def outage() -> None:
        telling.ask(5)
        await telling.wait(10)
        telling.robot.down()
        for minute in range(60):
            telling.ask(2, 5 + 2 * minute)
            await telling.wait(60, step=20)
        telling.robot.up()
        await telling.wait(600, step=20)

    asyncio.run(outage())

    assert told_of(telling) == list(range(125))
    assert telling.robot.refused == {}


@pytest.mark.parametrize("code", [45_009, -1, 45_033, 60_011])
def test_a_code_that_says_later_is_tried_again(telling: Telling, code: int) -> None:
    (name,) = telling.ask(1)
    telling.robot.moods.append(code)

    asyncio.run(telling.wait(90, step=5))

    assert telling.robot.refused == {code: 1}
    assert told_of(telling) == [0]
    assert telling.state(name) is NoticeState.SENT


def test_a_text_that_a_robot_never_takes_holds_up_nobody_else(telling: Telling) -> None:
    names = telling.ask(10)
    telling.robot.disliked = "SKU-4 is short"

    asyncio.run(telling.wait(600, step=30))

    assert told_of(telling) == [each for each in range(10) if each != 4]
    assert telling.state(names[4]) is NoticeState.WAITING

    asyncio.run(telling.wait(25 * HOUR_S, step=HOUR_S))

    assert telling.state(names[4]) is NoticeState.DEAD


def test_a_code_that_says_never_ends_it_and_is_shown(telling: Telling) -> None:
    (name,) = telling.ask(1)
    telling.robot.moods.append(93_000)

    asyncio.run(telling.wait(90, step=5))

    found = telling.told.notice(name)
    assert (found.state, found.deliveries[0].code) == (NoticeState.DEAD, "93000")
    assert telling.robot.heard == []


@pytest.mark.parametrize("mood", ["silence", 500])
def test_what_may_have_arrived_is_shown_and_not_sent_again(
    telling: Telling, mood: int | str
) -> None:
    (name,) = telling.ask(1)
    telling.robot.moods.append(mood)

    asyncio.run(telling.wait(HOUR_S, step=60))

    assert telling.state(name) is NoticeState.UNCERTAIN
    assert len(telling.robot.heard) == (mood == "silence")


def test_nobody_follows_where_a_receiver_points(telling: Telling) -> None:
    (name,) = telling.ask(1)
    telling.robot.moods.append(302)

    asyncio.run(telling.turn())

    found = telling.told.notice(name)
    assert (found.state, found.deliveries[0].code) == (NoticeState.DEAD, "302")
