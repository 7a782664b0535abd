"""What shops tell of a part of an order by itself: refund, fulfilment, after-sale, state."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, RejectionReason
from tests.unit.streams.normalising.builders import (
    fact_of,
    facts_of,
    reading_of,
    rejection_of,
)

# 1767225600 is 2026-01-01 00:00:00 UTC.
NEW_YEAR = 1_767_225_600


def a_transaction(**fields: object) -> dict[str, object]:
    """Five pounds and five pence that went back through a refund."""
    return {
        "id": 6001,
        "order_id": 5001,
        "kind": "refund",
        "status": "success",
        "amount": "5.05",
        "currency": "GBP",
        "processed_at": "2026-03-29T00:59:59+00:00",
        **fields,
    }


def a_refund(*transactions: dict[str, object]) -> dict[str, object]:
    return {
        "id": 4001,
        "order_id": 5001,
        "created_at": "2026-03-29T02:00:00+01:00",
        "refund_line_items": [{"quantity": 1}],
        "transactions": list(transactions),
    }


def test_a_refund_by_itself_is_the_one_within_its_order() -> None:
    order = {
        "id": 5001,
        "created_at": "2026-03-28T10:00:00+00:00",
        "updated_at": "2026-03-29T02:00:00+01:00",
        "currency": "GBP",
        "total_price": "20.00",
        "financial_status": "partially_refunded",
        "line_items": [],
        "refunds": [a_refund(a_transaction())],
    }

    alone = fact_of("shopify.refund", a_refund(a_transaction()))

    assert alone in facts_of("shopify.order", order)
    assert (alone.kind, alone.amount) == (FactKind.REFUND_SUCCEEDED, Money(505, "GBP"))
    assert (alone.ref.value, alone.voucher) == ("5001", "6001")
    assert alone.occurred_at == datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)


def test_goods_that_go_back_on_the_shelf_move_no_money() -> None:
    assert facts_of("shopify.refund", a_refund()) == ()


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("JPY", "1500", 1500), ("JPY", "1500.00", 1500), ("KWD", "1.505", 1505)],
)
def test_a_refund_has_the_digits_of_its_currency(currency: str, amount: str, minor: int) -> None:
    refund = a_refund(a_transaction(currency=currency, amount=amount))

    assert fact_of("shopify.refund", refund).amount == Money(minor, currency)


@pytest.mark.parametrize("amount", ["1500.50", "1,500", "-1500", "¥1500", "", None])
def test_a_refund_that_its_currency_cannot_be_is_refused(amount: object) -> None:
    refund = a_refund(a_transaction(currency="JPY", amount=amount))

    assert rejection_of("shopify.refund", refund).field == "transactions[0].amount"


def test_an_order_in_the_place_of_its_refund_is_refused_with_its_template() -> None:
    rejection = rejection_of("shopify.refund", {"id": 1, "total_price": "9.00"})

    assert rejection.reason is RejectionReason.FIELD_INVALID
    assert "shopify.order" in rejection.advice


def test_a_fulfilment_by_itself_tells_of_its_parcel() -> None:
    parcel = {
        "id": 3001,
        "order_id": 5001,
        "status": "success",
        "shipment_status": "delivered",
        "created_at": "2026-11-01T01:30:00-04:00",
        "updated_at": "2026-11-01T01:30:00-05:00",
        "tracking_number": "1Z2345",
    }

    left, arrived = facts_of("shopify.fulfillment", {"fulfillment": parcel})

    # The hour that comes twice: the offset tells which.
    assert (left.kind, left.occurred_at.hour) == (FactKind.PARCEL_SHIPPED, 5)
    # One parcel of perhaps several: the order says when all have arrived.
    assert (arrived.note, arrived.occurred_at.hour) == ("package_delivered", 6)
    assert left.voucher == arrived.voucher == "1Z2345"


@pytest.mark.parametrize("state", ["pending", "open"])
def test_a_fulfilment_that_waits_sent_nothing(state: str) -> None:
    parcel = {"order_id": 5001, "status": state, "created_at": "2026-11-01T01:30:00-04:00"}

    assert facts_of("shopify.fulfillment", parcel) == ()


def an_aftersale(status: str, **fields: object) -> dict[str, object]:
    told = {
        "after_sale_order_id": "2000000000012345678",
        "order_id": 3705115058471208928,
        "status": status,
        "type": "REFUND",
        "refund_info": {"amount": 1050},
        "create_time": NEW_YEAR,
        "update_time": NEW_YEAR + 3600,
        **fields,
    }
    return {"errcode": 0, "after_sale_order": told}


@pytest.mark.parametrize(
    ("status", "kind", "amount"),
    [
        ("MERCHANT_REFUND_SUCCESS", FactKind.REFUND_SUCCEEDED, Money(1050, "CNY")),
        ("MERCHANT_RETURN_SUCCESS", FactKind.REFUND_SUCCEEDED, Money(1050, "CNY")),
        ("USER_CANCELD", FactKind.REFUND_CLOSED, None),
        ("RETURN_CLOSED", FactKind.REFUND_CLOSED, None),
        ("PLATFORM_REFUND_FAIL", FactKind.REFUND_FAILED, None),
        ("MERCHANT_REJECT_REFUND", FactKind.NOTED, None),
    ],
)
def test_a_wechat_aftersale_ends_as_its_state_says(
    status: str, kind: FactKind, amount: Money | None
) -> None:
    asked, ended = facts_of("wechat_channels.aftersale", an_aftersale(status))

    assert (asked.kind, asked.amount) == (FactKind.REFUND_REQUESTED, Money(1050, "CNY"))
    assert asked.ref.value == "3705115058471208928"
    assert (ended.kind, ended.amount) == (kind, amount)
    assert ended.voucher == asked.voucher == "2000000000012345678"
    assert ended.occurred_at == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_a_wechat_aftersale_in_an_unknown_state_is_refused_not_guessed() -> None:
    rejection = rejection_of("wechat_channels.aftersale", an_aftersale("MERCHANT_NEW_STATE"))

    assert rejection.field == "after_sale_order.status"


def test_an_exchange_in_wechat_moves_no_money() -> None:
    told = an_aftersale("MERCHANT_EXCHANGE_SUCCESS", type="EXCHANGE")

    assert fact_of("wechat_channels.aftersale", told).note == "exchange_requested"


def a_state(state: str, **fields: object) -> dict[str, object]:
    told = {
        "SellerId": "A3TH9S8BH6GOGM",
        "AmazonOrderId": "903-8868176-2219830",
        "PurchaseDate": NEW_YEAR * 1000 + 633,
        "OrderStatus": state,
        "SellerSKU": "SKU-1",
        "Quantity": 3,
        **fields,
    }
    return {
        "NotificationType": "ORDER_STATUS_CHANGE",
        "EventTime": "2026-01-01T08:00:00.284Z",
        "Payload": {"OrderStatusChangeNotification": told},
    }


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        ("PendingAvailability", []),
        ("Pending", ["PAYMENT_STARTED"]),
        ("Unshipped", ["PAYMENT_SUCCEEDED", "STOCK_ALLOCATED"]),
        ("PartiallyShipped", ["PAYMENT_SUCCEEDED", "PARCEL_SHIPPED"]),
        ("Shipped", ["PAYMENT_SUCCEEDED", "PARCEL_SHIPPED"]),
        ("Canceled", ["ORDER_CANCELLED"]),
    ],
)
def test_the_old_notice_of_amazon_is_read_as_well(state: str, kinds: list[str]) -> None:
    notice = a_state(state)

    created, *rest = facts_of("amazon.order_status_change", notice)

    # One article of perhaps several: what was bought the order itself tells.
    assert (created.kind, created.lines) == (FactKind.ORDER_CREATED, ())
    assert created.occurred_at == datetime(2026, 1, 1, 0, 0, 0, 633_000, tzinfo=UTC)
    assert [fact.kind for fact in rest] == kinds
    assert facts_of("amazon.order_status_change", {"detail": notice}) == (created, *rest)


def test_seconds_in_the_place_of_milliseconds_are_refused() -> None:
    reading = reading_of("amazon.order_status_change", a_state("Shipped", PurchaseDate=NEW_YEAR))

    assert reading.rejection is not None
    assert reading.rejection.field == "Payload.OrderStatusChangeNotification.PurchaseDate"
