"""The article's incident, with a real service: a feed that asks for the future, and looks healthy.

Somebody takes local time for UTC, so every poll asks for eight hours later than it means to. The
answers are empty, and right. The wrong zone is put around a platform here: our own cannot say it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.processes import Running
from clients.connectors.channels import CHANNELS
from clients.connectors.pulling.platform import AnyPlatform, Page, Query, Terms
from clients.connectors.pulling.puller import Lease, Puller
from clients.connectors.pulling.register import Register
from clients.connectors.pulling.tokens import Tokens
from clients.connectors.pulling.windows import Window
from clients.sdk import AsyncConcord, Identity
from concord.channels.v1.feed_pb2 import Feed, FeedHealth, FeedSchedule
from concord.channels.v1.run_pb2 import Incident, Run
from deploy.local.stack import EmbeddedServers
from tests.integration.connectors.running import started
from tests.integration.pulling.world import EVERY, World, a_world

ORDERS = 147
POLLS = 5


class LocalTakenForUtc:
    """A platform that is asked eight hours too late, as by whoever writes local time with a Z."""

    def __init__(self, inner: AnyPlatform) -> None:
        self._inner = inner
        self.provider = inner.provider
        self.terms: Mapping[str, Terms] = inner.terms

    async def page(self, account: Any, query: Query) -> Page:  # noqa: ANN401  # Any account.
        late = timedelta(hours=8)
        window = Window(query.window.start + late, query.window.end + late)
        return await self._inner.page(account, replace(query, window=window))


class ArticlesAmazon(LocalTakenForUtc):
    """Amazon as the article met it: asked for what is to come, it answers, and has nothing."""

    def __init__(self, inner: AnyPlatform, now: Callable[[], datetime]) -> None:
        super().__init__(inner)
        self._now = now

    async def page(self, account: Any, query: Query) -> Page:  # noqa: ANN401  # As above.
        late = timedelta(hours=8)
        end = min(query.window.end + late, self._now() - timedelta(minutes=3))
        if query.window.start + late >= end:
            return Page(messages=(), asked={"lastUpdatedAfter": str(query.window.start + late)})
        window = Window(query.window.start, end - late)
        return await super().page(account, replace(query, window=window))


@dataclass
class Stage:
    """A real service, and a puller of its feed."""

    world: World
    concord: AsyncConcord
    engine: sa.Engine
    puller: Puller

    async def register(self, name: str, platform: str = "douyin") -> Feed:
        feed = Feed(
            name=f"feeds/{name}",
            channel=platform,
            platform=platform,
            shop=name,
            mode=Feed.MODE_PULL,
            template=EVERY[platform],
            zone="Asia/Shanghai",
            schedule=FeedSchedule(interval_s=1),
            begin_time=stamp(datetime.now(tz=UTC) - timedelta(hours=3)),
        )
        return await self.concord.channels.create(feed)

    async def work(self) -> list[Run]:
        """Work on every run that is planned by now; the next poll is made due for it."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE feeds SET due_at = created_at, wake_at = created_at")
            )
        answer = await self.puller.register.claim(self.puller.platform, 8, 120)
        for claimed in answer.claimed:
            until = self.world.time.monotonic() + 100
            await self.puller.work(claimed.run, claimed.feed, Lease(100, until))
        return [each.run for each in answer.claimed]

    def end_pauses(self) -> None:
        """Let the time pass that a run waits for after a failure."""
        with self.engine.begin() as connection:
            connection.execute(sa.text("UPDATE feed_runs SET due_at = created_at"))

    async def incidents(self) -> list[Incident]:
        return [each async for each in self.concord.channels.list_incidents()]

    async def receipts(self) -> list[str]:
        listed = self.concord.intake.list(source=self.puller.platform.provider, page_size=500)
        return [each.order_hint async for each in listed]


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    running = started(tmp_path_factory.mktemp("service"), module_database_url, servers.redis_url)
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
async def stage(service: Running, module_database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    world = a_world(tmp_path, datetime.now(tz=UTC))
    engine = sa.create_engine(
        sa.make_url(module_database_url).set(drivername="postgresql+psycopg2")
    )
    identity = Identity(actor="test", role="system")
    async with AsyncConcord(service.address, identity=identity) as concord, world.client:
        puller = world.puller("douyin", LocalTakenForUtc)
        yield Stage(world, concord, engine, replace(puller, register=Register(concord, "w")))
    engine.dispose()


def stamp(at: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


async def test_a_feed_that_asks_for_the_future_is_found_out_and_loses_no_order(
    stage: Stage,
) -> None:
    await stage.register("abroad")
    shop, now = stage.world.shop("douyin"), stage.world.time.at
    numbers = [
        shop.sell(at=now - timedelta(minutes=120) + timedelta(seconds=40 * each)).number
        for each in range(ORDERS)
    ]

    purposes = []
    for _ in range(POLLS + 3):
        purposes += [each.purpose for each in await stage.work()]
        if await stage.incidents() and sorted(set(await stage.receipts())) == numbers:
            break

    assert purposes[: POLLS + 1] == [*[Run.PURPOSE_REGULAR] * POLLS, Run.PURPOSE_PROBE]
    [incident] = await stage.incidents()
    assert incident.feed == "feeds/abroad"
    assert incident.missed_orders == ORDERS
    assert incident.asked and incident.found_by  # noqa: PT018  # Both readings are told.
    assert sorted(await stage.receipts()) == numbers


async def test_the_articles_amazon_is_found_out_within_five_polls_and_loses_no_order(
    stage: Stage,
) -> None:
    now = stage.world.time.at
    wrong = stage.world.puller("amazon", lambda each: ArticlesAmazon(each, lambda: now))
    stage.puller = replace(wrong, register=stage.puller.register)
    await stage.register("overseas", "amazon")
    numbers = [
        stage.world.shop("amazon").sell(at=now - timedelta(seconds=7200 - 40 * each)).number
        for each in range(ORDERS)
    ]

    purposes = []
    for _ in range(POLLS + 3):
        purposes += [each.purpose for each in await stage.work()]
        incidents = [each for each in await stage.incidents() if each.feed == "feeds/overseas"]
        if incidents and sorted(set(await stage.receipts())) == numbers:
            break

    assert purposes[: POLLS + 1] == [*[Run.PURPOSE_REGULAR] * POLLS, Run.PURPOSE_PROBE]
    [incident] = incidents
    assert incident.missed_orders == ORDERS
    assert sorted(await stage.receipts()) == numbers


async def test_todays_amazon_refuses_to_be_asked_for_the_future_and_the_cursor_waits(
    stage: Stage,
) -> None:
    wrong = stage.world.puller("amazon", LocalTakenForUtc)
    stage.puller = replace(wrong, register=stage.puller.register)
    feed = await stage.register("refused", "amazon")
    now = stage.world.time.at
    known = set(await stage.receipts())
    # Numbers are counted for each shop: these are not those of the test before.
    numbers = [
        stage.world.shop("amazon")
        .sell(f"703-0000000-{each:07d}", at=now - timedelta(hours=2))
        .number
        for each in range(ORDERS)
    ]

    await stage.work()
    health = await stage.concord.channels.health(feed.name)
    stage.world.pullers.clear()
    stage.puller = replace(stage.world.puller("amazon"), register=stage.puller.register)
    stage.end_pauses()
    await stage.work()

    assert health.state == FeedHealth.STATE_BROKEN
    assert set(await stage.receipts()) - known == set(numbers)


async def test_a_quiet_feed_is_looked_at_wider_once_and_nobody_is_alarmed(stage: Stage) -> None:
    right = CHANNELS["douyin"].make(stage.puller.caller, Tokens(stage.world.time.monotonic))
    stage.puller = replace(stage.puller, platform=right)
    await stage.register("quiet")

    purposes = []
    for _ in range(POLLS + 3):
        purposes += [each.purpose for each in await stage.work() if each.feed == "feeds/quiet"]

    assert purposes.count(Run.PURPOSE_PROBE) == 1
    assert [each for each in await stage.incidents() if each.feed == "feeds/quiet"] == []
