"""A sample that was cut on its way is refused, wherever the cut is."""

from collections.abc import Callable

import pytest

from streams.logic.normalising import RejectionReason
from tests.contract.samples.conformance import reading_of

UNREADABLE = {RejectionReason.SYNTAX_INVALID, RejectionReason.ENCODING_INVALID}

SAMPLES = [
    ("douyin.push", "douyin/push_100_trade_create.json"),
    ("douyin.push", "douyin/push_106_trade_canceled.json"),
    ("douyin.push", "douyin/push_108_trade_partly_ship.json"),
    ("douyin.push", "douyin/push_110_trade_paid.json"),
    ("douyin.push", "douyin/push_200_refund_created.json"),
    ("douyin.push", "douyin/push_206_refund_success.json"),
    ("douyin.push", "douyin/push_trade_address_change.json"),
    ("douyin.push", "douyin/push_trade_memo_modify.json"),
    ("wechatpay.v3.transaction", "wechatpay/v3_resource_transaction_success.json"),
    ("wechatpay.v3.transaction.query", "wechatpay/v3_query_transaction_response.json"),
    ("wechatpay.v3.refund", "wechatpay/v3_resource_refund_success.json"),
    ("wechatpay.v3.refund.query", "wechatpay/v3_query_refund_response.json"),
    ("wechatpay.v2.transaction", "wechatpay/v2_notify_order_success.xml"),
    ("wechatpay.v2.refund", "wechatpay/v2_refund_reqinfo_plain.xml"),
    ("stripe.payment_intent.query", "stripe/payment_intent.json"),
    ("stripe.event", "stripe/event.json"),
    ("jd.orders", "jd/pop_order_search_response_shape.json"),
    ("pdd.orders", "pdd/order_information_get_response.json"),
    ("pdd.push", "pdd/push_refund_created_real.json"),
    ("taobao.trades", "taobao/trades_sold_get_real_2018.json"),
    ("wechat_channels.event", "wechat_channels/event_order_pay.json"),
    ("amazon.orders.v0", "amazon/v0_getOrders_200.json"),
    ("amazon.orders.v2026", "amazon/v2026_searchOrders_200.json"),
    ("amazon.order_change", "amazon/notification_ORDER_CHANGE.json"),
]


@pytest.mark.parametrize(("template", "name"), SAMPLES, ids=[name for _, name in SAMPLES])
def test_a_cut_sample_is_refused(sample: Callable[[str], bytes], template: str, name: str) -> None:
    whole = sample(name).rstrip()

    for length in range(len(whole)):
        reading = reading_of(template, whole[:length])
        assert reading.facts == ()
        assert reading.rejection is not None
        assert reading.rejection.reason in UNREADABLE
