"""Wrong input of every kind: a typed refusal or a kept receipt, and never a stack trace."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from hypothesis import given, settings
from hypothesis import strategies as st

from concord.cases.v1 import case_service_pb2 as cases
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as intake
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders
from tests.integration.service.world import Refused, Service, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
METHOD = "/concord.orders.v1.OrderService/"
NOON = Timestamp(seconds=1_795_262_400)


def an_order(**given: object) -> order_pb2.Order:
    values: dict[str, Any] = {
        "channel": "douyin",
        "refs": [order_pb2.OrderRef(namespace="douyin", value=str(uuid.uuid4()))],
        "total": Money(currency_code="CNY", units=9),
    }
    return order_pb2.Order(**{**values, **given})


def create(**given: object) -> Callable[[Service], object]:
    return lambda service: service.orders.CreateOrder(
        orders.CreateOrderRequest(order=an_order(**given))
    )


def a_receipt(**given: object) -> receipt_pb2.Receipt:
    values: dict[str, Any] = {
        "source": "douyin", "template": "t", "body": uuid.uuid4().bytes, "channel": "douyin",
    }  # fmt: skip
    return receipt_pb2.Receipt(**{**values, **given})


def submit(*receipts: receipt_pb2.Receipt) -> Callable[[Service], object]:
    return lambda service: service.intake.SubmitReceipts(
        intake.SubmitReceiptsRequest(receipts=receipts)
    )


def a_fact(**given: object) -> fact_pb2.Fact:
    values: dict[str, Any] = {
        "fact_id": str(uuid.uuid4()),
        "kind": fact_pb2.Fact.KIND_NOTED,
        "ref": order_pb2.OrderRef(namespace="douyin", value="o-1"),
        "source": "douyin",
        "occurred_time": NOON,
    }
    return fact_pb2.Fact(**{**values, **given})


def apply(*facts: fact_pb2.Fact, receipt: str = "receipts/rcp-1") -> Callable[[Service], object]:
    return lambda service: service.intake.ApplyFacts(
        intake.ApplyFactsRequest(readings=[intake.Reading(receipt=receipt, facts=facts)])
    )


def call(name: str, request: object) -> Callable[[Service], object]:
    stub, method = name.split(".")
    return lambda service: getattr(getattr(service, stub), method)(request)


WRONG: dict[str, tuple[Callable[[Service], object], str]] = {
    "money below zero": (create(total=Money(currency_code="CNY", units=-1)), "order.total"),
    "half a cent": (create(total=Money(currency_code="CNY", nanos=5)), "order.total.nanos"),
    "money beyond storage": (create(total=Money(currency_code="CNY", units=2**62)), "order.total"),
    "no currency": (create(total=Money(units=1)), "order.total.currency_code"),
    "two currencies": (
        create(list_total=Money(currency_code="USD", units=1)), "order.list_total"),
    "an order of the year 2199": (
        create(place_time=Timestamp(seconds=7_258_000_000)), "order.place_time"),
    "an order of before 1970": (create(place_time=Timestamp(seconds=-1)), "order.place_time"),
    "a time in microseconds": (
        create(place_time=Timestamp(seconds=1_795_262_400_000_000)), "order.place_time"),
    "no reference": (create(refs=[]), "order.refs"),
    "too many references": (
        create(refs=[order_pb2.OrderRef(namespace="n", value=str(n)) for n in range(21)]),
        "order.refs"),
    "a channel that is no word": (create(channel="Dou Yin"), "order.channel"),
    "a NUL in a name": (
        create(refs=[order_pb2.OrderRef(namespace="douyin", value="a\0")]), "order.refs[0].value"),
    "no pieces": (
        create(lines=[order_pb2.OrderLine(sku="s", quantity=0)]), "order.lines[0].quantity"),
    "pieces below zero": (
        create(lines=[order_pb2.OrderLine(sku="s", quantity=-1)]), "order.lines[0].quantity"),
    "a customer of 5 MB": (create(customer="x" * 5_000_000), "order.customer"),
    "no receipts": (submit(), "receipts"),
    "too many receipts": (submit(*(a_receipt() for _ in range(1_001))), "receipts"),
    "an empty body": (submit(a_receipt(body=b"")), "receipts[0].body"),
    "a body of 5 MB": (submit(a_receipt(body=bytes(5_000_000))), "receipts[0].body"),
    "a body of one byte too many": (
        submit(a_receipt(body=bytes((1 << 20) + 1))), "receipts[0].body"),
    "a source that is no word": (submit(a_receipt(source="Dou Yin")), "receipts[0].source"),
    "no template": (submit(a_receipt(template="")), "receipts[0].template"),
    "one bad receipt among good ones": (
        submit(*(a_receipt() for _ in range(9)), a_receipt(source="")), "receipts[9].source"),
    "too many readings": (
        call("intake.ApplyFacts", intake.ApplyFactsRequest(
            readings=[intake.Reading(receipt="receipts/r")] * 1_001)), "readings"),
    "a reading of no receipt": (apply(receipt="orders/1"), "readings[0].receipt"),
    "a fact of no kind": (apply(a_fact(kind=0)), "readings[0].facts[0].kind"),
    "a fact without a time": (
        apply(a_fact(occurred_time=None)), "readings[0].facts[0].occurred_time"),
    "a fact from before 1970": (
        apply(a_fact(occurred_time=Timestamp(seconds=-10**10))),
        "readings[0].facts[0].occurred_time"),
    "a circumstance that nobody knows": (
        apply(a_fact(circumstances=[99])), "readings[0].facts[0].circumstances[0]"),
    "a fact of money below zero": (
        apply(a_fact(amount=Money(currency_code="CNY", units=-1))),
        "readings[0].facts[0].amount"),
    "a rejection for a reason that nobody knows": (
        call("intake.ApplyFacts", intake.ApplyFactsRequest(readings=[
            intake.Reading(receipt="receipts/r", rejection=receipt_pb2.Rejection(reason=99))])),
        "readings[0].rejection.reason"),
    "a version of less than nothing": (
        call("intake.ApplyFacts", intake.ApplyFactsRequest(
            readings=[intake.Reading(receipt="receipts/r", template_version=-1)])),
        "readings[0].template_version"),
    "a state that nobody knows": (
        call("orders.ListOrders", orders.ListOrdersRequest(states=[99])), "states[0]"),
    "the state of nothing": (
        call("orders.ListOrders", orders.ListOrdersRequest(states=[0])), "states[0]"),
    "a page of less than nothing": (
        call("orders.ListOrders", orders.ListOrdersRequest(page_size=-1)), "page_size"),
    "an outcome that nobody knows": (
        call("intake.ListReceipts", intake.ListReceiptsRequest(outcome=99)), "outcome"),
    "a retry for a reason that nobody knows": (
        call("intake.RetryReceipts", intake.RetryReceiptsRequest(rejected_for=99)),
        "rejected_for"),
    "a name of something else": (
        call("orders.GetOrder", orders.GetOrderRequest(name="cases/1")), "name"),
    "no name at all": (call("orders.GetOrder", orders.GetOrderRequest()), "name"),
    "a journal from before its begin": (
        call("orders.ListJournal", orders.ListJournalRequest(name="orders/o", after_sequence=-1)),
        "after_sequence"),
    "a request id that is no UUID": (
        call("orders.CancelOrder", orders.CancelOrderRequest(name="orders/o", request_id="1")),
        "request_id"),
    "a refund of nothing": (
        call("orders.RequestRefund", orders.RequestRefundRequest(
            name="orders/o", voucher="v", amount=Money(currency_code="CNY"))), "amount"),
    "a shipment without a waybill": (
        call("orders.ShipOrder", orders.ShipOrderRequest(name="orders/o")), "voucher"),
    "a hold for no reason": (
        call("orders.PlaceHold", orders.PlaceHoldRequest(name="orders/o")), "hold_reason"),
    "a reason of 5 MB": (
        call("orders.CancelOrder", orders.CancelOrderRequest(
            name="orders/o", reason="x" * 5_000_000)), "reason"),
    "a case of a type that nobody knows": (
        lambda service: service.cases.OpenCase(cases.OpenCaseRequest(
            order=service.create().name, type="NO_SUCH_TYPE")), "type"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_it_is_refused_by_field(name: str, service: Service) -> None:
    act, field = WRONG[name]

    told = refused(lambda: act(service))

    assert (told.code, told.reason) == (INVALID, "INVALID_REQUEST")
    assert field in told.fields
    assert field in told.metadata["fields"].split(",")


def test_a_thousand_wrong_fields_are_refused_like_one(service: Service) -> None:
    wrong = submit(*(a_receipt(source="X", body=b"") for _ in range(1_000)))

    told = refused(lambda: wrong(service))

    assert told.reason == "INVALID_REQUEST"
    assert "receipts[0].source" in told.fields


@pytest.mark.parametrize("token", ["nonsense", "W10", "\N{SNOWMAN}" * 9, "A" * 100_000])
@pytest.mark.parametrize("method", ["orders.ListOrders", "intake.ListReceipts", "cases.ListCases"])
def test_a_token_that_is_not_ours_is_refused(service: Service, method: str, token: str) -> None:
    stub, name = method.split(".")
    kinds = {
        "ListOrders": orders.ListOrdersRequest,
        "ListReceipts": intake.ListReceiptsRequest,
        "ListCases": cases.ListCasesRequest,
    }

    told = refused(lambda: getattr(getattr(service, stub), name)(kinds[name](page_token=token)))

    assert (told.code, told.reason) == (INVALID, "CURSOR_INVALID")


def raw(service: Service, method: str, body: bytes, timeout: float = 10) -> bytes:
    """Send bytes as they are, whatever they are."""
    plain = service.channel.unary_unary(METHOD + method)
    answer: bytes = plain(body, timeout=timeout)
    return answer


# Field 1 is a text; these bytes are no UTF-8, and the last ones are no message.
BROKEN = {
    "bad UTF-8": b"\x0a\x04\xff\xfe\xfd\xfc",
    "half of a character": b"\x0a\x02\xe6\xb1",
    "a surrogate": b"\x0a\x03\xed\xa0\x80",
    "a length beyond the end": b"\x0a\xff\xff\xff\x7f",
    "a tag of nothing": b"\x00\x00",
    "a wrong wire type": b"\x0f",
    "a text": b"POST / HTTP/1.1",
}


@pytest.mark.parametrize("name", BROKEN)
def test_bytes_that_are_no_message_are_refused(service: Service, name: str) -> None:
    told = refused(lambda: raw(service, "GetOrder", BROKEN[name]))

    assert (told.code, told.reason) == (INVALID, "INVALID_REQUEST")
    assert told.fields == ("request",)


def test_a_stream_of_bytes_that_are_no_message_is_refused(service: Service) -> None:
    upload = service.channel.stream_unary("/concord.intake.v1.IntakeService/StreamReceipts")
    good = intake.StreamReceiptsRequest(receipts=[a_receipt()]).SerializeToString()

    told = refused(lambda: upload(iter([good, b"\x0a\xff\xff\xff\x7f"]), timeout=10))

    assert told.reason == "INVALID_REQUEST"


@settings(max_examples=60)
@given(body=st.binary(max_size=60))
def test_any_bytes_at_all_get_an_answer_or_a_refusal(service: Service, body: bytes) -> None:
    for method in ("GetOrder", "CreateOrder", "CancelOrder", "ListOrders"):
        assert answer_or_code(service, method, body) in {None, INVALID, grpc.StatusCode.NOT_FOUND}


def answer_or_code(service: Service, method: str, body: bytes) -> grpc.StatusCode | None:
    """Return None for an answer, or the code of the refusal."""
    try:
        raw(service, method, body)
    except grpc.RpcError as error:
        return error.code()  # type: ignore[attr-defined]
    return None


def test_a_message_larger_than_any_is_refused_by_its_size(service: Service) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        submit(a_receipt(body=bytes(17 << 20)))(service)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]


def test_a_kind_of_a_newer_contract_is_kept_as_a_note(service: Service) -> None:
    receipt = keep(service, b"{}" + uuid.uuid4().bytes)

    applied = apply(a_fact(kind=77), receipt=receipt)(service).applied[0]  # type: ignore[attr-defined]

    assert applied.outcome == fact_pb2.OUTCOME_EARLY


def keep(service: Service, body: bytes, **given: object) -> str:
    """Submit a receipt that must be kept, and return its name."""
    answer = submit(a_receipt(body=body, **given))(service)
    name: str = answer.submitted[0].receipt  # type: ignore[attr-defined]
    kept = service.intake.GetReceipt(intake.GetReceiptRequest(name=name))
    assert kept.body == body
    return name


KEPT: dict[str, dict[str, Any]] = {
    "truncated JSON": {"body": b'{"id": "evt-1", "order": {"value": "47052'},
    "bytes that are no text": {"body": bytes(range(256))},
    "a channel that nobody knows": {"channel": "no_such_channel"},
    "a template that nobody knows": {"template": "no.such.template"},
    "a source that nobody knows": {"source": "no_such_source"},
    "1 MiB to the byte": {"body": bytes(1 << 20)},
    "a time of 1970": {"receive_time": Timestamp(seconds=1)},
    "nothing but a space": {"body": b" "},
}


@pytest.mark.parametrize("name", KEPT)
def test_a_receipt_that_makes_no_sense_is_kept(name: str, service: Service) -> None:
    given = {"body": uuid.uuid4().bytes, **KEPT[name]}

    receipt = keep(service, **given)

    listed = service.intake.ListReceipts(intake.ListReceiptsRequest(waiting=True, page_size=500))
    assert receipt in {each.name for each in listed.receipts}


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-6])
def test_a_deadline_that_is_over_gets_nothing_done(service: Service, seconds: float) -> None:
    order = service.create()
    request = orders.CancelOrderRequest(name=order.name, request_id=str(uuid.uuid4()))

    with pytest.raises(grpc.RpcError) as raised:
        service.orders.CancelOrder(request, timeout=seconds)

    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]
    assert service.journal(order.name) == [1]
    assert service.orders.CancelOrder(request).state == order_pb2.Order.STATE_CANCELLED


def test_a_call_whose_order_is_locked_ends_at_its_deadline_and_can_be_repeated(
    service: Service, engine: sa.Engine
) -> None:
    order = service.create()
    request = orders.CancelOrderRequest(name=order.name, request_id=str(uuid.uuid4()))
    with engine.begin() as connection:
        connection.execute(
            sa.text("SELECT 1 FROM orders WHERE order_id = :id FOR UPDATE"),
            {"id": order.name.removeprefix("orders/")},
        )
        with pytest.raises(grpc.RpcError) as raised:
            service.orders.CancelOrder(request, timeout=0.3)

    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]
    assert service.orders.CancelOrder(request).state == order_pb2.Order.STATE_CANCELLED
    assert service.journal(order.name) == [1, 2]


def test_a_method_that_is_not_there_is_unimplemented(service: Service) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        raw(service, "DropOrder", b"")

    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the process wrote to its terminal so far."""
    return lambda: "".join(capfd.readouterr())


def test_wrong_input_leaves_no_stack_trace_behind(
    service: Service, said: Callable[[], str]
) -> None:
    told: list[Refused] = [refused(lambda act=act: act(service)) for act, _ in WRONG.values()]
    for body in BROKEN.values():
        told.append(refused(lambda body=body: raw(service, "GetOrder", body)))

    assert "Traceback" not in said()
    assert {each.reason for each in told} == {"INVALID_REQUEST"}
