"""Every order of a window comes in, once, however the platform pages and however pages change."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from concord.channels.v1.run_pb2 import ReportRunRequest
from deploy.local.channels.faults import Fault
from tests.integration.pulling.world import START, TEMPLATES, World, completed

PLATFORMS = tuple(TEMPLATES)
BACK = timedelta(minutes=29)
SOON = timedelta(minutes=10)
LISTS = {
    "douyin": "order.searchList",
    "jd": "jingdong.pop.order.search",
    "pdd": "pdd.order.number.list.increment.get",
    "taobao": "taobao.trades.sold.increment.get",
}


def sold(world: World, platform: str, count: int) -> list[str]:
    """Sell so many orders, one a second, the last of them ten minutes ago."""
    shop = world.shop(platform)
    first = START - SOON - timedelta(seconds=count)
    return [shop.sell(at=first + timedelta(seconds=each)).number for each in range(count)]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 101, 237])
async def test_all_orders_of_a_window_come_in(world: World, platform: str, count: int) -> None:
    numbers = sold(world, platform, count)

    report = completed(await world.pull(platform, START - BACK, START - SOON))

    assert sorted(world.register.orders()) == sorted(numbers)
    assert sum(each.rows for each in world.register.reports) >= count
    assert sum(each.new_receipts for each in world.register.reports) == count
    assert report.page_token == ""


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_an_order_that_changes_while_pages_are_read_hides_no_other(
    world: World, platform: str
) -> None:
    numbers = sold(world, platform, 237)
    shop, faults = world.shop(platform), world.booth(platform).faults
    # After each page, an order of the first page goes out of the window, and all others move up.
    for page in range(3):
        touch = partial(shop.touch, numbers[page])
        faults.meanwhile(touch, operation=LISTS[platform], after=page + 1)

    completed(await world.pull(platform, START - BACK, START - SOON))

    assert set(world.register.orders()) >= set(numbers[3:])


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_orders_that_come_late_into_a_window_hide_no_other(
    world: World, platform: str
) -> None:
    numbers = sold(world, platform, 199)
    late = [START - SOON - timedelta(microseconds=each) for each in range(5)]
    shop = world.shop(platform)

    def come_late() -> None:
        numbers.extend(shop.sell(at=at).number for at in late)

    world.booth(platform).faults.meanwhile(come_late, operation=LISTS[platform], after=2)

    completed(await world.pull(platform, START - BACK, START - SOON))

    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_page_without_rows_that_counts_some_is_no_answer(
    world: World, platform: str
) -> None:
    sold(world, platform, 3)
    world.booth(platform).faults.plan(Fault.EMPTY, times=99, operation=LISTS[platform])

    report = await world.pull(platform, START - BACK, START - SOON)

    assert report.result == ReportRunRequest.RESULT_UNREADABLE
    assert report.code == "EMPTY_PAGE"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_whoever_goes_on_with_a_run_reads_the_same_pages(world: World, platform: str) -> None:
    numbers = sold(world, platform, 237)
    world.booth(platform).faults.plan(Fault.TOKEN_EXPIRED, operation=LISTS[platform], after=2)
    broken = await world.pull(platform, START - BACK, START - SOON)
    world.time.go_on(minutes=7)

    completed(await world.pull(platform, START - BACK, START - SOON, token=broken.page_token))

    assert broken.result == ReportRunRequest.RESULT_REFUSED
    assert sorted(world.register.orders()) == sorted(numbers)
