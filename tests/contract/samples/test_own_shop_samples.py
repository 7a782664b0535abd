"""Messages of WeChat's shop, Shopify and WooCommerce become the facts that their tables say."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.logic.normalising import Fact, FactKind, Money, OrderLine, RejectionReason
from tests.contract.samples.conformance import RECEIVED, reading_of
from tests.contract.samples.sold import Told, nameless

Sample = Callable[[str], bytes]


def test_a_wechat_shop_order_waits_for_the_warehouse(sample: Sample) -> None:
    # 1658505600 is 2022-07-22 16:00:00 UTC; it is in state 20, whatever its parcels say.
    told = Told("wechat_channels", "37423523451235145")
    body = sample("wechat_channels/order_get_response.json")

    assert nameless("wechat_channels.order", body) == (
        told(
            FactKind.ORDER_CREATED,
            "2022-07-22 16:00:00",
            amount=Money(10500, "CNY"),
            list_amount=Money(20500, "CNY"),
            lines=(OrderLine("23424", 10, Money(2000, "CNY")),),
        ),
        told(
            FactKind.PAYMENT_SUCCEEDED,
            "2022-07-22 17:00:00",
            amount=Money(10500, "CNY"),
            voucher="131456479687",
        ),
        told(FactKind.STOCK_ALLOCATED, "2022-07-22 17:00:00"),
        # Without a time of its own it holds as of the receipt.
        replace(
            told(FactKind.NOTED, "2022-07-22 16:00:00", voucher="1234", note="aftersale"),
            occurred_at=RECEIVED,
        ),
    )


def test_mere_numbers_of_wechat_shop_orders_are_refused(sample: Sample) -> None:
    reading = reading_of(
        "wechat_channels.order", sample("wechat_channels/order_list_get_response.json")
    )

    assert reading.facts == ()
    assert reading.rejection is not None
    assert "/channels/ec/order/get" in reading.rejection.advice


# 1662480000 is 2022-09-06 16:00:00 UTC. The order's number is a JSON number in two of them.
_event = Told("wechat_channels", "3705115058471208928")
EVENTS = {
    "event_order_new.json": _event(FactKind.ORDER_CREATED, "2022-09-06 16:00:00"),
    "event_order_pay.json": _event(FactKind.PAYMENT_SUCCEEDED, "2022-07-22 17:00:00"),
    "event_order_cancel.json": _event(FactKind.ORDER_CANCELLED, "2022-09-06 16:00:00"),
    "event_order_settle.json": _event(FactKind.NOTED, "2022-09-06 16:00:00", note="settled"),
    "event_order_ext_info_update.json": _event(
        FactKind.NOTED, "2022-09-06 16:00:00", note="ext_info_changed"
    ),
}


@pytest.mark.parametrize(("name", "expected"), EVENTS.items(), ids=EVENTS)
def test_a_wechat_shop_event_is_its_fact(sample: Sample, name: str, expected: Fact) -> None:
    assert nameless("wechat_channels.event", sample(f"wechat_channels/{name}")) == (expected,)


@pytest.mark.parametrize("bare", [False, True])
def test_a_shopify_order_is_reserved_not_paid(sample: Sample, *, bare: bool) -> None:
    # A webhook carries the order alone. Its only fulfilment failed: nothing left.
    body = sample("shopify/order.json")
    if bare:
        body = json.dumps(json.loads(body)["order"]).encode()
    told = Told("shopify", "450789469")
    at = "2008-01-10 16:00:00"

    assert nameless("shopify.order", body) == (
        told(
            FactKind.ORDER_CREATED,
            at,
            amount=Money(40994, "USD"),
            list_amount=Money(40994, "USD"),
            lines=tuple(
                OrderLine(f"IPOD2008{colour}", 1, Money(19900, "USD"))
                for colour in ("GREEN", "RED", "BLACK")
            ),
            coupons=("TENOFF",),
        ),
        told(FactKind.PAYMENT_AUTHORISED, at, amount=Money(40994, "USD")),
    )


def _processing() -> tuple[Fact, ...]:
    told = Told("woocommerce", "727")
    paid = "2017-03-22 19:28:08"
    return (
        # The site's own times are three hours off and are not read.
        told(
            FactKind.ORDER_CREATED,
            "2017-03-22 19:28:02",
            amount=Money(2935, "USD"),
            list_amount=Money(2935, "USD"),
            lines=(
                OrderLine("93", 2, Money(300, "USD")),
                OrderLine("Bar3", 1, Money(1200, "USD")),
            ),
        ),
        told(FactKind.PAYMENT_SUCCEEDED, paid, amount=Money(2935, "USD")),
        told(FactKind.STOCK_ALLOCATED, paid),
    )


def test_a_woocommerce_order_is_paid_and_processed(sample: Sample) -> None:
    body = sample("woocommerce/order_create_response.json")

    assert nameless("woocommerce.order", body) == _processing()


def test_a_list_of_woocommerce_orders_is_each_of_them(sample: Sample) -> None:
    told = Told("woocommerce", "723")
    ended = "2017-03-21 19:54:51"

    assert nameless("woocommerce.order", sample("woocommerce/orders_list_response.json")) == (
        *_processing(),
        told(
            FactKind.ORDER_CREATED,
            "2017-03-21 19:16:00",
            amount=Money(3900, "USD"),
            list_amount=Money(3900, "USD"),
            lines=(
                OrderLine("87", 1, Money(900, "USD")),
                OrderLine("34", 1, Money(2000, "USD")),
            ),
        ),
        told(FactKind.PAYMENT_SUCCEEDED, ended, amount=Money(3900, "USD")),
        told(FactKind.ORDER_COMPLETED, ended),
        # Refunds are written below zero.
        told(FactKind.REFUND_SUCCEEDED, ended, voucher="726", amount=Money(1000, "USD")),
        told(FactKind.REFUND_SUCCEEDED, ended, voucher="724", amount=Money(900, "USD")),
    )


def test_the_record_of_a_woocommerce_webhook_is_no_order(sample: Sample) -> None:
    reading = reading_of("woocommerce.order", sample("woocommerce/webhook_object.json"))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_INVALID
    assert reading.rejection.field == "delivery_url"
