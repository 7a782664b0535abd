"""Refunds are pulled as orders are, by when they changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.local.channels.faults import Fault
from tests.integration.pulling.world import START, World, completed

TEMPLATES = {
    "douyin": "douyin.aftersales",
    "jd": "jd.refunds",
    "pdd": "pdd.refunds",
    "taobao": "taobao.refunds",
    "wechat_channels": "wechat_channels.aftersale",
}


@pytest.mark.parametrize("platform", TEMPLATES)
async def test_all_refunds_of_a_window_come_in(world: World, platform: str) -> None:
    shop = world.shop(platform)
    numbers = [shop.sell(at=START - timedelta(days=2)).number for _ in range(120)]
    for index, number in enumerate(numbers):
        shop.refund(
            number, at=START - timedelta(minutes=20, seconds=index), is_done=bool(index % 2)
        )

    completed(
        await world.pull(
            platform,
            START - timedelta(minutes=29),
            START - timedelta(minutes=10),
            template=TEMPLATES[platform],
        )
    )

    assert sorted(world.register.orders()) == sorted(numbers)
    assert all(each.changed_at is not None for each in world.register.receipts.values())


async def test_a_page_of_after_sales_that_fails_costs_none(world: World) -> None:
    shop, template = world.shop("wechat_channels"), TEMPLATES["wechat_channels"]
    numbers = [shop.sell(at=START - timedelta(days=2)).number for _ in range(45)]
    for index, number in enumerate(numbers):
        shop.refund(number, at=START - timedelta(minutes=20, seconds=index))
    faults = (Fault.SERVER_ERROR, Fault.CUT, Fault.SYSTEM, Fault.TOO_MANY, Fault.TOKEN_EXPIRED)
    for fault in faults:
        world.booth("wechat_channels").faults.plan(fault)

    for _ in faults:
        report = await world.pull(
            "wechat_channels", START - timedelta(days=3), START, template=template
        )

    completed(report)
    assert sorted(world.register.orders()) == sorted(numbers)
