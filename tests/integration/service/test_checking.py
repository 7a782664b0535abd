"""Callers are told what is violated; one process audits; servers that lose data are refused."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from concord.audit.v1 import audit_service_pb2 as pb
from concord.audit.v1 import audit_service_pb2_grpc
from deploy.local.stack import EmbeddedServers
from service import auditors
from service.config import settings
from service.domain.facts import OrderRef
from service.domain.invariants import QUERIED, REGISTER
from service.postgres.audit_turn import turn
from service.postgres.durability import unsafe_settings
from service.postgres.engine import make_engine
from service.telemetry import Metrics
from tests.builders import a_fact
from tests.integration.relay.world import wait_until
from tests.integration.service.world import Service, Storing, refused

NAME = "audited"
WITHIN_S = 60


@pytest.fixture
def audit(service: Service) -> audit_service_pb2_grpc.AuditServiceStub:
    return audit_service_pb2_grpc.AuditServiceStub(service.channel)


@pytest.fixture
def order_id(storing: Storing) -> str:
    """An order of which something happened."""
    name = uuid.uuid4().hex[:12]
    storing.tell(a_fact(fact_id=name, ref=OrderRef("douyin", name)))
    return storing.reader.order_by_ref(OrderRef("douyin", name)).order_id


@contextmanager
def a_milestone_set_by_hand(owner: sa.Engine, order_id: str) -> Iterator[None]:
    change = sa.text("UPDATE orders SET milestone = :milestone WHERE order_id = :order")
    with owner.begin() as connection:
        connection.execute(change, {"milestone": "packed", "order": order_id})
    try:
        yield
    finally:
        with owner.begin() as connection:
            connection.execute(change, {"milestone": "", "order": order_id})


def every_page(audit: audit_service_pb2_grpc.AuditServiceStub, page_size: int) -> list[pb.Finding]:
    found: list[pb.Finding] = []
    token = ""
    while True:
        request = pb.CheckInvariantsRequest(page_token=token, page_size=page_size)
        answer = audit.CheckInvariants(request, timeout=WITHIN_S)
        found += answer.findings
        token = answer.next_page_token
        if not token:
            return found


def test_callers_are_told_the_register(audit: audit_service_pb2_grpc.AuditServiceStub) -> None:
    told = audit.ListInvariants(pb.ListInvariantsRequest()).invariants

    assert [each.invariant_id for each in told] == list(REGISTER)
    assert all(each.told_by and each.statement_en and each.statement_zh for each in told)


@pytest.mark.parametrize("page_size", [0, 1])
def test_callers_are_told_who_violates_what_on_pages_of_any_size(
    page_size: int,
    audit: audit_service_pb2_grpc.AuditServiceStub,
    order_id: str,
    owner: sa.Engine,
) -> None:
    with a_milestone_set_by_hand(owner, order_id):
        found = every_page(audit, page_size)

    wrong = [
        (each.invariant_id, one.subject) for each in found for one in each.violations
        if each.invariant_id == "I5"
    ]  # fmt: skip
    assert wrong == [("I5", order_id)]
    assert {each.invariant_id for each in found} == set(QUERIED)


def test_one_order_is_looked_at_by_its_name(
    audit: audit_service_pb2_grpc.AuditServiceStub, order_id: str, owner: sa.Engine
) -> None:
    asked = pb.CheckInvariantsRequest(order=f"orders/{order_id}")
    with a_milestone_set_by_hand(owner, order_id):
        found = audit.CheckInvariants(asked).findings

    assert {each.invariant_id: each.violation_count for each in found}["I5"] == 1
    assert {each.checked for each in found} == {1}
    unknown = pb.CheckInvariantsRequest(order="orders/ord-none")
    assert refused(lambda: audit.CheckInvariants(unknown)).reason == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    "token", ["none", "WyJhdWRpdCIsIm5vbmUiLCIiXQ", "WyJhdWRpdCIsIm91dGJveCIsIngiXQ"]
)
def test_a_token_that_is_not_ours_is_refused(
    token: str, audit: audit_service_pb2_grpc.AuditServiceStub
) -> None:
    request = pb.CheckInvariantsRequest(page_token=token)

    assert refused(lambda: audit.CheckInvariants(request)).reason == "CURSOR_INVALID"


def check_by_itself(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "check"],
        env={**os.environ, "CONCORD_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def test_without_a_service_the_database_alone_is_enough(database_url: str) -> None:
    clean = check_by_itself(database_url)
    owner = make_engine(database_url, connections=1, as_owner=True)
    with owner.begin() as connection:
        connection.execute(sa.text("ALTER TABLE facts DROP CONSTRAINT pk_facts"))
    owner.dispose()

    broken = check_by_itself(database_url)

    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "✓ I2  applied once: " in clean.stdout
    assert "- I6  confluence: told by tests/" in clean.stdout
    assert broken.returncode == 1
    assert (
        "facts (fact_id): is no unique key any more; 0 are stored more than once" in broken.stdout
    )


def test_nobody_to_ask_is_not_a_violation() -> None:
    done = check_by_itself("postgresql://nobody@127.0.0.1:1/none")

    assert (done.returncode, done.stdout) == (3, "")


def test_one_auditor_has_the_turn_until_it_ends(engine: sa.Engine) -> None:
    with turn(engine) as first, turn(engine) as second:
        assert first is not None
        assert second is None
        assert first.execute(sa.text("SHOW transaction_read_only")).scalar_one() == "on"
        first.rollback()

    with turn(engine) as third:
        assert third is not None


def test_the_auditor_finds_by_itself_what_is_broken_and_what_is_mended(
    engine: sa.Engine, module_database_url: str, order_id: str, owner: sa.Engine
) -> None:
    metrics, stop = Metrics(), threading.Event()
    given = {
        "CONCORD_DATABASE_URL": module_database_url,
        "CONCORD_REDIS_URL": "redis://unused",
        "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
        "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
        "CONCORD_AUDIT_SHARE": "0.5",
    }

    def shown() -> float | None:
        labels = {"invariant": "I5"}
        return metrics.registry.get_sample_value("concord_invariant_violations", labels)

    auditor = auditors.auditor(settings("serve", given), engine, metrics, stop)
    auditor.start()
    try:
        wait_until(lambda: shown() == 0, what="a round found nothing", within_s=WITHIN_S)
        with a_milestone_set_by_hand(owner, order_id):
            wait_until(lambda: shown() == 1, what="it is seen", within_s=WITHIN_S)
        wait_until(lambda: shown() == 0, what="it holds again", within_s=WITHIN_S)
    finally:
        stop.set()
        auditor.join(WITHIN_S)
    assert shown() is None, "who has ended tells nothing"


def test_a_server_that_may_lose_data_is_refused_unless_it_says_so(
    servers: EmbeddedServers, database_url: str
) -> None:
    name = sa.make_url(database_url).database
    admin = sa.make_url(servers.admin_url).set(database=name)
    superuser = make_engine(
        admin.render_as_string(hide_password=False), connections=1, as_owner=True
    )
    with superuser.connect() as connection:
        assert unsafe_settings(connection) == []
        connection.execute(sa.text("SET concord.unsafe_settings = ''"))
        connection.execute(sa.text("SET synchronous_commit = off"))
        assert unsafe_settings(connection) == ["fsync=off", "synchronous_commit=off"]
        connection.rollback()
        connection.execute(sa.text(f"ALTER DATABASE \"{name}\" SET concord.unsafe_settings = ''"))
        connection.commit()
    superuser.dispose()

    done = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        env={
            **os.environ,
            "CONCORD_DATABASE_URL": database_url,
            "CONCORD_REDIS_URL": servers.redis_url,
            "CONCORD_SERVICE_ADDRESS": "127.0.0.1:0",
            "CONCORD_METRICS_ADDRESS": "127.0.0.1:0",
        },
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )

    assert done.returncode == 2
    assert "PostgreSQL has fsync=off" in done.stderr
