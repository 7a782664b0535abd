"""What orders of Shopify and WooCommerce mean as real shops send them."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money
from tests.unit.streams.normalising.builders import facts_of, rejection_of

# The hour that spring takes away in London.
SPRING = "2026-03-29T02:30:00+01:00"


def a_woo_order(**fields: object) -> dict[str, object]:
    return {
        "id": 5001,
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": "2026-03-01T10:00:00",
        "date_modified_gmt": "2026-03-01T10:05:00",
        "date_paid_gmt": "2026-03-01T10:01:00",
        "total": "55.00",
        "discount_total": "0.00",
        "payment_method": "stripe",
        "line_items": [{"id": 1, "sku": "A", "quantity": 3, "price": 18.333333333333332}],
        "refunds": [],
        **fields,
    }


def a_shopify_order(**fields: object) -> dict[str, object]:
    return {
        "id": 5001,
        "financial_status": "paid",
        "fulfillment_status": None,
        "currency": "GBP",
        "created_at": SPRING,
        "updated_at": SPRING,
        "total_price": "20.00",
        "total_discounts": "5.00",
        "line_items": [],
        **fields,
    }


@pytest.mark.parametrize("price", [18.333333333333332, 1e-05, "18.333333333333332"])
def test_a_price_that_was_divided_spoils_no_order(price: object) -> None:
    line = {"id": 1, "sku": "A", "quantity": 3, "price": price}

    created, paid, _ = facts_of("woocommerce.order", a_woo_order(line_items=[line]))

    assert paid.amount == created.amount == Money(5500, "EUR")
    assert [(each.quantity, each.unit_price) for each in created.lines] == [(3, None)]


@pytest.mark.parametrize(
    ("currency", "total", "minor"),
    [("JPY", "1500", 1500), ("JPY", "1500.00", 1500), ("KWD", "1.505", 1505), ("HUF", "10", 1000)],
)
def test_a_total_has_the_digits_of_its_currency(currency: str, total: str, minor: int) -> None:
    order = a_woo_order(currency=currency, total=total, line_items=[])

    assert facts_of("woocommerce.order", order)[0].amount == Money(minor, currency)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("total", "1,500.00"),
        ("total", "55.005"),
        ("total", "-5.00"),
        ("total", 1e22),
        ("currency", "BTC"),
        ("currency", "eur"),
        ("date_created_gmt", "2026-03-01T10:00:00+01:00"),
        ("date_paid_gmt", "2026-02-30T10:00:00"),
        ("id", 9007199254740993.0),
        ("status", "partial-payment"),
    ],
)
def test_what_could_be_another_amount_time_or_order_is_refused(field: str, value: object) -> None:
    assert rejection_of("woocommerce.order", a_woo_order(**{field: value})).field == field


def test_the_site_s_own_time_is_never_taken_for_utc() -> None:
    old = a_woo_order(date_created="2026-03-01T18:00:00")
    del old["date_created_gmt"]

    assert rejection_of("woocommerce.order", old).field == "date_created_gmt"


@pytest.mark.parametrize("state", [None, "unfulfilled", "not_eligible"])
def test_what_is_paid_and_not_sent_waits_for_the_warehouse(state: object) -> None:
    facts = facts_of("shopify.order", a_shopify_order(fulfillment_status=state))

    assert [fact.kind for fact in facts] == [
        FactKind.ORDER_CREATED,
        FactKind.PAYMENT_SUCCEEDED,
        FactKind.STOCK_ALLOCATED,
    ]
    assert facts[0].occurred_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def a_parcel(state: str | None, number: str) -> dict[str, object]:
    return {
        "status": "success",
        "shipment_status": state,
        "tracking_number": number,
        "created_at": SPRING,
        "updated_at": "2026-03-30T10:00:00+01:00",
    }


@pytest.mark.parametrize(
    ("state", "other", "arrived"),
    [
        ("fulfilled", "delivered", True),
        ("fulfilled", None, True),
        ("fulfilled", "in_transit", False),
        ("partial", "delivered", False),
    ],
)
def test_an_order_has_arrived_when_all_of_it_has(
    state: str, other: str | None, *, arrived: bool
) -> None:
    parcels = [a_parcel("delivered", "1Z"), a_parcel(other, "2Z")]

    facts = facts_of(
        "shopify.order", a_shopify_order(fulfillment_status=state, fulfillments=parcels)
    )

    told = {(fact.kind, fact.note) for fact in facts if fact.voucher == "1Z"}
    assert ((FactKind.PARCEL_DELIVERED, "") in told) is arrived
    assert ((FactKind.NOTED, "package_delivered") in told) is not arrived


def test_of_a_part_payment_only_what_came_counts() -> None:
    order = a_shopify_order(financial_status="partially_paid", total_outstanding="15.00")

    assert facts_of("shopify.order", order)[1].amount == Money(500, "GBP")


def test_more_outstanding_than_the_order_costs_is_refused() -> None:
    order = a_shopify_order(financial_status="partially_paid", total_outstanding="25.00")

    assert rejection_of("shopify.order", order).field == "total_outstanding"
