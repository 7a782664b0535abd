"""Templates are data: each shipped one loads, and data that contradicts the format is refused."""

import re
from datetime import UTC, datetime

import pytest
import yaml

from streams.logic.normalising import TemplateError, Templates, read, templates_from
from streams.template_files import load_templates, shipped
from tests.unit.streams.normalising.builders import TEMPLATES, a_receipt

SMALLEST = """
name: shop.push
order: {namespace: {is: shop}, value: id}
always:
  - fact: NOTED
    at: receipt
"""


SHIPPED = [
    "adyen.notice",
    "adyen.unknown",
    "alipay.notice",
    "alipay.refund",
    "alipay.refund.query",
    "alipay.trade.query",
    "alipay.unknown",
    "amazon.order_change",
    "amazon.order_status_change",
    "amazon.orders.v0",
    "amazon.orders.v2026",
    "amazon.unknown",
    "concord.event",
    "douyin.aftersales",
    "douyin.aftersales.file",
    "douyin.orders",
    "douyin.orders.file",
    "douyin.push",
    "douyin_pay.notice",
    "douyin_pay.unknown",
    "jd.orders",
    "jd.orders.file",
    "jd.refunds",
    "mini.event",
    "mini.orders",
    "mini.unknown",
    "pdd.orders",
    "pdd.orders.file",
    "pdd.push",
    "pdd.refund",
    "pdd.refunds",
    "shopify.fulfillment",
    "shopify.order",
    "shopify.refund",
    "shopify.unknown",
    "stripe.event",
    "stripe.payment_intent.query",
    "stripe.refund",
    "stripe.refund.query",
    "stripe.unknown",
    "taobao.orders.file",
    "taobao.refunds",
    "taobao.trades",
    "unionpay.notice",
    "unionpay.query",
    "unionpay.refund",
    "unionpay.unknown",
    "wechat_channels.aftersale",
    "wechat_channels.event",
    "wechat_channels.order",
    "wechat_channels.unknown",
    "wechatpay.bill.file",
    "wechatpay.unknown",
    "wechatpay.v2.refund",
    "wechatpay.v2.transaction",
    "wechatpay.v3.refund",
    "wechatpay.v3.refund.query",
    "wechatpay.v3.transaction",
    "wechatpay.v3.transaction.query",
    "woocommerce.order",
    "woocommerce.unknown",
    "youzan.orders.file",
]


def test_every_shipped_template_loads_under_its_own_name() -> None:
    assert sorted(TEMPLATES.by_name) == SHIPPED


def test_every_shipped_template_says_its_version() -> None:
    for name, text, _ in shipped():
        assert re.search(r"^version: \d+$", text, re.MULTILINE), name


def test_without_a_key_no_customer_is_read_that_needs_hashing() -> None:
    order = {
        "AmazonOrderId": "111-1",
        "PurchaseDate": "2026-01-01T00:00:00Z",
        "OrderStatus": "PendingAvailability",
        "BuyerInfo": {"BuyerEmail": "user@example.com"},
    }
    receipt = a_receipt("amazon.orders.v0", {"payload": {"Orders": [order]}})

    (keyed_fact,) = read(receipt, TEMPLATES).facts
    (plain_fact,) = read(receipt, load_templates()).facts

    assert keyed_fact.customer.startswith("c-")
    assert plain_fact.customer == ""


def test_a_channel_that_writes_local_times_is_a_matter_of_data() -> None:
    template = """
    name: shop.order
    channel: shop
    order: {namespace: {is: shop}, value: orderId}
    always:
      - fact: ORDER_CREATED
        at: {path: orderStartTime, format: "%Y-%m-%d %H:%M:%S", zone: "+08:00"}
        amount: {path: orderTotalPrice, unit: decimal, currency: {is: CNY}}
    """
    templates = Templates(templates_from([yaml.safe_load(template)]))
    body = '{"orderId": 77, "orderStartTime": "2018-07-31 18:34:54", "orderTotalPrice": 89.10}'

    (fact,) = read(a_receipt("shop.order", body), templates).facts

    assert fact.occurred_at == datetime(2018, 7, 31, 10, 34, 54, tzinfo=UTC)
    assert fact.amount is not None
    assert fact.amount.minor == 8910


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"{}", b"a=b", b"<xml/>", b"[" * 100_000])
def test_a_kind_that_we_do_not_follow_means_nothing_whatever_it_says(body: bytes) -> None:
    for provider in ("wechatpay", "alipay", "unionpay", "stripe", "adyen", "douyin_pay"):
        reading = read(a_receipt(f"{provider}.unknown", body), TEMPLATES)
        assert (reading.facts, reading.rejection) == ((), None)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("name: shop.push", "name: shop.push\nformat: yaml"),
        ("name: shop.push", "name: shop.push\nformat: opaque"),
        ("order: {namespace: {is: shop}, value: id}", ""),
        ("always:", "other_cases: 5\nalways:"),
        ("always:", "when: {present: a}\nalways:"),
        ("at: receipt", 'at: {path: t, format: "%b %d", zone: "+08:00"}'),
        ("at: receipt", 'at: {path: t, format: [], zone: "+08:00"}'),
        ("at: receipt", "at: receipt\n    when: [{path: a, is: []}]"),
        ("at: receipt", "at: receipt\n    account: {is: 5}"),
        (
            "at: receipt",
            "at: receipt\n    amount: {path: a, unit: minor, currency: {is: CNY}, written: small}",
        ),
        (
            "at: receipt",
            "at: receipt\n    amount:"
            " {path: a, unit: decimal, digits: {ISK: 2}, currency: {is: CNY}}",
        ),
        (
            "at: receipt",
            "at: receipt\n    amount:"
            " {path: a, unit: minor, digits: {ISK: 5}, currency: {is: CNY}}",
        ),
        ("at: receipt", "at: now"),
        ("at: receipt", "at: {path: t}"),
        ("at: receipt", "at: {path: t, format: epoch}"),
        ("at: receipt", "at: {path: t, format: rfc3339, or: today}"),
        ("at: receipt", 'at: {path: t, format: "%Y", zone: CST}'),
        ("fact: NOTED", "fact: PAID"),
        ("fact: NOTED", "facts: NOTED"),
        ("always:", "allways:"),
        ("always:", "switch: tag\nalways:"),
        ("always:", "cases: {a: []}\nalways:"),
        ("always:", "other_cases: maybe\nalways:"),
        ("always:", "based_on: another\nalways:"),
        ("value: id", "value: a..b"),
        ("value: id", "value: {optional: true}"),
        ("value: id", 'value: "a[0]"'),
        ("name: shop.push", "title: shop.push"),
        ("at: receipt", "at: receipt\n    circumstances: [BAD_LUCK]"),
        ("at: receipt", "at: receipt\n    amount: {path: a, unit: yuan, currency: {is: CNY}}"),
        ("at: receipt", "at: receipt\n    amount: {path: a, unit: minor}"),
        ("at: receipt", "at: receipt\n    when: [{presents: a}]"),
        ("at: receipt", "at: receipt\n    note: {is: 5}"),
    ],
)
def test_a_template_that_says_what_the_format_does_not_know_is_refused(
    right: str, wrong: str
) -> None:
    assert templates_from([yaml.safe_load(SMALLEST)])

    with pytest.raises(TemplateError):
        templates_from([yaml.safe_load(SMALLEST.replace(right, wrong))])


def test_two_templates_of_one_name_are_refused() -> None:
    with pytest.raises(TemplateError):
        templates_from([yaml.safe_load(SMALLEST), yaml.safe_load(SMALLEST)])
