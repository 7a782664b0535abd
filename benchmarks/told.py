"""What sources tell, as messages: receipts of orders, and the readings of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as intake_pb
from concord.orders.v1 import order_service_pb2 as orders_pb

SUBMIT: Final = "/concord.intake.v1.IntakeService/SubmitReceipts"
APPLY: Final = "/concord.intake.v1.IntakeService/ApplyFacts"
CONFIRM: Final = "/concord.orders.v1.OrderService/ConfirmPayment"
EMPTY: Final = "/grpc.health.v1.Health/Check"

# As an order's first three facts come: made, about to be paid, paid.
KINDS: Final = (
    fact_pb2.Fact.KIND_ORDER_CREATED,
    fact_pb2.Fact.KIND_PAYMENT_STARTED,
    fact_pb2.Fact.KIND_PAYMENT_SUCCEEDED,
)
TOTAL_UNITS: Final = 88
# 2026-11-22, so that rows are the same in every run.
BEGAN_S: Final = 1_795_305_600


def receipts(names: Sequence[str], kind: int) -> list[receipt_pb2.Receipt]:
    """Return what the shop sends of each of these orders."""
    return [
        receipt_pb2.Receipt(
            source="douyin",
            message_id=f"{name}-{kind}",
            template="concord.event",
            channel="douyin",
            body=_body(name, kind),
            content_type="application/json",
            order_hint=name,
            receive_time=Timestamp(seconds=BEGAN_S + kind),
        )
        for name in names
    ]


def reading(receipt: str, name: str, kind: fact_pb2.Fact.Kind.ValueType) -> intake_pb.Reading:
    """Return what such a receipt means."""
    fact = fact_pb2.Fact(
        fact_id=f"{name}-{kind}",
        kind=kind,
        source="douyin",
        channel="douyin",
        occurred_time=Timestamp(seconds=BEGAN_S + kind),
    )
    fact.ref.namespace, fact.ref.value = "douyin", name
    if kind != fact_pb2.Fact.KIND_PAYMENT_STARTED:
        fact.amount.currency_code, fact.amount.units = "CNY", TOTAL_UNITS
    if kind == fact_pb2.Fact.KIND_ORDER_CREATED:
        fact.lines.add(sku="tee", quantity=2)
    return intake_pb.Reading(receipt=receipt, facts=[fact])


def confirmation(order_id: str) -> bytes:
    """Return a request that confirms the payment of an order."""
    request = orders_pb.ConfirmPaymentRequest(
        name=f"orders/{order_id}", request_id=request_id(order_id), voucher=f"pay-{order_id}"
    )
    request.amount.currency_code, request.amount.units = "CNY", TOTAL_UNITS
    return request.SerializeToString()


def request_id(order_id: str) -> str:
    """Return the request id of the confirmation of an order."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, order_id))


def submissions(batches: Sequence[Sequence[receipt_pb2.Receipt]]) -> list[bytes]:
    """Return requests that submit receipts."""
    return [intake_pb.SubmitReceiptsRequest(receipts=each).SerializeToString() for each in batches]


def applications(batches: Sequence[Sequence[intake_pb.Reading]]) -> list[bytes]:
    """Return requests that apply what receipts mean."""
    return [intake_pb.ApplyFactsRequest(readings=each).SerializeToString() for each in batches]


def parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Cut names into batches."""
    for begin in range(0, len(names), size):
        yield names[begin : begin + size]


def _body(name: str, kind: int) -> bytes:
    """Return some 300 bytes, as an event of a shop has them."""
    event = {
        "order": {"namespace": "douyin", "value": name},
        "kind": kind,
        "occurred_at": "2026-11-22T08:00:00+08:00",
        "amount": {"currency": "CNY", "value": f"{TOTAL_UNITS}.00"},
        "lines": [{"sku": "tee", "quantity": 2, "price": "44.00"}],
        "buyer": uuid.uuid5(uuid.NAMESPACE_OID, name).hex,
        "note": "gift, please wrap",
    }
    return json.dumps(event).encode()
