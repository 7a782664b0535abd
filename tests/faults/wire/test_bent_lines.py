"""Lines that are slow, cut or silent: an answer in time, a true one, and all is well afterwards."""

from __future__ import annotations

import os
import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import grpc
import psycopg2
import psycopg2.extensions
import pytest
import sqlalchemy as sa

from clients.sdk import Concord, OutageError
from clients.sdk.errors import ConcordError
from concord.orders.v1 import order_pb2, order_service_pb2, order_service_pb2_grpc
from deploy.local.stack import EmbeddedServers
from service.telemetry import Telemetry
from tests.faults.proxy import Bend, FaultyProxy, Way
from tests.faults.wire.acts import ALL
from tests.faults.wire.world import hurry_logins, serving
from tests.integration.relay.world import wait_until
from tests.integration.service.world import read_refusal

SEED = os.environ.get("CONCORD_FAULT_SEED", "lines")
# Of a caller who gives up soon; that he is answered by then is what is tested.
PATIENCE_S = 2.0
# Whoever waits longer than that after his deadline was left hanging.
HANGS_S = 20.0
# Of a caller who waits for what the service has to say: ten seconds for a line that was open, and
# three for each of four attempts to open one.
PATIENT_S = 90.0
BACK_WITHIN_S = 15.0
CALLERS = 12


@dataclass
class Lines:
    """A service between two proxies: one to its database, and one to its callers."""

    database: FaultyProxy
    front: FaultyProxy
    concord: Concord
    witness: psycopg2.extensions.connection

    def create(self, tag: str) -> order_pb2.Order:
        """Create the one order of a tag; the tag is the request id, too."""
        return self.concord.orders.create(order_of(tag), request_id=tag)

    def made(self, tag: str) -> tuple[int, int]:
        """Return how many orders of a tag there are, and how many of their changes are told."""
        with self.witness.cursor() as cursor:
            cursor.execute(
                "SELECT count(DISTINCT order_id), count(outbox.id) FROM order_refs"
                " JOIN journal USING (order_id) LEFT JOIN outbox ON key = order_id"
                " AND n = sequence AND topic LIKE '%%orders%%' WHERE value = %s",
                (tag,),
            )
            orders, told = cursor.fetchone() or (0, 0)
        return orders, told

    def await_service(self) -> None:
        """Return when it answers again."""

        def answers() -> bool:
            try:
                self.create(str(uuid.uuid4()))
            except OutageError:
                return False
            return True

        wait_until(answers, what="an answer after all is well again", within_s=BACK_WITHIN_S)


@pytest.fixture(scope="module")
def made(
    module_database_url: str, servers: EmbeddedServers, telemetry: Telemetry
) -> Iterator[Lines]:
    hurry_logins(module_database_url)
    url = sa.make_url(module_database_url)
    with (
        FaultyProxy(url.host or "", url.port or 0) as database,
        serving(module_database_url, database.port, servers, telemetry) as served,
        FaultyProxy(*_place(served.address)) as front,
        Concord(front.address, timeout_s=PATIENCE_S) as concord,
        closing(psycopg2.connect(module_database_url)) as witness,
    ):
        witness.autocommit = True
        yield Lines(database, front, concord, witness)


@pytest.fixture
def lines(made: Lines) -> Iterator[Lines]:
    """The lines, straight before each test and after it."""
    made.await_service()
    yield made
    made.database.heal()
    made.front.heal()


def order_of(tag: str) -> order_pb2.Order:
    """Return the order of a tag."""
    ref = order_pb2.OrderRef(namespace="douyin", value=tag)
    return order_pb2.Order(channel="douyin", refs=[ref], total=ALL)


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def told_in_time(lines: Lines, tags: list[str]) -> list[ConcordError | None]:
    """Let everybody create an order at once; return what each was told, all within time."""
    told: dict[str, ConcordError | None] = {}

    def ask(tag: str) -> None:
        try:
            lines.create(tag)
        except ConcordError as error:
            told[tag] = error
        else:
            told[tag] = None

    callers = [threading.Thread(target=ask, args=(tag,), daemon=True) for tag in tags]
    for each in callers:
        each.start()
    for each in callers:
        each.join(HANGS_S)
    assert told.keys() == set(tags), "somebody hangs"
    return [told[tag] for tag in tags]


def assert_true(lines: Lines, tags: list[str], told: list[ConcordError | None]) -> None:
    """Hold what was told against what is there, then ask again; each order is there once."""
    for tag, error in zip(tags, told, strict=True):
        assert error is None or isinstance(error, OutageError), error
        if error is None:
            assert lines.made(tag) == (1, 1)
    lines.await_service()
    for tag in tags:
        lines.create(tag)
        assert lines.made(tag) == (1, 1)


def test_a_slow_line_to_the_database_slows_and_breaks_nothing(lines: Lines) -> None:
    lines.database.bend(Bend(delay_s=0.005, bytes_per_s=200_000))
    tags = [str(uuid.uuid4()) for _ in range(3)]

    told = told_in_time(lines, tags)

    lines.database.heal()
    assert_true(lines, tags, told)


@pytest.mark.parametrize("line", ["database", "front"])
def test_a_line_cut_at_any_byte_loses_and_doubles_nothing(lines: Lines, line: str) -> None:
    chance = random.Random(f"{SEED} {line}")  # noqa: S311  # which bytes, not a secret
    bent: FaultyProxy = getattr(lines, line)
    tags, told = [], []
    for _ in range(5):
        tag = str(uuid.uuid4())
        bent.bend(Bend(cut_at=chance.randrange(1, 20_000)))
        bent.cut()
        tags.append(tag)
        told += told_in_time(lines, [tag])
        bent.heal()

    print(f"seed {SEED}: {sum(each is None for each in told)} of {len(told)} were told at once")  # noqa: T201  # told where it fails
    assert_true(lines, tags, told)


def test_nobody_hangs_while_the_database_is_silent(lines: Lines) -> None:
    fall_silent(lines, "database", Way.ANSWERS)


@pytest.mark.long
@pytest.mark.parametrize("way", [Way.QUESTIONS, Way.ANSWERS, Way.BOTH], ids=str)
@pytest.mark.parametrize("line", ["database", "front"])
def test_nobody_hangs_on_a_silent_line(lines: Lines, line: str, way: Way) -> None:
    fall_silent(lines, line, way)


def fall_silent(lines: Lines, line: str, way: Way) -> None:
    bent: FaultyProxy = getattr(lines, line)
    bent.bend(Bend(silent=way))
    tags = [str(uuid.uuid4()) for _ in range(CALLERS)]

    told = told_in_time(lines, tags)
    assert not all(each is None for each in told), "the line was not silent"

    bent.heal()
    assert_true(lines, tags, told)


@pytest.mark.long
@pytest.mark.parametrize("line", ["database", "front"])
def test_a_line_that_is_gone_is_told_of_and_found_again(lines: Lines, line: str) -> None:
    bent: FaultyProxy = getattr(lines, line)
    bent.bend(Bend(refuses=True))
    bent.cut()
    tags = [str(uuid.uuid4()) for _ in range(CALLERS)]

    told = told_in_time(lines, tags)
    assert all(isinstance(each, OutageError) for each in told)

    bent.heal()
    assert_true(lines, tags, told)


@pytest.mark.long
def test_calls_beyond_a_silent_database_leave_others_alone(lines: Lines) -> None:
    lines.database.bend(Bend(silent=Way.ANSWERS))
    tags = [str(uuid.uuid4()) for _ in range(CALLERS)]

    told_in_time(lines, tags)
    lifecycle = lines.concord.orders.list_transitions()

    assert lifecycle.transitions
    lines.database.heal()
    lines.await_service()


def reason_told(lines: Lines, tag: str) -> str:
    """Return what the service says to a patient caller, in words of its own."""
    request = order_service_pb2.CreateOrderRequest(order=order_of(tag), request_id=tag)
    with (
        grpc.insecure_channel(lines.front.address) as channel,
        pytest.raises(grpc.RpcError) as error,
    ):
        order_service_pb2_grpc.OrderServiceStub(channel).CreateOrder(request, timeout=PATIENT_S)
    return read_refusal(error.value).reason


@pytest.mark.long
@pytest.mark.parametrize("way", [Way.QUESTIONS, Way.ANSWERS, Way.BOTH], ids=str)
def test_a_silent_database_is_given_up_and_whoever_waits_is_told_why(
    lines: Lines, way: Way
) -> None:
    tags = [str(uuid.uuid4()) for _ in range(CALLERS)]
    lines.create(str(uuid.uuid4()))
    lines.database.bend(Bend(silent=way))

    with ThreadPoolExecutor(CALLERS) as threads:
        told = list(threads.map(lambda tag: reason_told(lines, tag), tags))

    # By the service, whose threads are back: not by a deadline that passed.
    assert set(told) <= {"STORAGE_UNAVAILABLE", "CONTENTION"}, told
    lines.database.heal()
    lines.await_service()
    for tag in tags:
        lines.create(tag)
        assert lines.made(tag) == (1, 1)
