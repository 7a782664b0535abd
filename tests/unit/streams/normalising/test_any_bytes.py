"""Whatever arrives, a reading comes out: never an exception, never a defect of the reader."""

import json
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.logic.normalising import Reading, RejectionReason, read
from tests.unit.streams.normalising.builders import (
    TEMPLATES,
    a_push,
    a_receipt,
    a_transaction,
    an_amazon_order,
    an_event,
)

NAMES = sorted(TEMPLATES.by_name)
REFUND = {
    "out_trade_no": "T-1",
    "out_refund_no": "R-1",
    "refund_status": "SUCCESS",
    "success_time": "2026-01-01T07:30:00+08:00",
    "amount": {"refund": 100, "total": 200},
}
ORDER_2026 = {
    "orderId": "111-2",
    "createdTime": "2026-01-01T00:00:00Z",
    "lastUpdatedTime": "2026-01-02T00:00:00Z",
    "orderAliases": [{"aliasId": "A-1", "aliasType": "SELLER_ORDER_ID"}],
    "proceeds": {"grandTotal": {"amount": "1.50", "currencyCode": "USD"}},
    "fulfillment": {"fulfillmentStatus": "SHIPPED"},
    "orderItems": [{"product": {"sellerSku": "a"}, "quantityOrdered": 1}],
    "packages": [{"packageStatus": {"status": "DELIVERED"}, "trackingNumber": "1Z"}],
}
CHANGE = {
    "AmazonOrderId": "111-3",
    "OrderChangeType": "OrderStatusChange",
    "OrderChangeTrigger": {"TimeOfOrderChange": "2026-01-02T00:00:00Z"},
    "Summary": {"OrderStatus": "Shipped", "PurchaseDate": "2026-01-01T00:00:00Z"},
}
INTENT = {
    "id": "pi_1",
    "status": "succeeded",
    "amount_received": 1099,
    "currency": "usd",
    "metadata": {"order": "T-1"},
}
REFUNDED = {
    "id": "re_1",
    "status": "succeeded",
    "amount": 1100,
    "currency": "isk",
    "created": 1_767_225_600,
    "payment_intent": "pi_1",
}
ITEM = {
    "eventCode": "AUTHORISATION",
    "success": "true",
    "eventDate": "2026-01-01T00:00:00+02:00",
    "merchantReference": "T-1",
    "pspReference": "P-1",
    "amount": {"currency": "EUR", "value": 1130},
}
ALIPAY_TRADE = {
    "code": "10000",
    "out_trade_no": "T-1",
    "trade_no": "2026",
    "trade_status": "TRADE_CLOSED",
    "total_amount": "0.01",
    "send_pay_date": "2026-01-01 08:00:00",
}
GOOD: list[tuple[str, object]] = [
    (
        "stripe.event",
        {"type": "payment_intent.succeeded", "created": 1_767_225_600, "data": {"object": INTENT}},
    ),
    (
        "stripe.event",
        {
            "type": "charge.refunded",
            "created": 1_767_225_600,
            "data": {"object": {**INTENT, "refunds": {"data": [REFUNDED]}}},
        },
    ),
    ("stripe.payment_intent.query", INTENT),
    ("stripe.refund.query", {**REFUNDED, "metadata": {"order": "T-1", "refund": "R-1"}}),
    ("adyen.notice", {"notificationItems": [{"NotificationRequestItem": ITEM}]}),
    ("alipay.trade.query", {"alipay_trade_query_response": ALIPAY_TRADE, "sign": "A"}),
    (
        "douyin_pay.notice",
        {"type": "payment", "msg": json.dumps({"status": "FAIL", "cp_orderno": "T-1"})},
    ),
    ("douyin.push", [a_push(110, pay_time=1_618_990_587, pay_amount=2990), a_push(0)]),
    ("douyin.push", a_push(206, success_time=1_618_990_587, refund_amount=1, aftersale_id="a")),
    ("wechatpay.v3.transaction", a_transaction()),
    ("wechatpay.v3.refund", REFUND),
    ("amazon.orders.v0", an_amazon_order("Shipped")),
    ("amazon.orders.v2026", {"orders": [ORDER_2026]}),
    ("amazon.order_change", {"Payload": {"OrderChangeNotification": CHANGE}}),
    ("concord.event", {"events": [an_event(), an_event(type="order.created", customer="c-1")]}),
]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**9, 10**13),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "0", "-1", "NaN", "1e400", "\x00", "\ud800", "Z", [], {}, [[]], [None]]),
)
JSON = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def _reading(template: str, body: bytes) -> Reading:
    reading = read(a_receipt(template, body), TEMPLATES)
    if reading.rejection is not None:
        assert reading.rejection.reason is not RejectionReason.READER_FAILED
        assert reading.rejection.field
        assert reading.rejection.advice
    return reading


def _places(value: object, here: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    return [here, *(found for key, each in inner for found in _places(each, (*here, key)))]


def _with(value: object, place: tuple[object, ...], odd: object) -> object:
    if not place:
        return odd
    changed = deepcopy(value)
    assert isinstance(changed, dict | list)
    changed[place[0]] = _with(changed[place[0]], place[1:], odd)  # type: ignore[index]  # a key
    return changed


@given(st.sampled_from(NAMES), st.binary(max_size=400))
def test_any_bytes_become_a_reading(template: str, body: bytes) -> None:
    _reading(template, body)


@given(st.sampled_from(NAMES), JSON)
def test_any_json_becomes_a_reading(template: str, value: object) -> None:
    _reading(template, json.dumps(value).encode())


@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=400)
def test_a_good_message_with_any_value_at_any_place_becomes_a_reading(
    good: tuple[str, object], data: st.DataObject
) -> None:
    template, message = good
    place = data.draw(st.sampled_from(_places(message)))

    reading = _reading(template, json.dumps(_with(message, place, data.draw(JSON))).encode())

    for fact in reading.facts:
        assert fact.occurred_at.utcoffset() is not None
        assert repr(fact).encode()


@pytest.mark.parametrize(("template", "message"), GOOD)
def test_a_message_cut_anywhere_is_refused(template: str, message: object) -> None:
    whole = json.dumps(message, ensure_ascii=False).encode()
    assert _reading(template, whole).rejection is None

    for length in range(len(whole)):
        reading = _reading(template, whole[:length])
        assert reading.facts == ()
        assert reading.rejection is not None
