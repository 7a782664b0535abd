"""A thousand orders at customs, by one command, while the service is killed twice in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.processes import Running
from benchmarks.processes import service as start_service
from clients.sdk import Concord
from clients.sdk.metadata import Identity
from concord.batches.v1 import batch_service_pb2 as pb
from deploy.local.stack import EmbeddedServers
from service.domain.facts import OrderRef
from tests.integration.relay.world import wait_until
from tests.integration.service.batch_world import (
    MEMBER,
    Ledger,
    cancelled,
    paid_orders,
    ref_message,
)
from tests.integration.service.world import Storing, free_port
from tests.invariants import assert_clean

ORDERS = 1_000
LATE = 5
ENDS_WITHIN_S = 300.0
Start = Callable[[], Running]
Command = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def start(
    engine: sa.Engine,
    module_database_url: str,
    servers: EmbeddedServers,
    address: str,
    tmp_path: Path,
) -> Iterator[Start]:
    """Start services at one address, one after another."""
    started: list[Running] = []

    def start() -> Running:
        started.append(start_service(tmp_path, address, module_database_url, servers.redis_url))
        started[-1].until_ready()
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def command(address: str, tmp_path: Path) -> Iterator[Command]:
    """Run `concord …` as somebody of operations would."""
    begun: list[subprocess.Popen[str]] = []
    told = {
        "CONCORD_SERVICE_ADDRESS": address,
        "CONCORD_ACTOR": "li",
        "CONCORD_ROLE": "operations",
        "CONCORD_DATA_DIR": str(tmp_path / "data"),
        "PATH": "/usr/bin:/bin",
    }

    def command(*arguments: str) -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "clients.cli", *arguments],
                env=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield command
    for each in begun:
        each.kill()
        each.communicate()


def tagged(concord: Concord, refs: list[OrderRef]) -> str:
    tag = f"customs-{uuid.uuid4().hex[:8]}"
    for begin in range(0, len(refs), 500):
        told = concord.orders.tag(
            tag, refs=[ref_message(each) for each in refs[begin : begin + 500]]
        )
        assert not told.missing
    return tag


def done(engine: sa.Engine) -> int:
    """Return for how many orders everything was done."""
    with engine.connect() as connection:
        count = sa.text("SELECT count(*) FROM batch_members WHERE state = 'DONE'")
        return int(connection.execute(count).scalar_one())


def ended(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, told = running.communicate(timeout=ENDS_WITHIN_S)
    return running.returncode, out, told


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_thousand_orders_get_everything_once_though_the_service_dies_twice(
    storing: Storing,
    engine: sa.Engine,
    module_database_url: str,
    start: Start,
    command: Command,
    address: str,
) -> None:
    refs = paid_orders(storing, ORDERS)
    service = start()
    with closing(Concord(address, identity=Identity("li", "operations", ""))) as concord:
        tag = tagged(concord, refs)
        began = time.monotonic()
        run = command("batch", "run", "customs_delay", "--tag", tag, "--yes", "--json")

        wait_until(lambda: done(engine) >= 200, what="200 orders", within_s=120)
        service.kill()
        late = waiting(engine, LATE)
        for each in late:
            cancelled(storing, each)
        service = start()
        wait_until(lambda: done(engine) >= 600, what="600 orders", within_s=120)
        service.kill()
        service = start()
        code, out, told = ended(run)
        took_s = time.monotonic() - began

        batch: dict[str, Any] = json.loads(out)
        counts = batch["counts"]
        assert (counts["done"], counts["failed"]) == (ORDERS - LATE, LATE), told
        # Some orders failed, and the command says so.
        assert code == 1
        assert batch["failures"] == [{"reason": "ORDER_MOVED_ON", "count": LATE}]
        name = batch["name"]
        ledger = Ledger(engine, name.removeprefix("batches/"))
        once = (ORDERS - LATE, ORDERS - LATE)
        assert ledger.count("coupons") == ledger.count("notices") == ledger.milestones() == once

        failed = list(concord.batches.list_members(name, state=MEMBER.STATE_FAILED))
        assert {each.number for each in failed} == {each.value for each in late}
        for each in failed:
            concord.orders.reinstate(each.order)
        again, _, _ = ended(command("batch", "retry", name))
        assert again == 0
        assert ledger.count("coupons") == ledger.count("notices") == (ORDERS, ORDERS)
        assert ledger.count("batch_results") == (3 * ORDERS, ORDERS)
        assert concord.batches.get(name).state == pb.Batch.STATE_DONE
    assert_clean(
        module_database_url, but={"I7": "no relay runs", "I14": "no deadlines are worked off"}
    )
    print(f"{ORDERS} orders, two kills: {took_s:.1f} s from the command to its end")  # noqa: T201


def waiting(engine: sa.Engine, count: int) -> list[OrderRef]:
    """Return the last orders on the list, for which nothing was done yet."""
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT number FROM batch_members WHERE state = 'WAITING'"
                " ORDER BY position DESC LIMIT :count"
            ),
            {"count": count},
        ).scalars()
        return [OrderRef("douyin", number) for number in rows]
