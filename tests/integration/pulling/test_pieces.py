"""A window with more rows than a platform pages through is read in pieces; feeds set their pace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from clients.connectors.inquiry import refused
from clients.connectors.pulling.paging import TOO_MANY_ROWS
from clients.connectors.pulling.platform import AnyPlatform, Page, Query, Terms
from clients.connectors.pulling.windows import Window
from concord.channels.v1.run_pb2 import ReportRunRequest
from deploy.local.channels.faults import Fault
from tests.integration.pulling.world import EVERY, START, World, completed

PLATFORMS = tuple(EVERY)
WINDOW = (START - timedelta(minutes=29), START - timedelta(minutes=4))


class Narrow:
    """A platform that pages through so many rows of a window, and no more."""

    def __init__(self, inner: AnyPlatform, rows_max: int = 5) -> None:
        self._inner = inner
        self._rows_max = rows_max
        self.provider = inner.provider
        self.terms: Mapping[str, Terms] = inner.terms
        self.windows: list[Window] = []

    async def page(self, account: Any, query: Query) -> Page:  # noqa: ANN401  # Any account.
        page = await self._inner.page(account, query)
        rows = page.row_count if page.total is None else page.total
        if rows > self._rows_max:
            raise refused(TOO_MANY_ROWS)
        self.windows.append(query.window)
        return page


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_too_many_rows_are_read_in_pieces_and_none_is_lost(
    world: World, platform: str
) -> None:
    shop = world.shop(platform)
    numbers = [shop.sell(at=WINDOW[0] + timedelta(seconds=30 * each)).number for each in range(23)]
    world.puller(platform, Narrow)

    report = completed(await world.pull(platform, *WINDOW))

    assert sorted(world.register.orders()) == sorted(numbers)
    assert report.covered_time.ToDatetime(tzinfo=START.tzinfo) == WINDOW[1]


async def test_whoever_takes_over_goes_on_with_the_piece(world: World) -> None:
    shop = world.shop("douyin")
    numbers = [shop.sell(at=WINDOW[0] + timedelta(seconds=30 * each)).number for each in range(23)]
    world.puller("douyin", Narrow)
    world.booth("douyin").faults.plan(Fault.TOKEN_EXPIRED, after=4)
    broken = await world.pull("douyin", *WINDOW)
    assert broken.result == ReportRunRequest.RESULT_REFUSED

    world.pullers.clear()
    world.puller("douyin", Narrow)
    completed(await world.pull("douyin", *WINDOW, token=broken.page_token))

    assert sorted(world.register.orders()) == sorted(numbers)


async def test_more_rows_within_a_second_than_can_be_read_are_a_persons_affair(
    world: World,
) -> None:
    for _ in range(9):
        world.shop("douyin").sell(at=WINDOW[0])
    world.puller("douyin", Narrow)

    report = await world.pull("douyin", *WINDOW)

    assert (report.result, report.code) == (ReportRunRequest.RESULT_REFUSED, TOO_MANY_ROWS)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_feed_has_pages_of_its_own_size(world: World, platform: str) -> None:
    shop = world.shop(platform)
    numbers = [shop.sell(at=WINDOW[0] + timedelta(seconds=30 * each)).number for each in range(7)]
    world.page_size = 3

    completed(await world.pull(platform, *WINDOW))

    assert sorted(world.register.orders()) == sorted(numbers)
    # Numbered pages are read again from the end, after the first.
    assert sum(each.pages for each in world.register.reports) in (3, 4)


async def test_an_account_is_asked_no_more_often_than_its_strictest_feed_allows(
    world: World,
) -> None:
    caller = world.puller("douyin").caller
    caller.limit("douyin-shop", "feeds/douyin", 0)
    caller.limit("douyin-shop", "feeds/other", 20)
    caller.limit("douyin-shop", "feeds/another", 6)
    world.page_size = 1
    for each in range(6):
        world.shop("douyin").sell(at=WINDOW[0] + timedelta(seconds=each))
    began = world.time.at

    completed(await world.pull("douyin", *WINDOW))

    calls = len(world.booth("douyin").requests)
    assert world.time.at - began >= timedelta(seconds=10 * (calls - 1))


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_fifty_thousand_and_one_orders_of_a_douyin_shop_come_in(world: World) -> None:
    shop = world.shop("douyin")
    start = START - timedelta(hours=20)
    numbers = {shop.sell(at=start + timedelta(seconds=each)).number for each in range(50_001)}

    completed(await world.pull("douyin", start, START - timedelta(minutes=4)))

    assert set(world.register.orders()) == numbers
    assert len(world.register.receipts) == len(numbers)
