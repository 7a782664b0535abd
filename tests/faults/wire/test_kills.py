"""The service dies by SIGKILL around its COMMIT; the next one answers the repeat with the truth."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import psycopg2
import pytest
import sqlalchemy as sa

from benchmarks.processes import Running
from benchmarks.processes import service as start_service
from deploy.local.stack import EmbeddedServers
from service.failpoints import Failpoints
from tests.faults.wire.acts import ACTS, Act
from tests.faults.wire.cutting import Cut, CuttingProxy, Passed, Side
from tests.faults.wire.preparing import Preparing, Target
from tests.faults.wire.world import RECONNECTS, Served, World, hurry_logins, views_of
from tests.integration.service.world import free_port

PLACES = {
    "the COMMIT was about to be sent": ("COMMIT", Side.BEFORE),
    "the COMMIT was sent": ("COMMIT", Side.AFTER),
    "the answer was on its way": ("CommandComplete", Side.BEFORE),
    "the answer was received": ("CommandComplete", Side.AFTER),
}
CALLS = {
    "concord.orders.v1.OrderService.CreateOrder": "SELECT count(*) FROM requests"
    " WHERE request_id = %(request)s AND answer IS NOT NULL",
    "concord.orders.v1.OrderService.ConfirmPayment": "SELECT count(*) FROM facts"
    " WHERE fact_id = 'cmd-' || %(request)s",
    "concord.intake.v1.IntakeService.SubmitReceipts": "SELECT count(*) FROM receipts"
    " WHERE position(convert_to(%(tag)s, 'UTF8') IN event) > 0",
    "concord.intake.v1.IntakeService.ApplyFacts": "SELECT count(*) FROM journal JOIN facts"
    " USING (order_id) WHERE fact_id = %(tag)s AND sequence = 1",
}
UNPUBLISHED = (
    "SELECT order_id, sequence FROM journal FULL JOIN"
    " (SELECT * FROM outbox WHERE topic = 'concord.orders.v1') AS told"
    " ON told.key = order_id AND told.n = sequence WHERE order_id IS NULL OR told.id IS NULL"
)


@dataclass
class Behind:
    """A service process behind the proxy, and how to start the next one."""

    world: World
    start: Callable[[], Running]
    running: Running

    def die(self) -> None:
        self.running.kill()

    def revive(self) -> None:
        self.running = self.start()
        self.running.until_ready()


@pytest.fixture(scope="module")
def behind(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    hurry_logins(module_database_url)
    url = sa.make_url(module_database_url)
    folder: Path = tmp_path_factory.mktemp("killed")
    address = f"127.0.0.1:{free_port()}"
    with CuttingProxy(url.host or "", url.port or 0) as proxy:
        passing = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)

        def start() -> Running:
            return start_service(folder, address, passing, views_of(servers))

        preparing = Preparing(module_database_url)
        witness = psycopg2.connect(module_database_url)
        witness.autocommit = True
        running = start()
        with grpc.insecure_channel(address, RECONNECTS) as channel:
            world = World(
                module_database_url,
                address,
                proxy,
                preparing,
                witness,
                channel,
                Served(address, lambda: None, Failpoints()),
            )
            made = Behind(world, start, running)
            try:
                running.until_ready()
                yield made
            finally:
                made.running.kill()
                witness.close()
                preparing.close()


def once_at(needle: str, name: str) -> Callable[[int, Passed], bool]:
    """Return what is true of the COMMIT, or of its answer, of whoever spoke of the needle."""
    speaks: set[int] = set()
    # As text, or within bytes as PostgreSQL reads them.
    told = (needle.encode(), needle.encode().hex().encode())

    def at(_number: int, passed: Passed) -> bool:
        if any(each in passed.message.raw for each in told):
            speaks.add(passed.connection)
        if passed.connection not in speaks:
            return False
        if name == "COMMIT":
            return passed.from_client and passed.message.text == "COMMIT"
        return passed.message.name == name and b"COMMIT" in passed.message.raw

    return at


def killed(behind: Behind, act: Act, place: str) -> None:
    world = behind.world
    (target,) = act.prepare(world.preparing, 1)
    request_id = str(uuid.uuid4())
    name, side = PLACES[place]
    has_id = "SELECT answer" in act.proof
    at = once_at(request_id if has_id else needle_of(target), name)
    world.proxy.arm(Cut(at, side, lasts=True, then=behind.die))

    first = world.call(act.rpc, act.request(target, request_id))
    world.proxy.await_cut(10)
    world.proxy.disarm()
    behind.revive()
    second = world.call(act.rpc, act.request(target, request_id))

    act.story(first, second)
    assert not first.is_ok, "a dead service answered"
    effects = world.ask_named(CALLS[act.rpc], request=request_id, tag=target.tag)
    assert effects == [(1,)], f"{act.rpc}, killed when {place}"
    assert world.ask(UNPUBLISHED) == []


def needle_of(target: Target) -> str:
    """Return what a call without a request id speaks of."""
    return target.receipt or target.tag


def test_a_service_killed_behind_its_commit_has_done_its_work_once(behind: Behind) -> None:
    act = ACTS["concord.orders.v1.OrderService.ConfirmPayment"]

    killed(behind, act, "the COMMIT was sent")


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("rpc", CALLS)
def test_a_service_killed_around_its_commit_does_its_work_once(
    behind: Behind, rpc: str, place: str
) -> None:
    killed(behind, ACTS[rpc], place)
