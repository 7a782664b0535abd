"""Polls over every edge of the calendar, on machines and for shops of four zones: nothing is lost.

What is sent is read by the fakes, which know formats and zones of their own accord.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.integration.pulling.world import TEMPLATES, a_world

ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/London")
EDGES = {
    "day": datetime(2025, 12, 29),  # noqa: DTZ001  # Each shop's own.
    "month": datetime(2026, 2, 1),  # noqa: DTZ001
    "year": datetime(2026, 1, 1),  # noqa: DTZ001
    "leap day": datetime(2028, 2, 29),  # noqa: DTZ001
    "spring in America": datetime(2026, 3, 8, 3),  # noqa: DTZ001
    "autumn in America": datetime(2026, 11, 1, 1),  # noqa: DTZ001
    "spring in Europe": datetime(2026, 3, 29, 2),  # noqa: DTZ001
    "autumn in Europe": datetime(2026, 10, 25, 1),  # noqa: DTZ001
}
STEP = timedelta(minutes=20)


@contextmanager
def machine_in(zone: str) -> Iterator[None]:
    """Let the machine live in a zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


@pytest.mark.parametrize("platform", TEMPLATES)
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("zone", ZONES)
async def test_orders_around_an_edge_come_in_once(
    tmp_path: Path, zone: str, edge: str, platform: str
) -> None:
    at = EDGES[edge].replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    world = a_world(tmp_path, at - 3 * STEP)
    world.feeds[TEMPLATES[platform]] = world.time.at
    numbers = []

    with machine_in(zone):
        async with world.client:
            for _ in range(7):
                numbers.append(world.shop(platform).sell(at=world.time.at).number)
                world.time.at += STEP
                await world.poll(platform)

    assert sorted(world.register.orders()) == sorted(numbers)


@pytest.mark.parametrize("platform", TEMPLATES)
async def test_orders_that_are_not_of_the_window_are_kept_and_counted(
    tmp_path: Path, platform: str
) -> None:
    """The article's other reading: the answer is there, and who reads it throws it away."""
    at = datetime(2025, 12, 28, 18, tzinfo=UTC)
    world = a_world(tmp_path, at)
    number = world.shop(platform).sell(at=at - timedelta(minutes=10)).number
    # What the platform tells of it is eight hours old by now, as where a zone is misread.
    world.shop(platform).changed = lambda *_: [world.shop(platform).order(number)]  # type: ignore[method-assign]  # A platform that answers for another window.
    world.shop(platform).order(number).changed -= timedelta(hours=8)

    async with world.client:
        await world.pull(platform, at - timedelta(minutes=29), at - timedelta(minutes=5))

    assert world.register.orders() == [number]
    counted = world.puller(platform).metrics.astray.labels(platform)
    assert next(iter(counted.collect())).samples[0].value == 1
