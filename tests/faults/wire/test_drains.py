"""A service that is told to end answers who is there, sends on who comes, and loses nothing."""

from __future__ import annotations

import signal
import threading
import uuid
from pathlib import Path

import grpc
import pytest

from benchmarks.processes import service as start_service
from concord.orders.v1 import order_pb2, order_service_pb2_grpc
from concord.orders.v1 import order_service_pb2 as pb
from deploy.local.stack import EmbeddedServers
from service.postgres.engine import make_engine
from tests.faults.wire.acts import ALL
from tests.faults.wire.world import views_of
from tests.integration.relay.world import wait_until
from tests.integration.service.world import free_port

CALLERS = 8
pytestmark = pytest.mark.long
WARM = 100
ENDS = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


class Caller(threading.Thread):
    """Creates orders, one after another, until somebody says no."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.told: list[str] = []
        self.end: grpc.StatusCode | None = None
        self._address = address

    def run(self) -> None:
        with grpc.insecure_channel(self._address) as channel:
            stub = order_service_pb2_grpc.OrderServiceStub(channel)
            while self.end is None:
                tag = str(uuid.uuid4())
                ref = order_pb2.OrderRef(namespace="douyin", value=tag)
                order = order_pb2.Order(channel="douyin", refs=[ref], total=ALL)
                try:
                    stub.CreateOrder(pb.CreateOrderRequest(order=order, request_id=tag), timeout=10)
                except grpc.RpcError as error:
                    self.end = error.code()
                else:
                    self.told.append(tag)


def test_a_service_told_to_end_under_load_loses_nothing_that_it_acknowledged(
    database_url: str, servers: EmbeddedServers, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    running = start_service(tmp_path, address, database_url, views_of(servers))
    running.until_ready()
    callers = [Caller(address) for _ in range(CALLERS)]
    for each in callers:
        each.start()
    wait_until(lambda: sum(len(each.told) for each in callers) > WARM, what="traffic", within_s=60)

    running.process.send_signal(signal.SIGTERM)
    code = running.process.wait(60)
    for each in callers:
        each.join(60)

    assert code == 0, running.log.read_text()
    # Whoever is still being served at the end of the grace is cut off, and knows no more than that.
    assert {each.end for each in callers} <= ENDS
    told = {tag for each in callers for tag in each.told}
    engine = make_engine(database_url, connections=1)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT value FROM order_refs JOIN orders USING (order_id) JOIN outbox"
            " ON key = order_id AND topic = 'concord.orders.v1' WHERE namespace = 'douyin'"
        )
        stored = [row.value for row in rows]
    engine.dispose()
    assert told <= set(stored), "acknowledged, and lost"
    assert len(stored) == len(set(stored)), "done twice"
