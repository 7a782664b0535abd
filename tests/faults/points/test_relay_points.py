"""The relay as a process fails at each step of its round in each way; each order arrives whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired

import pytest
import sqlalchemy as sa

from benchmarks.processes import Running
from deploy.local.stack import EmbeddedServers
from service.postgres.engine import database_url
from service.postgres.migrating import migrate
from tests.faults.points.places import ACTIONS, BY_OUTAGE, BY_RELAY
from tests.integration.relay.world import World, wait_until

ORDERS, EACH = 4, 5
ENDS_WITHIN_S = 30.0
Start = Callable[[World, str], Running]


@pytest.fixture(scope="module")
def crashable() -> Iterator[EmbeddedServers]:
    """PostgreSQL and a broker of this module's own."""
    with EmbeddedServers(names=("postgres", "broker")) as servers:
        owner = database_url(servers.database_url).username
        with sa.create_engine(database_url(servers.admin_url)).begin() as connection:
            connection.execute(sa.text(f"ALTER ROLE {owner} CREATEROLE"))
        migrate(servers.database_url)
        yield servers


@pytest.fixture
def world(crashable: EmbeddedServers) -> Iterator[World]:
    """An empty database and an empty broker."""
    url = crashable.create_database(template="concord")
    crashable.kill("broker")
    crashable.start("broker")
    with World(url, crashable) as built:
        yield built
    crashable.drop_database(url)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start relays as production does, but for their failpoints."""
    started: list[Running] = []

    def start(world: World, failpoints: str) -> Running:
        env = {
            "CONCORD_DATABASE_URL": world.url,
            "CONCORD_KAFKA_BOOTSTRAP": world.servers.kafka_bootstrap,
            "CONCORD_KAFKA_PARTITIONS": "4",
            "CONCORD_FAILPOINTS": failpoints,
            "CONCORD_FAILPOINTS_UNSAFE": "yes",
        }
        log = tmp_path / f"relay{len(started)}.log"
        started.append(Running(log, "service", "relay", address="", env=env))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def fail(world: World, start: Start, point: str, action: str) -> None:
    """Let a relay fail there, let the next one finish, and look at what arrived."""
    for order in range(ORDERS):
        for _ in range(EACH):
            world.write(f"order-{order}")
    # An outage is noticed where there is one.
    before = "relay:after_claim=commit-then-raise," if point in BY_OUTAGE else ""
    relay = start(world, f"{before}{point}={action}")
    if action == "commit-then-raise" and point not in BY_OUTAGE:
        wait_until(world.is_drained, what="the relay to get over it", within_s=ENDS_WITHIN_S)
        assert relay.process.poll() is None, relay.log.read_text()
    elif action == "hang":
        wait_until(lambda: world.query("SELECT 1 FROM relay_epochs") != [], what="its shards",
                   within_s=ENDS_WITHIN_S)  # fmt: skip
        with suppress(TimeoutExpired):
            # It hangs as soon as it comes by; if it does not, it is found drained.
            relay.process.wait(1.0)
        assert point == "relay:after_mark" or not world.is_drained(), "it did not hang"
        relay.kill()
    else:
        relay.process.wait(ENDS_WITHIN_S)
        assert relay.process.returncode == (-9 if action == "kill" else 1), relay.log.read_text()
    relay.kill()
    following = start(world, "none")
    try:
        wait_until(world.is_drained, what="an empty outbox", within_s=ENDS_WITHIN_S)
    except AssertionError as error:
        error.add_note(following.log.read_text()[-4000:])
        raise
    guard = world.guard()
    assert dict(guard.applied) == {f"order-{order}": EACH for order in range(ORDERS)}
    assert guard.gaps == []


@pytest.mark.long
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("point", [*BY_RELAY, *BY_OUTAGE])
def test_a_relay_that_fails_anywhere_loses_nothing(
    world: World, start: Start, point: str, action: str
) -> None:
    fail(world, start, point, action)
