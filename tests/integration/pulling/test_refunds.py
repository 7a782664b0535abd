"""Refunds are pulled as orders are, by when they changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.pulling.world import START, World, completed

TEMPLATES = {
    "douyin": "douyin.aftersales",
    "jd": "jd.refunds",
    "pdd": "pdd.refunds",
    "taobao": "taobao.refunds",
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
