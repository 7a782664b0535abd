"""Callers who create orders without pause, each call repeated by its request id until answered."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import grpc
import psycopg2

from concord.orders.v1 import order_pb2, order_service_pb2_grpc
from concord.orders.v1 import order_service_pb2 as pb

# What a caller is told of a server that cannot do its part. Anything else is a failure.
OUTAGES: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
DEADLINE_S: Final = 10.0
# Far longer than a call may take: whoever is not back by then hangs.
BACK_WITHIN_S: Final = 60.0
PAUSE_S: Final = 0.05


@dataclass
class Callers:
    """Some callers; what they were told is kept."""

    address: str
    count: int = 4
    # By reference of the order: the order that the caller was told of.
    acknowledged: dict[str, order_pb2.Order] = field(default_factory=dict)
    refused: Counter[grpc.StatusCode] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._is_failed = False
        self._channel = grpc.insecure_channel(self.address)
        self._stub = order_service_pb2_grpc.OrderServiceStub(self._channel)
        self._threads = [threading.Thread(target=self._run) for _ in range(self.count)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._is_failed = error is not None
        deadline = time.monotonic() + BACK_WITHIN_S
        for each in self._threads:
            each.join(max(0.0, deadline - time.monotonic()))
        hanging = sum(each.is_alive() for each in self._threads)
        self._channel.close()
        assert not hanging, f"{hanging} of {self.count} callers hang"

    def _run(self) -> None:
        while not self._over.wait(PAUSE_S):
            name = str(uuid.uuid4())
            while not self._create(name) and not self._is_failed:
                # Also when all is over: whoever was not answered asks until there is an answer.
                threading.Event().wait(PAUSE_S)

    def _create(self, name: str) -> bool:
        order = order_pb2.Order(
            channel="douyin", refs=[order_pb2.OrderRef(namespace="douyin", value=name)]
        )
        order.total.currency_code, order.total.units = "CNY", 99
        try:
            self.acknowledged[name] = self._stub.CreateOrder(
                pb.CreateOrderRequest(order=order, request_id=name), timeout=DEADLINE_S
            )
        except grpc.RpcError as error:
            self.refused[error.code()] += 1  # type: ignore[attr-defined]  # a client's error is a call
            if error.code() not in OUTAGES:  # type: ignore[attr-defined]  # as above
                self.unexpected.append(str(error))
                return True
            return False
        return True


def assert_told_the_truth(callers: Callers, database_url: str) -> None:
    """Fail unless each order that a caller was told of is there once, and no other one is."""
    assert not callers.unexpected, callers.unexpected[:3]
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT value, order_id, sequence FROM order_refs JOIN orders USING (order_id)"
            " WHERE namespace = 'douyin'"
        )
        stored = {value: (f"orders/{order}", number) for value, order, number in cursor}
    connection.close()
    told = {value: (each.name, each.sequence) for value, each in callers.acknowledged.items()}
    assert told == stored
