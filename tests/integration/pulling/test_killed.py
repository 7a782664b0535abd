"""The connectors as the process that they are, killed again and again while nine platforms sell.

A real service, real HTTP, the platforms in bad moods. In the end each order is there once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks.processes import Running, free_address, until
from clients.sdk import Concord, Identity
from concord.channels.v1.feed_pb2 import Feed, FeedLimits, FeedSchedule
from deploy.local.channels.faults import Fault
from deploy.local.channels.server import Channels
from deploy.local.stack import EmbeddedServers
from tests.integration.connectors.running import started
from tests.integration.pulling.world import EVERY

ORDERS = 40
KILLS = 5
# Amazon stands twenty lists, and then one a minute; a page of eight takes five of them.
PAGE_SIZE = 8
TROUBLES = (Fault.TOO_MANY, Fault.HTTP_429, Fault.SERVER_ERROR, Fault.HTML, Fault.CUT, Fault.SYSTEM)
WITHIN_S = 120.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass
class Stage:
    """Service and platforms; the connectors come and go."""

    folder: Path
    service: Running
    channels: Channels
    engine: sa.Engine

    def connectors(self) -> Running:
        """Start the connectors."""
        env = {
            "CONCORD_SERVICE_ADDRESS": self.service.address,
            "CONCORD_ACCOUNTS": str(self.channels.accounts_file),
            "CONCORD_CONNECTORS_TIMEOUT_S": "2",
        }
        return Running(self.folder / "connectors.log", "clients.connectors", address="", env=env)

    def pass_time(self, *, is_killed: bool) -> None:
        """Make due what waits; where the worker was killed, let its leases end."""
        with self.engine.begin() as connection:
            if is_killed:
                connection.execute(
                    sa.text("UPDATE feed_runs SET lease_until = created_at WHERE lease <> ''")
                )
                connection.execute(sa.text("UPDATE feeds SET wake_at = created_at"))
            connection.execute(sa.text("UPDATE feed_runs SET due_at = created_at"))
            connection.execute(
                sa.text(
                    "UPDATE feeds SET due_at = created_at, wake_at = created_at WHERE NOT"
                    " EXISTS (SELECT FROM feed_runs r WHERE r.feed_id = feeds.feed_id"
                    " AND lease <> '')"
                )
            )

    def asked(self) -> int:
        """Return how often the platforms were asked."""
        return sum(len(each.requests) for each in self.channels.world.booths.values())


@pytest.fixture
def stage(tmp_path: Path, module_database_url: str, servers: EmbeddedServers) -> Iterator[Stage]:
    service = started(tmp_path, module_database_url, servers.redis_url)
    url = sa.make_url(module_database_url).set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(url)
    try:
        with Channels(free_address(), tmp_path, lambda: datetime.now(tz=UTC)) as channels:
            yield Stage(tmp_path, service, channels, engine)
    finally:
        engine.dispose()
        service.kill()


def feed_of(platform: str, begin: datetime) -> Feed:
    since = Timestamp()
    since.FromDatetime(begin)
    return Feed(
        name=f"feeds/{platform}",
        channel=platform,
        platform=platform,
        shop="1",
        mode=Feed.MODE_PULL,
        template=EVERY[platform],
        zone="Asia/Shanghai",
        limits=FeedLimits(page_size=PAGE_SIZE),
        schedule=FeedSchedule(interval_s=5),
        begin_time=since,
    )


def test_killing_the_connectors_costs_no_order_and_doubles_none(stage: Stage) -> None:
    dice = Random("kills")  # noqa: S311  # Misfortune need not be secret.
    now = datetime.now(tz=UTC)
    sold = {
        platform: {
            booth.shop.sell(at=now - timedelta(minutes=20, seconds=-10 * each)).number
            for each in range(ORDERS)
        }
        for platform, booth in stage.channels.world.booths.items()
    }
    with Concord(stage.service.address, identity=Identity("test", "system")) as concord:
        for platform in sold:
            concord.channels.create(feed_of(platform, now - timedelta(minutes=25)))

        for _ in range(KILLS):
            for booth in stage.channels.world.booths.values():
                booth.faults.plan(dice.choice(TROUBLES), after=dice.randrange(8))
            connectors, before = stage.connectors(), stage.asked()
            connectors.until_ready()
            more = dice.randrange(3, 60)
            until(lambda: stage.asked() >= before + more, "the platforms are asked", WITHIN_S)  # noqa: B023
            connectors.kill()
            stage.pass_time(is_killed=True)

        for booth in stage.channels.world.booths.values():
            booth.faults.clear()
        connectors = stage.connectors()
        connectors.until_ready()

        def came() -> dict[str, Counter[str]]:
            stage.pass_time(is_killed=False)
            return {
                platform: Counter(
                    each.order_hint for each in concord.intake.list(source=platform, page_size=500)
                )
                for platform in sold
            }

        until(
            lambda: all(set(came()[each]) == sold[each] for each in sold),
            "every order came",
            WITHIN_S,
            look_every_s=1.0,
        )
        found = came()
        connectors.kill()

    assert {each: dict(found[each]) for each in sold} == {
        each: dict.fromkeys(sold[each], 1) for each in sold
    }
