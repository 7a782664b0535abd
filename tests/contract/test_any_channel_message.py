"""Whatever a channel sends instead of one of its values, a reading comes out."""

import json
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.logic.normalising import RejectionReason
from tests.contract.channel_orders import (
    PAID,
    SENT,
    WRITTEN,
    douyin,
    jd,
    mini,
    pdd,
    reading_of,
    shopify,
    taobao,
    wechat,
    woocommerce,
)

LINE = {"sku_id": 1, "code": "A-1", "item_num": 2, "origin_amount": 600}
ROW = {
    "主订单编号": "4705288465508532862",
    "商品数量": "1",
    "商家编码": "A-1",
    "订单应付金额": "12.30",
    "订单提交时间": WRITTEN[PAID],
    "订单状态": "已发货",
    "发货时间": WRITTEN[SENT],
}
GOOD: list[tuple[str, object]] = [
    ("douyin.orders", douyin("3", pay_time=PAID, ship_time=SENT, sku_order_list=[LINE])),
    ("jd.orders", jd("FINISHED_L", balanceUsed="1.00")),
    ("pdd.orders", pdd("2×3")),
    ("taobao.trades", taobao("TRADE_CLOSED", consign_time=WRITTEN[SENT])),
    ("wechat_channels.order", wechat("250")),
    ("mini.orders", mini("5")),
    (
        "shopify.order",
        shopify(
            "partially_paid×partial",
            total_outstanding="2.30",
            fulfillments=[{"status": "success", "created_at": "2025-12-29T19:00:00-05:00"}],
        ),
    ),
    ("woocommerce.order", woocommerce("refunded", refunds=[{"id": 9, "total": "-1.00"}])),
    ("douyin.orders.file", {"day": "2025-12-29", "rows": [ROW, {**ROW, "订单状态": "待发货"}]}),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**9, 10**13),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "-", "0", "-1", "1e400", "\x00", "\ud800", '="1"', [], {}, [[]], [None]]),
)


def _places(value: object, here: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner: list[tuple[object, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [here, *(found for key, each in inner for found in _places(each, (*here, key)))]


def _with(value: object, place: tuple[object, ...], odd: object) -> object:
    if not place:
        return odd
    changed = deepcopy(value)
    assert isinstance(changed, dict | list)
    changed[place[0]] = _with(changed[place[0]], place[1:], odd)  # type: ignore[index]  # a key
    return changed


@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=300)
def test_any_value_at_any_place_becomes_a_reading(
    good: tuple[str, object], data: st.DataObject
) -> None:
    template, message = good
    place = data.draw(st.sampled_from(_places(message)))

    reading = reading_of(template, _with(message, place, data.draw(ODD)))

    if reading.rejection is not None:
        assert reading.rejection.reason is not RejectionReason.READER_FAILED
        assert reading.rejection.advice
    assert len({each.fact_id for each in reading.facts}) == len(reading.facts)
    assert repr(reading.facts).encode()


def test_each_of_them_is_readable_as_it_is() -> None:
    for template, message in GOOD:
        reading = reading_of(template, json.loads(json.dumps(message)))
        assert reading.rejection is None
        assert reading.facts
