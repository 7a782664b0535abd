"""Sales channels call: what they push is stored once, however it comes; what is forged, never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks import processes
from benchmarks.processes import Running, until
from deploy.local.channels.front import Booth, Manners
from deploy.local.channels.pushing import WORDED
from deploy.local.channels.server import Channels
from tests.integration.gateway.world import World

PLATFORMS = tuple(WORDED)
ORDERS = 6
# An order is created and paid at once; of a mini program's we hear when it is settled.
PUSHES = dict.fromkeys(PLATFORMS, 2) | {"mini": 1}
# Their signature holds a time.
TIMED = ("wechat_channels", "mini")
WITHIN_S = 60.0


@dataclass
class Stage:
    """The channels, and a gateway of theirs."""

    world: World
    channels: Channels
    gateway: Running

    def booth(self, platform: str) -> Booth:
        return self.channels.world.booths[platform]

    def sell(self, platform: str, count: int = ORDERS) -> list[str]:
        """Sell, and let what is pushed of it be pushed; return the numbers."""
        shop = self.booth(platform).shop
        numbers = [shop.sell().number for _ in range(count)]
        if platform == "mini":
            for number in numbers:
                shop.move(number, "ship")
                shop.move(number, "complete")
        return numbers

    def until_taken(self, platform: str, pushes: int) -> None:
        booth = self.booth(platform)
        until(lambda: booth.pushes["taken"] >= pushes, "all is taken", WITHIN_S)

    def receipts(self, platform: str) -> Counter[str]:
        """Return how many receipts each order has that does not wait elsewhere, by its number."""
        query = "select order_hint, event from receipts where source = %s"
        return Counter(each["order_hint"] for each in self.world.rows(query, (platform,)))


@pytest.fixture(scope="module")
def stage(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, address = tmp_path_factory.mktemp("pushes"), processes.free_address()
    channels = Channels(
        processes.free_address(), folder, lambda: datetime.now(tz=UTC), f"http://{address}"
    )
    gateway = started(folder, address, world, channels)
    with channels:
        made = Stage(world, channels, gateway)
        try:
            yield made
        finally:
            made.gateway.kill()


def started(folder: Path, address: str, world: World, channels: Channels) -> Running:
    gateway = processes.gateway(folder, address, world.service.address, channels.accounts_file)
    gateway.until_ready()
    return gateway


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_push_is_stored_once_also_where_it_comes_twice(stage: Stage, platform: str) -> None:
    stage.booth(platform).manners = Manners(copies=2)
    before = stage.booth(platform).pushes["taken"]

    numbers = stage.sell(platform)
    stage.until_taken(platform, before + 2 * PUSHES[platform] * ORDERS)

    found = stage.receipts(platform)
    if platform != "mini":  # Its events name an order of ours, deeper in their text.
        assert {each: found[each] for each in numbers} == dict.fromkeys(numbers, PUSHES[platform])
    else:
        assert found.total() == ORDERS


@pytest.mark.parametrize("platform", [each for each in PLATFORMS if each not in TIMED])
def test_what_is_forged_is_refused_and_what_is_true_comes_again(
    stage: Stage, platform: str
) -> None:
    booth = stage.booth(platform)
    booth.manners = Manners(forged=2)
    before = booth.pushes.copy()

    [number] = stage.sell(platform, 1)
    # WooCommerce comes only once.
    comes = 0 if platform == "woocommerce" else PUSHES[platform]
    until(lambda: booth.pushes["refused"] >= before["refused"] + 2, "two are refused", WITHIN_S)
    stage.until_taken(platform, before["taken"] + comes)

    assert stage.receipts(platform)[number] == comes


@pytest.mark.parametrize("platform", TIMED)
def test_a_push_of_a_clock_that_is_off_is_taken_once_the_clock_is_right(
    stage: Stage, platform: str
) -> None:
    booth = stage.booth(platform)
    booth.manners, booth.skew = Manners(), timedelta(minutes=10)
    before, known = booth.pushes.copy(), stage.receipts(platform).total()

    stage.sell(platform, 1)
    until(lambda: booth.pushes["refused"] > before["refused"], "it is refused", WITHIN_S)
    booth.skew = timedelta(0)
    stage.until_taken(platform, before["taken"] + PUSHES[platform])

    assert stage.receipts(platform).total() == known + PUSHES[platform]


def test_what_is_pushed_while_the_gateway_is_away_comes_again(stage: Stage) -> None:
    booth = stage.booth("douyin")
    booth.manners = Manners(copies=2)
    before = booth.pushes.copy()
    address, folder = stage.gateway.address, stage.gateway.log.parent

    stage.gateway.kill()
    [number] = stage.sell("douyin", 1)
    until(lambda: booth.pushes["refused"] > before["refused"], "nobody is there", WITHIN_S)
    stage.gateway = started(folder, address, stage.world, stage.channels)
    stage.until_taken("douyin", before["taken"] + 4)

    assert stage.receipts("douyin")[number] == 2
