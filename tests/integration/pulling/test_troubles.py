"""Throttling, silence, failures in HTTP 200, old tokens, wrong clocks: no order lost or doubled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from concord.channels.v1.run_pb2 import ReportRunRequest
from deploy.local.channels.faults import Fault
from tests.integration.pulling.world import TEMPLATES, World

PLATFORMS = tuple(TEMPLATES)
FAULTS = (
    Fault.TOO_MANY,
    Fault.HTTP_429,
    Fault.SERVER_ERROR,
    Fault.HTML,
    Fault.CUT,
    Fault.SYSTEM,
    Fault.TOKEN_EXPIRED,
)


async def until_all_came(world: World, platform: str, numbers: list[str], polls: int = 12) -> None:
    """Poll every ten minutes until every order came, and hold that each came once."""
    for _ in range(polls):
        await world.poll(platform)
        if set(world.register.orders()) >= set(numbers):
            break
        world.time.go_on(minutes=10)
    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 9])
async def test_what_goes_wrong_costs_no_order(
    world: World, platform: str, fault: Fault, times: int
) -> None:
    shop = world.shop(platform)
    numbers = [shop.sell(at=world.time.at).number for _ in range(7)]
    world.booth(platform).faults.plan(fault, times=times, after=1)
    world.time.go_on(minutes=5)

    await until_all_came(world, platform, numbers)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_silence_is_given_up_and_costs_no_order(world: World, platform: str) -> None:
    numbers = [world.shop(platform).sell(at=world.time.at).number]
    world.booth(platform).faults.timeout_s = 0.5
    world.booth(platform).faults.plan(Fault.TIMEOUT)
    world.time.go_on(minutes=5)

    await until_all_came(world, platform, numbers)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_an_old_token_is_refused_until_the_file_has_the_next(
    world: World, platform: str
) -> None:
    numbers = [world.shop(platform).sell(at=world.time.at).number]
    world.time.go_on(minutes=5)
    world.channels.roll_token(platform, is_told=False)

    refused = await world.poll(platform)
    world.channels.tell_token(platform)
    world.time.go_on(minutes=5)

    assert (refused.result, refused.code) == (ReportRunRequest.RESULT_REFUSED, "TOKEN_EXPIRED")
    await until_all_came(world, platform, numbers)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("theirs_s", [0, -900, 900])
@pytest.mark.parametrize("ours_s", [0, -1200, 1200])
async def test_clocks_that_are_off_cost_no_order(
    world: World, platform: str, theirs_s: int, ours_s: int
) -> None:
    booth, shop = world.booth(platform), world.shop(platform)
    booth.skew, world.time.skew = timedelta(seconds=theirs_s), timedelta(seconds=ours_s)
    world.feeds[TEMPLATES[platform]] = booth.now() - timedelta(minutes=10)
    numbers = []

    # The platform stamps what it sells by its own clock.
    for _ in range(12):
        numbers.append(shop.sell(at=booth.now()).number)
        world.time.go_on(minutes=5)
        await world.poll(platform)

    world.time.go_on(minutes=60)
    await until_all_came(world, platform, numbers)
