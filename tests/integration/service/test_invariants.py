"""A busy world violates no invariant; broken by hand in one way, it violates that one alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from deploy.local.stack import EmbeddedServers
from service.application.invariants import pages
from service.application.knowing import Knowing
from service.application.outbox import SHARDS, shard_of
from service.application.profiling import Profiling
from service.domain.facts import FactKind, OrderRef
from service.domain.invariants import QUERIED, Tally, Violation
from service.domain.lifecycle import State
from service.kafka.encoding import ProtobufEnvelopes
from service.kafka.profile_encoding import ProtobufProfileEncoder
from service.kafka.topics import NAMES
from service.postgres.engine import make_engine
from service.postgres.invariants import Lateness, PostgresAudit
from service.postgres.outbox_history import KEPT_SHARD
from service.postgres.reader import PostgresReader
from service.postgres.storage import PostgresStorage
from tests.builders import WAY_TO, a_fact
from tests.fakes import FakeClock
from tests.integration.service.breaking import BREAKS
from tests.integration.service.busy_world import Happenings
from tests.integration.service.world import Storing
from tests.invariants import assert_clean, findings, violations

SEED = 20261123
# No relay runs beside these writers.
NOBODY_PUBLISHES = Lateness(work=timedelta(hours=1))


@contextmanager
def storing_in(url: str) -> Iterator[Storing]:
    engine = make_engine(url, connections=4)
    # Deadlines are held against PostgreSQL's clock, which is the real one.
    clock = FakeClock(datetime.now(UTC) - timedelta(hours=3))
    try:
        yield Storing(PostgresStorage(engine, ProtobufEnvelopes()), PostgresReader(engine), clock)
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def busy(module_database_url: str) -> str:
    """The address of a database in which a lot has happened, and all of it is published."""
    with storing_in(module_database_url) as storing:
        happenings = Happenings(storing, SEED)
        happenings.happen(60)
        storing.clock.pass_time(timedelta(hours=3))
        happenings.happen(60)
        for state in State:
            _go_orderly(storing, state)
        _tell_profiles(storing)
    published = "UPDATE outbox SET published_at = clock_timestamp()"
    engine = make_engine(module_database_url, connections=1)
    with engine.begin() as connection:
        connection.execute(sa.text(published))
    engine.dispose()
    return module_database_url


def _tell_profiles(storing: Storing) -> None:
    encoder = ProtobufProfileEncoder()
    while Knowing(storing.storage, storing.clock).look():
        pass
    while Profiling(storing.storage, encoder, storing.clock).tell():
        pass


def _go_orderly(storing: Storing, state: State) -> None:
    """Bring an order to a state, on the usual way."""
    ref, at = OrderRef("orderly", state.value), storing.clock()
    for minute, kind in enumerate(WAY_TO[state]):
        given = {"customer": "c-orderly"} if kind is FactKind.ORDER_CREATED else {}
        storing.tell(
            a_fact(
                kind,
                fact_id=f"orderly-{state.value}-{minute}",
                ref=ref,
                occurred_at=at - timedelta(minutes=10 - minute),
                **given,
            )
        )


@pytest.fixture
def at_will(servers: EmbeddedServers, busy: str) -> Iterator[sa.Connection]:
    """A transaction of one who may do everything; all of it is undone."""
    url = sa.make_url(servers.admin_url).set(database=sa.make_url(busy).database)
    engine = make_engine(url.render_as_string(hide_password=False), connections=1, as_owner=True)
    with engine.connect() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield connection
        connection.rollback()
    engine.dispose()


def seen_by(connection: sa.Connection) -> list[Violation]:
    """Look at everything as this transaction sees it."""

    @contextmanager
    def within() -> Iterator[sa.Connection]:
        yield connection

    tally = Tally()
    for page in pages(PostgresAudit(within, topics=NAMES)):
        tally.take(page.findings)
    return list(tally.violations)


def test_a_busy_world_violates_nothing_and_everything_was_looked_at(busy: str) -> None:
    assert_clean(busy)

    looked = {each.invariant: each.checked for each in findings(busy)}
    assert looked.keys() == set(QUERIED)
    assert min(looked.values()) > 0, f"seed {SEED}: {looked}"


def test_where_a_relay_ran_one_shard_tells_of_changes_that_never_came_into_the_outbox(
    at_will: sa.Connection,
) -> None:
    changed = at_will.execute(
        sa.text(
            "SELECT DISTINCT order_id FROM journal"
            " WHERE recorded_at BETWEEN now() - interval '50 minutes' AND now()"
        )
    ).scalars()
    # A relay has had the lower half of the shards, and nobody the upper half.
    half = SHARDS // 2
    at_will.execute(
        sa.text(
            "INSERT INTO relay_epochs (shard, epoch, owner)"
            " SELECT shard, 1, 'a relay' FROM generate_series(0, :last) AS shard"
        ),
        {"last": half - 1},
    )
    told = {each: shard_of(each) == KEPT_SHARD or shard_of(each) >= half for each in changed}
    # A few: findings name the first of many.
    seen, unseen = ([each for each in told if told[each] is kind][:3] for kind in (True, False))
    assert seen, f"seed {SEED} has no such order"
    at_will.execute(
        sa.text("DELETE FROM outbox WHERE topic = 'concord.orders.v1' AND key = ANY(:lost)"),
        {"lost": seen + unseen},
    )

    found = seen_by(at_will)

    assert {(each.invariant, each.subject) for each in found} == {("I7", each) for each in seen}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_by_hand_is_named(name: str, at_will: sa.Connection) -> None:
    broken = BREAKS[name]
    picked = at_will.execute(sa.text(broken.pick)).first()
    assert picked is not None, f"seed {SEED} has nobody for this"

    for statement in broken.statements:
        done = at_will.exec_driver_sql(statement.format(*picked))
        assert done.rowcount != 0, statement

    found = seen_by(at_will)
    assert {each.invariant for each in found} == broken.violates, found
    assert {each.subject for each in found} == {picked[0]}, found


def test_every_invariant_that_a_query_tells_was_broken() -> None:
    assert {each for one in BREAKS.values() for each in one.violates} == set(QUERIED)


def test_traffic_beside_the_check_never_looks_like_a_violation(database_url: str) -> None:
    stop = threading.Event()

    def write(seed: int) -> None:
        with storing_in(database_url) as storing:
            storing.clock.at = datetime.now(UTC)
            happenings = Happenings(storing, seed)
            while not stop.is_set():
                happenings.happen(5)

    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(write, SEED + each) for each in range(3)]
        try:
            wrong = [violations(database_url, lateness=NOBODY_PUBLISHES) for _ in range(12)]
        finally:
            stop.set()
        for each in writers:
            each.result(60)

    assert wrong == [[]] * 12, f"seeds from {SEED}"
    checked = {each.invariant: each.checked for each in findings(database_url)}
    assert checked["I4"] > 20, "there was no traffic"
