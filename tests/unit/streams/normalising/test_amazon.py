"""What Amazon's snapshots and notifications prove, state by state."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, OrderLine, OrderRef
from tests.unit.streams.normalising.builders import an_amazon_order, facts_of

CREATED = FactKind.ORDER_CREATED
STARTED = FactKind.PAYMENT_STARTED
PAID = FactKind.PAYMENT_SUCCEEDED
ALLOCATED = FactKind.STOCK_ALLOCATED
SHIPPED = FactKind.PARCEL_SHIPPED
DELIVERED = FactKind.PARCEL_DELIVERED
CANCELLED = FactKind.ORDER_CANCELLED
NOTED = FactKind.NOTED

BOUGHT_AT = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
UPDATED_AT = datetime(2026, 1, 1, 2, 0, 2, tzinfo=UTC)

STATES = [
    ("PendingAvailability", "PENDING_AVAILABILITY", [CREATED]),
    ("Pending", "PENDING", [CREATED, STARTED]),
    ("Unshipped", "UNSHIPPED", [CREATED, PAID, ALLOCATED]),
    ("PartiallyShipped", "PARTIALLY_SHIPPED", [CREATED, PAID, SHIPPED]),
    ("Shipped", "SHIPPED", [CREATED, PAID, SHIPPED]),
    ("Canceled", "CANCELLED", [CREATED, CANCELLED]),
    ("Unfulfillable", "UNFULFILLABLE", [CREATED, PAID, ALLOCATED, NOTED]),
]


def _order_2026(status: str, **fields: object) -> dict[str, object]:
    order = {
        "orderId": "111-1",
        "createdTime": "2026-01-01T00:00:01Z",
        "lastUpdatedTime": "2026-01-01T02:00:02Z",
        "proceeds": {"grandTotal": {"amount": "19.90", "currencyCode": "USD"}},
        "fulfillment": {"fulfillmentStatus": status},
        **fields,
    }
    return {"orders": [order]}


def _change(status: str, **fields: object) -> dict[str, object]:
    change = {
        "AmazonOrderId": "111-1",
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": "2026-01-01T02:00:02Z"},
        "Summary": {"OrderStatus": status, "PurchaseDate": "2026-01-01T00:00:01Z", **fields},
    }
    return {
        "EventTime": "2020-01-01T00:00:00Z",
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {"PublishTime": "2020-01-01T00:00:00Z"},
    }


def _kinds(template: str, message: object) -> list[FactKind]:
    facts = facts_of(template, message)
    assert {fact.ref for fact in facts} == {OrderRef("amazon", "111-1")}
    assert facts[0].occurred_at == BOUGHT_AT
    assert {fact.occurred_at for fact in facts[1:]} <= {UPDATED_AT}
    return [fact.kind for fact in facts]


@pytest.mark.parametrize(("v0", "v2026", "kinds"), STATES)
def test_each_state_is_what_it_proves_at_honest_times(
    v0: str, v2026: str, kinds: list[FactKind]
) -> None:
    assert _kinds("amazon.orders.v0", an_amazon_order(v0)) == kinds
    assert _kinds("amazon.orders.v2026", _order_2026(v2026)) == kinds
    assert _kinds("amazon.order_change", _change(v0)) == kinds


def test_an_unconfirmed_invoice_has_left() -> None:
    assert _kinds("amazon.orders.v0", an_amazon_order("InvoiceUnconfirmed"))[-1] is SHIPPED


def test_money_is_decimal_text_and_may_be_absent() -> None:
    created, paid, _ = facts_of("amazon.orders.v0", an_amazon_order())
    assert created.amount == paid.amount == Money(1990, "USD")

    for fact in facts_of("amazon.orders.v0", an_amazon_order(OrderTotal=None)):
        assert fact.amount is None


def test_the_sellers_own_number_is_a_further_name_of_the_order() -> None:
    aliases = [
        {"aliasType": "OTHER", "aliasId": "X"},
        {"aliasType": "SELLER_ORDER_ID", "aliasId": "S-1"},
    ]

    by_v0 = facts_of("amazon.orders.v0", an_amazon_order(SellerOrderId="S-1"))[0]
    by_v2026 = facts_of("amazon.orders.v2026", _order_2026("PENDING", orderAliases=aliases))[0]

    assert by_v0.more_refs == by_v2026.more_refs == (OrderRef("merchant", "S-1"),)


def test_lines_carry_article_pieces_and_price() -> None:
    items = [
        {
            "product": {
                "sellerSku": "S-A",
                "price": {"unitPrice": {"amount": "4.50", "currencyCode": "USD"}},
            },
            "quantityOrdered": 2,
        },
        {"product": {"asin": "B0"}, "quantityOrdered": 1},
        {"product": {"asin": "cancelled"}, "quantityOrdered": 0},
    ]

    created = facts_of("amazon.orders.v2026", _order_2026("PENDING", orderItems=items))[0]

    assert created.lines == (OrderLine("S-A", 2, Money(450, "USD")), OrderLine("B0", 1))


def _package(status: str, **fields: object) -> dict[str, object]:
    return {"packageStatus": {"status": status}, "trackingNumber": "1Z", **fields}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("PENDING", [(ALLOCATED, "", "")]),
        ("SHIPPED", [(SHIPPED, "1Z", "")]),
        ("IN_TRANSIT", [(SHIPPED, "1Z", "")]),
        ("DELIVERED", [(SHIPPED, "1Z", ""), (DELIVERED, "1Z", "")]),
        ("UNDELIVERABLE", [(SHIPPED, "1Z", ""), (NOTED, "1Z", "undeliverable")]),
        ("CANCELLED", [(NOTED, "1Z", "package_cancelled")]),
        ("SOMETHING_NEW", []),
    ],
)
def test_each_package_tells_its_own_way(status: str, told: list[tuple[FactKind, str, str]]) -> None:
    package = _package(status, shipTime="2026-01-01T01:00:00Z")

    facts = facts_of("amazon.orders.v2026", _order_2026("SHIPPED", packages=[package]))

    assert [(fact.kind, fact.voucher, fact.note) for fact in facts[2:]] == told
    for fact in facts[2:]:
        left = fact.kind is SHIPPED
        assert fact.occurred_at == (datetime(2026, 1, 1, 1, 0, tzinfo=UTC) if left else UPDATED_AT)


def test_a_package_that_does_not_know_when_it_left_had_left_by_the_last_update() -> None:
    facts = facts_of("amazon.orders.v2026", _order_2026("SHIPPED", packages=[_package("SHIPPED")]))

    assert [(fact.kind, fact.occurred_at) for fact in facts[2:]] == [(SHIPPED, UPDATED_AT)] * 2


@pytest.mark.parametrize(
    ("state", "other"),
    [("SHIPPED", "IN_TRANSIT"), ("SHIPPED", "SHIPPED"), ("PARTIALLY_SHIPPED", "DELIVERED")],
)
def test_an_order_has_not_arrived_before_all_of_it_has(state: str, other: str) -> None:
    packages = [
        {"trackingNumber": "1Z", "packageStatus": {"status": "DELIVERED"}},
        {"trackingNumber": "2Z", "packageStatus": {"status": other}},
    ]

    facts = facts_of("amazon.orders.v2026", _order_2026(state, packages=packages))

    assert DELIVERED not in {fact.kind for fact in facts}
    assert ("package_delivered", "1Z") in {(fact.note, fact.voucher) for fact in facts}


def test_an_order_has_arrived_with_the_last_of_its_packages() -> None:
    packages = [
        {"trackingNumber": number, "packageStatus": {"status": "DELIVERED"}}
        for number in ("1Z", "2Z")
    ]

    facts = facts_of("amazon.orders.v2026", _order_2026("SHIPPED", packages=packages))

    assert [fact.voucher for fact in facts if fact.kind is DELIVERED] == ["1Z", "2Z"]


def test_a_buyers_request_is_noted_beside_the_state() -> None:
    message = _change("Unshipped")
    message["Payload"]["OrderChangeNotification"]["OrderChangeType"] = (  # type: ignore[index]  # a dict
        "BuyerRequestedChange"
    )

    assert facts_of("amazon.order_change", message)[-1].note == "buyer_requested_change"


def test_a_notification_through_eventbridge_is_the_same() -> None:
    message = _change("Shipped", OrderItems=[{"SellerSKU": "S", "Quantity": 3}])

    direct = facts_of("amazon.order_change", message)

    assert direct[0].lines == (OrderLine("S", 3),)
    assert facts_of("amazon.order_change", {"detail": message}) == direct


def test_an_empty_page_means_nothing() -> None:
    assert facts_of("amazon.orders.v0", {"payload": {"Orders": []}}) == ()
    assert facts_of("amazon.orders.v2026", {"orders": []}) == ()


def test_the_buyer_is_a_key_that_nobody_can_turn_back() -> None:
    buyer = {"BuyerInfo": {"BuyerEmail": "user@example.com", "BuyerName": "John Doe"}}
    address = {"ShippingAddress": {"Name": "John Doe", "City": "Canton"}}

    first = facts_of("amazon.orders.v0", an_amazon_order(**buyer, **address))
    second = facts_of("amazon.orders.v0", an_amazon_order("Shipped", **buyer))

    assert first[0].customer == second[0].customer != ""
    assert not any(each in repr(first) for each in ("user@example", "John", "Canton"))
