"""What the service's tests hold in their hands: intake over PostgreSQL, stubs, refusals."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.application.intake import Applied, Intake, Reading
from service.application.ports import NewReceipt
from service.domain.facts import Fact
from service.kafka.encoding import ProtobufEncoder
from service.postgres.reader import PostgresReader
from service.postgres.storage import PostgresStorage
from tests.builders import NOON
from tests.fakes import FakeClock


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Storing:
    """The use cases of intake over PostgreSQL."""

    storage: PostgresStorage
    reader: PostgresReader
    clock: FakeClock

    @property
    def intake(self) -> Intake:
        return Intake(self.storage, ProtobufEncoder(), self.clock)

    def submit(self, count: int = 1) -> list[str]:
        """Submit receipts that nobody else submits, and return their ids."""
        receipts = [
            NewReceipt(
                "douyin", str(uuid.uuid4()), "t", "douyin", b"{}", "", NOON, "", "127.0.0.1", ""
            )
            for _ in range(count)
        ]
        return [each.receipt_id for each in self.intake.submit(receipts)]

    def tell(self, *facts: Fact) -> Applied:
        """Apply facts, all of one receipt."""
        return self.intake.apply([Reading(self.submit()[0], facts)])[0]

    def tell_each(self, facts: Sequence[Fact]) -> list[Applied]:
        """Apply facts, each of a receipt of its own, in one batch and in this order."""
        receipts = self.submit(len(facts))
        readings = [
            Reading(receipt, (fact,)) for receipt, fact in zip(receipts, facts, strict=True)
        ]
        return self.intake.apply(readings)


@dataclass(frozen=True)
class Service:
    """Stubs of a running service."""

    channel: grpc.Channel
    orders: Any
    intake: Any
    cases: Any
    address: str = ""

    def create(self, **given: object) -> order_pb2.Order:
        """Create an order of a fresh reference."""
        order = order_pb2.Order(
            channel="douyin",
            refs=[order_pb2.OrderRef(namespace="douyin", value=str(uuid.uuid4()))],
            **given,
        )
        order.total.currency_code, order.total.units = "CNY", 99
        created: order_pb2.Order = self.orders.CreateOrder(
            pb.CreateOrderRequest(order=order, request_id=str(uuid.uuid4())), timeout=10
        )
        return created

    def journal(self, name: str) -> list[int]:
        """Return the numbers in an order's journal."""
        page = self.orders.ListJournal(pb.ListJournalRequest(name=name, page_size=1000))
        assert not page.next_page_token
        return [each.sequence for each in page.entries]


@dataclass(frozen=True)
class Refused:
    """A refusal as a caller sees it."""

    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str]
    fields: tuple[str, ...]
    text: str


def read_refusal(error: grpc.RpcError) -> Refused:
    """Return what a caller is told; it must be told by exactly one `ErrorInfo`."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # a client's error is a call
    assert status is not None, f"{error.code()} without details: {error.details()}"  # type: ignore[attr-defined]
    infos, fields = [], []
    for packed in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if packed.Unpack(info):
            infos.append(info)
        elif packed.Unpack(bad):
            fields += [each.field for each in bad.field_violations]
    (info,) = infos
    assert info.domain == "concord"
    assert "Traceback" not in status.message
    code = error.code()  # type: ignore[attr-defined]  # as above
    return Refused(code, info.reason, dict(info.metadata), tuple(fields), status.message)


def reason_of(error: grpc.RpcError) -> str:
    """Return the reason of a refusal."""
    return read_refusal(error).reason


def refused(call: Callable[[], object]) -> Refused:
    """Make a call that must be refused, and return the refusal."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return read_refusal(raised.value)
