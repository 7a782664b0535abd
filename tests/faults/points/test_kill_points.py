"""The service as a process dies at each of its failpoints; the next one tells what happened."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import grpc
import psycopg2
import pytest

from benchmarks.processes import Running
from benchmarks.processes import service as start_service
from deploy.local.stack import EmbeddedServers
from service.domain.lifecycle import State
from service.failpoints import Failpoints
from tests.faults.points.places import BY_CALL, BY_CLOCKWORK
from tests.faults.wire.acts import ACTS
from tests.faults.wire.cutting import CuttingProxy
from tests.faults.wire.preparing import Preparing
from tests.faults.wire.world import RECONNECTS, Served, World, hurry_logins, views_of
from tests.integration.relay.world import wait_until
from tests.integration.service.world import free_port
from tests.invariants import assert_clean

DIES_WITHIN_S = 30.0
# A service that dies before it is reached lets its caller wait.
PATIENCE_S = 8.0
UNTOLD = (
    "SELECT order_id, sequence FROM journal FULL JOIN"
    " (SELECT * FROM outbox WHERE topic = 'concord.orders.v1') AS told"
    " ON told.key = order_id AND told.n = sequence WHERE order_id IS NULL OR told.id IS NULL"
)
# What is still to do for the clockwork, and what it has done twice.
TO_DO = {
    "unit:after_timers": "SELECT 1 FROM timers WHERE fired_at IS NULL"
    " AND due_at < clock_timestamp() LIMIT 1",
    "unit:after_reservation": "SELECT 1 FROM stock_queue LIMIT 1",
}
DUE = {
    "unit:after_timers": "UPDATE timers SET due_at = clock_timestamp() WHERE fired_at IS NULL",
    "unit:after_reservation": "UPDATE stock_queue SET due_at = clock_timestamp()",
}
TWICE = {
    "unit:after_timers": "SELECT order_id, type FROM cases GROUP BY 1, 2 HAVING count(*) > 1",
    "unit:after_reservation": "SELECT order_id FROM reservations GROUP BY 1 HAVING count(*) > 1",
}
Start = Callable[[str], Running]
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def world(module_database_url: str, servers: EmbeddedServers) -> Iterator[World]:
    """A database, and callers of whoever serves it."""
    hurry_logins(module_database_url)
    address = f"127.0.0.1:{free_port()}"
    with (
        closing(Preparing(module_database_url)) as preparing,
        closing(psycopg2.connect(module_database_url)) as witness,
        grpc.insecure_channel(address, RECONNECTS) as channel,
        CuttingProxy("127.0.0.1", 1) as unused,
    ):
        witness.autocommit = True
        served = Served(address, lambda: None, Failpoints())
        yield World(module_database_url, address, unused, preparing, witness, channel, served)


@pytest.fixture
def start(world: World, servers: EmbeddedServers, tmp_path: Path) -> Iterator[Start]:
    """Start services with failpoints, one after another."""
    started: list[Running] = []

    def start(failpoints: str) -> Running:
        armed = {"CONCORD_FAILPOINTS": failpoints, "CONCORD_FAILPOINTS_UNSAFE": "yes"}
        database_url, views = world.database_url, views_of(servers)
        started.append(start_service(tmp_path, world.address, database_url, views, **armed))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.mark.parametrize("point", BY_CALL)
def test_a_service_killed_at_a_failpoint_has_done_its_work_once_in_the_end(
    world: World, start: Start, point: str
) -> None:
    act = ACTS[BY_CALL[point]]
    (target,) = act.prepare(world.preparing, 1)
    request_id = str(uuid.uuid4())
    armed = start(f"{point}=kill")
    wait_until(
        lambda: armed.process.poll() is not None or armed.is_ready(),
        what="a service, ready or dead",
        within_s=DIES_WITHIN_S,
    )

    first = world.call(act.rpc, act.request(target, request_id), within_s=PATIENCE_S)
    assert armed.process.wait(DIES_WITHIN_S) == -9, armed.log.read_text()
    start("none").until_ready()
    second = world.call(act.rpc, act.request(target, request_id))

    assert not first.is_ok, "a dead service answered"
    assert second.is_ok, f"the repeat got {second}"
    assert len(world.ask(act.proof, *act.values(target, request_id))) == 1
    assert world.ask(UNTOLD) == []


@pytest.mark.parametrize("point", BY_CLOCKWORK)
def test_a_clockwork_killed_at_a_failpoint_does_its_work_once_in_the_end(
    world: World, start: Start, point: str
) -> None:
    if point == "unit:after_timers":
        world.preparing.orders(3, State.PAYING)
    else:
        world.preparing.unlisted(3)
    world.preparing.query(DUE[point])
    armed = start(f"{point}=kill")

    assert armed.process.wait(DIES_WITHIN_S) == -9, armed.log.read_text()
    # As if the lease of the dead were over.
    world.preparing.query(DUE[point])
    assert world.ask(TO_DO[point]), "the dead one has done it"
    start("none").until_ready()
    wait_until(lambda: not world.ask(TO_DO[point]), what="the clockwork", within_s=DIES_WITHIN_S)

    assert world.ask(TWICE[point]) == []
    assert world.ask(UNTOLD) == []


def test_all_invariants_hold_behind_the_dead(world: World) -> None:
    assert_clean(world.database_url, but={"I7": "no relay runs here"})
