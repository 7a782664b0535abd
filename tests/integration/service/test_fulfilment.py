"""From the payment to the approved outbound by itself and by pick list, over gRPC."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.type.money_pb2 import Money

from concord.fulfilment.v1 import fulfilment_service_pb2 as fulfilment
from concord.fulfilment.v1 import fulfilment_service_pb2_grpc
from concord.intake.v1 import fact_pb2, receipt_pb2
from concord.intake.v1 import intake_service_pb2 as intake
from concord.inventory.v1 import inventory_service_pb2 as inventory
from concord.inventory.v1 import inventory_service_pb2_grpc
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders
from service import bootstrap
from service.application.allocating import Allocating
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.storage import PostgresStorage
from tests.integration.service.world import Service, refused

PRICE = Money(currency_code="CNY", units=99)
PICKER = "Han Meimei"
UNKNOWN: Any = 99


@dataclass(frozen=True)
class Desk:
    """The service with a clockwork, and stubs of its stock and pick lists."""

    service: Service
    inventory: Any
    fulfilment: Any
    clockwork: Allocating

    def settle(self) -> None:
        while self.clockwork.settle_due():
            pass

    def tell(self, *facts: fact_pb2.Fact) -> None:
        """Tell facts as the meaning of a fresh receipt."""
        receipt = receipt_pb2.Receipt(
            source="douyin", template="t", body=uuid.uuid4().bytes, channel="douyin"
        )
        taken = self.service.intake.SubmitReceipts(intake.SubmitReceiptsRequest(receipts=[receipt]))
        reading = intake.Reading(receipt=taken.submitted[0].receipt, facts=facts)
        self.service.intake.ApplyFacts(intake.ApplyFactsRequest(readings=[reading]))

    def paid(self, sku: str, quantity: int = 2) -> order_pb2.Order:
        """Tell of an order and then of its payment, and return it."""
        ref = order_pb2.OrderRef(namespace="douyin", value=str(uuid.uuid4()))
        line = order_pb2.OrderLine(sku=sku, quantity=quantity)
        created = a_fact(fact_pb2.Fact.KIND_ORDER_CREATED, ref, lines=[line], channel="douyin")
        self.tell(created)
        self.tell(a_fact(fact_pb2.Fact.KIND_PAYMENT_SUCCEEDED, ref, voucher=ref.value))
        return self.order(ref)

    def order(self, ref: order_pb2.OrderRef) -> order_pb2.Order:
        found: order_pb2.Order = self.service.orders.GetOrder(orders.GetOrderRequest(ref=ref))
        return found

    def count(self, sku: str, on_hand: int) -> inventory.Stock:
        request = inventory.SetStockRequest(sku=sku, warehouse="bj1", on_hand=on_hand)
        stock: inventory.Stock = self.inventory.SetStock(request)
        return stock

    def lists(self, order: order_pb2.Order) -> list[fulfilment.PickList]:
        request = fulfilment.ListPickListsRequest(order=order.name)
        return list(self.fulfilment.ListPickLists(request).pick_lists)


def a_fact(
    kind: fact_pb2.Fact.Kind.ValueType,
    ref: order_pb2.OrderRef,
    **given: Any,  # noqa: ANN401  # further fields of the message
) -> fact_pb2.Fact:
    fact = fact_pb2.Fact(
        fact_id=str(uuid.uuid4()), kind=kind, ref=ref, source="douyin", amount=PRICE, **given
    )
    fact.occurred_time.FromDatetime(bootstrap.now())
    return fact


@pytest.fixture
def desk(service: Service, engine: sa.Engine) -> Desk:
    clockwork = Allocating(
        PostgresStorage(engine, ProtobufEnvelopes()),
        ProtobufEncoder(),
        bootstrap.now,
        chance=lambda: 0.5,
        pause=lambda _seconds: None,
    )
    return Desk(
        service,
        inventory_service_pb2_grpc.InventoryServiceStub(service.channel),
        fulfilment_service_pb2_grpc.FulfilmentServiceStub(service.channel),
        clockwork,
    )


@pytest.fixture
def sku() -> str:
    return f"sku-{uuid.uuid4()}"


def test_a_payment_leads_to_an_approved_outbound(desk: Desk, sku: str) -> None:
    desk.count(sku, 5)
    order = desk.paid(sku)

    desk.settle()
    (listed,) = desk.lists(order)
    begun = desk.fulfilment.StartPicking(
        fulfilment.StartPickingRequest(name=listed.name, picker=PICKER)
    )
    done = desk.fulfilment.CompletePickList(
        fulfilment.CompletePickListRequest(name=listed.name, request_id=str(uuid.uuid4()))
    )

    after = desk.order(order.refs[0])
    journal = desk.service.orders.ListJournal(orders.ListJournalRequest(name=order.name)).entries
    assert after.state == order_pb2.Order.STATE_AWAITING_OUTBOUND
    assert after.outbound_approved
    assert (begun.state, begun.picker) == (fulfilment.PickList.STATE_PICKING, PICKER)
    assert (done.state, done.picker) == (fulfilment.PickList.STATE_DONE, PICKER)
    assert [(each.sku, each.quantity) for each in done.lines] == [(sku, 2)]
    # Both documents stand in the journal; who picked does not.
    vouchers = [each.voucher for each in journal]
    assert done.reservation in vouchers
    assert listed.name.removeprefix("pickLists/") in vouchers
    assert PICKER not in str(journal)


def test_the_same_request_ends_a_list_once(desk: Desk, sku: str) -> None:
    desk.count(sku, 5)
    order = desk.paid(sku)
    desk.settle()
    request = fulfilment.CompletePickListRequest(
        name=desk.lists(order)[0].name, request_id=str(uuid.uuid4())
    )

    answers = [desk.fulfilment.CompletePickList(request) for _ in range(2)]
    journal = desk.service.journal(order.name)
    request.request_id = str(uuid.uuid4())
    again = refused(lambda: desk.fulfilment.CompletePickList(request))

    assert answers[0] == answers[1]
    assert (again.code, again.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PICK_LIST_CLOSED")
    assert again.metadata["state"] == "DONE"
    assert desk.service.journal(order.name) == journal


def test_a_list_is_printed_for_paper(desk: Desk, sku: str) -> None:
    desk.count(sku, 5)
    order = desk.paid(sku)
    desk.settle()
    name = desk.lists(order)[0].name
    desk.fulfilment.StartPicking(fulfilment.StartPickingRequest(name=name, picker=PICKER))

    printed = desk.fulfilment.PrintPickList(
        fulfilment.PrintPickListRequest(
            name=name, language=fulfilment.PrintPickListRequest.LANGUAGE_ZH
        )
    )

    assert printed.bar_code == name.removeprefix("pickLists/")
    for text in (printed.bar_code, order.refs[0].value, sku, "douyin", "bj1", "拣货单"):
        assert text in printed.text
    assert PICKER not in printed.text


def test_stock_is_set_corrected_and_listed(desk: Desk, sku: str) -> None:
    desk.count(sku, 5)
    desk.paid(sku)
    desk.settle()
    request = inventory.AdjustStockRequest(
        sku=sku, warehouse="bj1", delta=3, request_id=str(uuid.uuid4())
    )

    adjusted = [desk.inventory.AdjustStock(request) for _ in range(2)]

    assert adjusted[0] == adjusted[1]
    (listed,) = desk.inventory.ListStock(inventory.ListStockRequest(sku=sku)).stock
    assert (listed.on_hand, listed.reserved, listed.available) == (8, 2, 6)
    got = desk.inventory.GetStock(inventory.GetStockRequest(sku=sku, warehouse="bj1"))
    assert got == listed
    too_few = refused(lambda: desk.count(sku, 1))
    assert (too_few.reason, too_few.metadata["reserved"]) == ("STOCK_RESERVED", "2")


def test_lists_of_stock_and_of_pick_lists_come_in_pages(desk: Desk, sku: str) -> None:
    for warehouse in ("bj1", "gz1", "sh1"):
        desk.inventory.SetStock(inventory.SetStockRequest(sku=sku, warehouse=warehouse, on_hand=1))
    order = desk.paid(sku, 3)
    desk.settle()

    stock: list[str] = []
    picks: list[str] = []
    token = ""
    while token or not stock:
        page = desk.inventory.ListStock(
            inventory.ListStockRequest(sku=sku, page_size=2, page_token=token)
        )
        stock += [each.warehouse for each in page.stock]
        token = page.next_page_token
    while token or not picks:
        page = desk.fulfilment.ListPickLists(
            fulfilment.ListPickListsRequest(order=order.name, page_size=2, page_token=token)
        )
        picks += [each.warehouse for each in page.pick_lists]
        token = page.next_page_token

    assert stock == ["bj1", "gz1", "sh1"]
    assert sorted(picks) == ["bj1", "gz1", "sh1"]


WRONG: dict[str, tuple[Callable[[Desk], object], str]] = {
    "a warehouse with capitals": (
        lambda desk: desk.inventory.SetStock(
            inventory.SetStockRequest(sku="A", warehouse="BJ 1", on_hand=1)
        ),
        "warehouse",
    ),
    "an article without a name": (
        lambda desk: desk.inventory.GetStock(inventory.GetStockRequest(warehouse="bj1")),
        "sku",
    ),
    "fewer than nothing": (lambda desk: desk.count("A", -1), "on_hand"),
    "more than anybody has": (lambda desk: desk.count("A", 2**40), "on_hand"),
    "a correction by nothing": (
        lambda desk: desk.inventory.AdjustStock(
            inventory.AdjustStockRequest(sku="A", warehouse="bj1")
        ),
        "delta",
    ),
    "a pick list by another name": (
        lambda desk: desk.fulfilment.GetPickList(
            fulfilment.GetPickListRequest(name="orders/ord-1")
        ),
        "name",
    ),
    "a state that nobody knows": (
        lambda desk: desk.fulfilment.ListPickLists(fulfilment.ListPickListsRequest(state=UNKNOWN)),
        "state",
    ),
    "a language that nobody speaks": (
        lambda desk: desk.fulfilment.PrintPickList(
            fulfilment.PrintPickListRequest(name="pickLists/pck-1", language=UNKNOWN)
        ),
        "language",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_field_is_named(desk: Desk, name: str) -> None:
    call, field = WRONG[name]

    answer = refused(lambda: call(desk))

    assert (answer.code, answer.fields) == (grpc.StatusCode.INVALID_ARGUMENT, (field,))


MISSING: dict[str, tuple[Callable[[Desk], object], str]] = {
    "stock": (
        lambda desk: desk.inventory.GetStock(
            inventory.GetStockRequest(sku="nowhere", warehouse="bj1")
        ),
        "STOCK_NOT_FOUND",
    ),
    "a pick list": (
        lambda desk: desk.fulfilment.GetPickList(
            fulfilment.GetPickListRequest(name="pickLists/pck-missing")
        ),
        "PICK_LIST_NOT_FOUND",
    ),
    "a pick list to print": (
        lambda desk: desk.fulfilment.PrintPickList(
            fulfilment.PrintPickListRequest(name="pickLists/pck-missing")
        ),
        "PICK_LIST_NOT_FOUND",
    ),
    "a pick list to begin": (
        lambda desk: desk.fulfilment.StartPicking(
            fulfilment.StartPickingRequest(name="pickLists/pck-missing")
        ),
        "PICK_LIST_NOT_FOUND",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_is_not_found(desk: Desk, name: str) -> None:
    call, reason = MISSING[name]

    answer = refused(lambda: call(desk))

    assert (answer.code, answer.reason) == (grpc.StatusCode.NOT_FOUND, reason)


@pytest.mark.parametrize(
    "call",
    [
        lambda desk: desk.inventory.ListStock(inventory.ListStockRequest(page_token="x")),
        lambda desk: desk.fulfilment.ListPickLists(fulfilment.ListPickListsRequest(page_token="x")),
    ],
)
def test_a_token_of_another_method_is_refused(desk: Desk, call: Callable[[Desk], object]) -> None:
    assert refused(lambda: call(desk)).reason == "CURSOR_INVALID"
