"""A service has a wrong clock, and it jumps, or its local time does: no lease ends early."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import psycopg2
import pytest

from benchmarks.processes import Running, free_address
from concord.cases.v1 import case_service_pb2 as cases_pb
from concord.cases.v1 import case_service_pb2_grpc
from concord.orders.v1 import order_pb2, order_service_pb2_grpc
from concord.orders.v1 import order_service_pb2 as pb
from concord.probes.v1 import probe_service_pb2 as probes_pb
from concord.probes.v1 import probe_service_pb2_grpc
from tests.faults.hosts.shifted import OFF_BY
from tests.faults.hosts.world import Host

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

JUMPS = [timedelta(days=1), timedelta(hours=-1), timedelta(minutes=5), timedelta(minutes=-5)]
# Who asks for whom: orders of this channel are paid through Alipay.
ROUTES = {"CONCORD_CHANNEL_ROUTES": "mini=alipay:alipay-main"}
LEASE_S = 60
# A service is ready by then; and its lease lasts over it, however late it was.
NIGHT_IN = timedelta(seconds=90)
LEASE_OVER_NIGHT_S = 120
# The clockwork does eight things each second, and each is a transaction.
TRANSACTIONS_OF_THREE_TICKS = 24


class Wrong:
    """A service whose clock is off."""

    def __init__(self, host: Host, file: Path) -> None:
        self._file = file
        self.set(timedelta(days=1))
        self.service = host.start_service(
            "tests.faults.hosts.shifted",
            CONCORD_SERVICE_ADDRESS=free_address(),
            **{OFF_BY: str(file)},
            **ROUTES,
        )
        self.service.until_ready()

    def set(self, off: timedelta) -> None:
        """Set the clock on its wall."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(str(off.total_seconds()))
        draft.rename(self._file)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Host]:
    """Processes of the test's own; a wrong clock needs no namespaces."""
    with Host(tmp_path) as made:
        made.start_servers()
        yield made


def create(service: Running) -> order_pb2.Order:
    """Create an order that waits for money, which somebody is to ask Alipay about."""
    name = str(uuid.uuid4())
    order = order_pb2.Order(
        channel="mini",
        refs=[
            order_pb2.OrderRef(namespace="mini", value=name),
            order_pb2.OrderRef(namespace="merchant", value=f"M{name}"),
        ],
    )
    order.total.currency_code, order.total.units = "CNY", 99
    with grpc.insecure_channel(service.address) as channel:
        stub = order_service_pb2_grpc.OrderServiceStub(channel)
        created: order_pb2.Order = stub.CreateOrder(
            pb.CreateOrderRequest(order=order, request_id=name), timeout=10
        )
        return created


def claim(service: Running, lease_s: int = LEASE_S) -> list[str]:
    """Claim what is due."""
    with grpc.insecure_channel(service.address) as channel:
        claimed = probe_service_pb2_grpc.ProbeServiceStub(channel).ClaimProbes(
            probes_pb.ClaimProbesRequest(worker="w", limit=10, lease_s=lease_s), timeout=10
        )
        return [each.name for each in claimed.probes]


def ask_now(service: Running, order: order_pb2.Order) -> None:
    """Make the order's probes due."""
    with grpc.insecure_channel(service.address) as channel:
        probe_service_pb2_grpc.ProbeServiceStub(channel).RunProbes(
            probes_pb.RunProbesRequest(order=order.name), timeout=10
        )


def cases_of(service: Running, order: order_pb2.Order) -> list[str]:
    """Return the types of the order's cases."""
    with grpc.insecure_channel(service.address) as channel:
        listed = case_service_pb2_grpc.CaseServiceStub(channel).ListCases(
            cases_pb.ListCasesRequest(order=order.name), timeout=10
        )
        return [each.type for each in listed.cases]


def test_a_lease_ends_for_everybody_at_the_same_moment(machines: Host, tmp_path: Path) -> None:
    right = machines.start_service(**ROUTES)
    right.until_ready()
    wrong = Wrong(machines, tmp_path / "off")

    for one, other in ((right, wrong.service), (wrong.service, right)):
        order = create(one)
        ask_now(one, order)
        assert len(claim(one)) == 1
        for jump in JUMPS:
            wrong.set(jump)
            assert claim(other) == claim(one) == [], jump


def test_a_deadline_is_neither_early_nor_late(machines: Host, tmp_path: Path) -> None:
    wrong = Wrong(machines, tmp_path / "off")
    wrong.set(timedelta())
    order = create(wrong.service)

    for jump in JUMPS:
        wrong.set(jump)
        after = transactions(machines) + TRANSACTIONS_OF_THREE_TICKS
        machines.eventually(lambda least=after: transactions(machines) > least, "the clockwork", 30)
        assert cases_of(wrong.service, order) == [], jump

    wrong.set(timedelta(hours=-1))
    let_time_pass(machines)
    machines.eventually(lambda: cases_of(wrong.service, order), "the case of the deadline", 15)
    assert cases_of(wrong.service, order) == ["STAGE_OVERDUE"]


@pytest.mark.parametrize("way", ["forward", "back"])
def test_a_night_in_which_clocks_are_set_moves_neither_lease_nor_deadline(
    machines: Host, way: str
) -> None:
    night = datetime.now(UTC) + NIGHT_IN
    service = machines.start_service(TZ=zone(night, way), **ROUTES)
    service.until_ready()
    order = create(service)
    ask_now(service, order)
    assert len(claim(service, LEASE_OVER_NIGHT_S)) == 1
    assert datetime.now(UTC) < night, "the night was over before it began"

    machines.eventually(lambda: datetime.now(UTC) > night, "the night", 2 * NIGHT_IN.seconds)
    after = transactions(machines) + TRANSACTIONS_OF_THREE_TICKS
    machines.eventually(lambda: transactions(machines) > after, "the clockwork", 30)
    assert claim(service) == []
    assert cases_of(service, order) == []

    machines.eventually(lambda: claim(service), "the end of the lease", LEASE_OVER_NIGHT_S + 30)


def zone(night: datetime, way: str) -> str:
    """Return a time zone whose clocks are set by an hour at this moment, in the words of POSIX."""
    # Winter there is UTC. A rule tells the time that clocks show before they are set.
    summer = timedelta(hours=1) if way == "back" else timedelta()
    shown = night + summer
    half_a_year_on = shown + timedelta(days=180)
    days = [(each.timetuple().tm_yday - 1, each) for each in (shown, half_a_year_on)]
    rules = [f"{day}/{each:%H:%M:%S}" for day, each in days]
    begin, end = rules if way == "forward" else reversed(rules)
    return f"WINTER0SUMMER-1,{begin},{end}"


def transactions(host: Host) -> int:
    """Return how many transactions there were on the database."""
    ((count,),) = host.rows(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(str(count))


def let_time_pass(host: Host) -> None:
    """Have every deadline be over, as if hours had passed."""
    with psycopg2.connect(host.servers.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE timers SET due_at = clock_timestamp()")
    connection.close()
