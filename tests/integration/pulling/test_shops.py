"""WeChat's, Amazon's, Shopify's and WooCommerce's orders come whole, once each, through trouble."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.local.channels.faults import Fault
from tests.integration.pulling.world import SHOPS, START, World, completed

FAULTS = (
    Fault.TOO_MANY,
    Fault.HTTP_429,
    Fault.SERVER_ERROR,
    Fault.HTML,
    Fault.CUT,
    Fault.SYSTEM,
)


def sold(world: World, platform: str, count: int) -> set[str]:
    """Return the numbers of orders that were sold, one a second, from the start on."""
    shop = world.shop(platform)
    return {shop.sell(at=START + timedelta(seconds=n)).number for n in range(count)}


@pytest.mark.parametrize("platform", SHOPS)
async def test_every_order_of_several_pages_comes_once(world: World, platform: str) -> None:
    numbers = sold(world, platform, 205)
    world.time.go_on(hours=1)

    report = await world.pull(platform, START, START + timedelta(minutes=10))

    completed(report)
    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.parametrize("platform", SHOPS)
async def test_a_window_takes_in_both_of_its_ends(world: World, platform: str) -> None:
    numbers = sold(world, platform, 3)
    world.time.go_on(hours=1)

    completed(await world.pull(platform, START, START + timedelta(seconds=2)))

    assert set(world.register.orders()) == numbers


@pytest.mark.parametrize("platform", SHOPS)
async def test_nothing_is_lost_or_doubled_through_faults(world: World, platform: str) -> None:
    numbers = sold(world, platform, 120)
    world.time.go_on(hours=1)
    for fault in FAULTS:
        world.booth(platform).faults.plan(fault)
    window = (START, START + timedelta(minutes=10))

    for _ in FAULTS:
        report = await world.pull(platform, *window)

    completed(report)
    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.parametrize("platform", ["wechat_channels", "mini", "amazon"])
async def test_a_token_that_ended_is_got_anew(world: World, platform: str) -> None:
    numbers = sold(world, platform, 2)
    world.time.go_on(hours=1)
    window = (START, START + timedelta(minutes=10))
    completed(await world.pull(platform, *window))

    world.channels.roll_token(platform)

    completed(await world.pull(platform, *window))
    assert set(world.register.orders()) == numbers
