"""The platforms' states are ours, as the tables of their documentation say.

Each row: the platform's state, ours, what became of the money (`-` nothing told, `asked`, `back`
without an amount, `full`), and notes.
"""

from collections.abc import Callable

import pytest

from streams.logic.normalising import RejectionReason
from tests.contract.channel_orders import (
    ENDED,
    PAID,
    SENT,
    WRITTEN,
    douyin,
    in_words,
    jd,
    mini,
    pdd,
    reading_of,
    shopify,
    taobao,
    wechat,
    woocommerce,
)

TABLES = {
    ("douyin.orders", douyin): """
        1    PENDING_PAYMENT    -
        103  PAYING             -  deposit_paid
        105  PAID               -
        2    AWAITING_OUTBOUND  -
        101  SHIPPING           -  partial
        3    SHIPPING           -
        5    COMPLETED          -
        4    CANCELLED          -
    """,
    ("jd.orders", jd): """
        WAIT_SELLER_STOCK_OUT         AWAITING_OUTBOUND  -
        DengDaiChuKu                  AWAITING_OUTBOUND  -
        WAIT_SELLER_DELIVERY          AWAITING_OUTBOUND  -
        SEND_TO_DISTRIBUTION_CENER    SHIPPING           -
        DISTRIBUTION_CENTER_RECEIVED  SHIPPING           -
        WAIT_GOODS_RECEIVE_CONFIRM    SHIPPING           -
        RECEIPTS_CONFIRM              DELIVERED          -
        FINISHED_L                    COMPLETED          -
        WanCheng                      COMPLETED          -
        TRADE_CANCELED                CANCELLED          full
        LOCKED                        PAID               -  hold_locked
        PAUSE                         PAID               -  hold_paused
        POP_ORDER_PAUSE               PAID               -  hold_paused
        DELIVERY_RETURN               SHIPPING           asked
    """,
    ("pdd.orders", pdd): """
        1×1  AWAITING_OUTBOUND  -
        2×1  SHIPPING           -
        3×1  DELIVERED          -
        1×2  AWAITING_OUTBOUND  asked
        2×3  SHIPPING           asked
        1×4  CANCELLED          full
        2×4  SHIPPING           back
        3×4  DELIVERED          back
    """,
    ("taobao.trades", taobao): """
        TRADE_NO_CREATE_PAY       PENDING_PAYMENT    -
        WAIT_BUYER_PAY            PENDING_PAYMENT    -
        PAY_PENDING               PAYING             -
        WAIT_PRE_AUTH_CONFIRM     PAYING             -
        WAIT_SELLER_SEND_GOODS    AWAITING_OUTBOUND  -
        PAID_FORBID_CONSIGN       PAID               -  hold_forbidden
        SELLER_CONSIGNED_PART     SHIPPING           -  partial
        WAIT_BUYER_CONFIRM_GOODS  SHIPPING           -
        TRADE_BUYER_SIGNED        DELIVERED          -
        TRADE_FINISHED            COMPLETED          -
        TRADE_CLOSED              CANCELLED          full
        TRADE_CLOSED_BY_TAOBAO    CANCELLED          -
    """,
    ("wechat_channels.order", wechat): """
        10   PENDING_PAYMENT    -
        12   PAID               -  hold_gift
        13   PAID               -  hold_collecting
        20   AWAITING_OUTBOUND  -
        21   SHIPPING           -  partial
        30   SHIPPING           -
        100  COMPLETED          -
        190  CANCELLED          full
        250  CANCELLED          full
        200  CANCELLED          full
    """,
    ("mini.orders", mini): """
        1  AWAITING_OUTBOUND  -
        2  SHIPPING           -
        3  DELIVERED          -
        4  COMPLETED          -
        5  CANCELLED          full
        6  COMPLETED          -
    """,
    ("shopify.order", shopify): """
        pending               PENDING_PAYMENT    -
        authorized            PAYING             -
        paid                  AWAITING_OUTBOUND  -
        paid×partial          SHIPPING           -  partial
        paid×fulfilled        SHIPPING           -
        partially_refunded    AWAITING_OUTBOUND  -
        refunded              CANCELLED          full
        refunded×fulfilled    SHIPPING           full
        voided                CANCELLED          -
    """,
    ("woocommerce.order", woocommerce): """
        pending     PENDING_PAYMENT    -
        on-hold     PAYING             -
        processing  AWAITING_OUTBOUND  -
        completed   COMPLETED          -
        cancelled   CANCELLED          -
        failed      PENDING_PAYMENT    -
        refunded    CANCELLED          full
    """,
}

Order = Callable[..., object]
ROWS = [
    (template, order, *row.split(maxsplit=1))
    for (template, order), table in TABLES.items()
    for row in table.strip().splitlines()
]


@pytest.mark.parametrize(
    ("template", "order", "state", "ours"), ROWS, ids=[f"{each[0]} {each[2]}" for each in ROWS]
)
def test_a_state_is_ours(template: str, order: Order, state: str, ours: str) -> None:
    assert in_words(template, order(state)) == " ".join(ours.split())


SPECIAL = [
    # Who paid and is cancelled gets all of it back; what had left is done, not called off.
    ("douyin.orders", douyin("4", pay_time=PAID), "CANCELLED full"),
    (
        "douyin.orders",
        douyin("4", pay_time=PAID, ship_time=SENT, finish_time=ENDED),
        "COMPLETED full closed_after_refund",
    ),
    # Cash on delivery is not there before the parcel is.
    ("douyin.orders", douyin("2", pay_type=0), "PENDING_PAYMENT - cash_on_delivery"),
    ("jd.orders", jd("NOT_PAY", paymentConfirmTime="0001-01-01 00:00:00"), "PENDING_PAYMENT -"),
    (
        "jd.orders",
        jd("TRADE_CANCELED", paymentConfirmTime="0001-01-01 00:00:00"),
        "CANCELLED -",
    ),
    (
        "jd.orders",
        jd(
            "WAIT_SELLER_STOCK_OUT",
            payType="1-货到付款",
            paymentConfirmTime="0001-01-01 00:00:00",
        ),
        "PENDING_PAYMENT - cash_on_delivery",
    ),
    (
        "jd.orders",
        jd("RECEIPTS_CONFIRM", payType="1-货到付款", paymentConfirmTime="0001-01-01 00:00:00"),
        "DELIVERED -",
    ),
    (
        "taobao.trades",
        taobao("WAIT_SELLER_SEND_GOODS", type="cod"),
        "PENDING_PAYMENT - cash_on_delivery",
    ),
    (
        "taobao.trades",
        taobao("WAIT_BUYER_PAY", step_trade_status="FRONT_PAID_FINAL_NOPAID"),
        "PAYING - deposit_paid",
    ),
    (
        "taobao.trades",
        taobao("TRADE_CLOSED", consign_time=WRITTEN[SENT]),
        "COMPLETED full closed_after_refund",
    ),
    ("taobao.trades", taobao("WAIT_BUYER_PAY(等待买家付款)"), "PENDING_PAYMENT -"),
    # A group that is not complete, or failed; and a buyer who is looked at.
    ("pdd.orders", pdd("1×1", group_status=0), "PAID - hold_group"),
    ("pdd.orders", pdd("1×1", group_status=2), "PAID asked group_failed"),
    ("pdd.orders", pdd("1×1", risk_control_status=1), "AWAITING_OUTBOUND - hold_risk"),
    ("pdd.orders", pdd("1×1", confirm_status=0), "PENDING_PAYMENT -"),
    ("pdd.orders", pdd("1×1", confirm_status=2), "CANCELLED -"),
    # States come as numbers or as text.
    ("pdd.orders", pdd("2×2", order_status="2", refund_status="2"), "SHIPPING asked"),
    # Buy now, pay later: `pay_time` is no payment. A prize costs nothing.
    ("wechat_channels.order", wechat("20", payment_method=2), "PENDING_PAYMENT - pay_later"),
    ("wechat_channels.order", wechat("100", payment_method=2), "COMPLETED -"),
    ("wechat_channels.order", wechat("20", payment_method=3), "AWAITING_OUTBOUND -"),
    ("wechat_channels.order", wechat("250", pay_time=0), "CANCELLED -"),
    ("shopify.order", shopify("paid", cancelled_at="2025-12-29T19:00:00-05:00"), "CANCELLED -"),
    (
        "shopify.order",
        shopify("paid×fulfilled", closed_at="2025-12-30T19:00:00-05:00"),
        "COMPLETED -",
    ),
    ("shopify.order", shopify("voided", cancelled_at="2025-12-29T19:00:00-05:00"), "CANCELLED -"),
    (
        "woocommerce.order",
        woocommerce("processing", payment_method="cod"),
        "PENDING_PAYMENT - cash_on_delivery",
    ),
    (
        "woocommerce.order",
        woocommerce("refunded", date_completed_gmt="2025-12-29T12:00:00"),
        "COMPLETED full",
    ),
]


@pytest.mark.parametrize(("template", "body", "ours"), SPECIAL)
def test_what_a_state_alone_does_not_tell(template: str, body: object, ours: str) -> None:
    assert in_words(template, body) == ours


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("douyin.orders", douyin("77")),
        ("jd.orders", jd("WAIT_FOR_GODOT")),
        ("pdd.orders", pdd("9×1")),
        ("pdd.orders", pdd("1×9")),
        ("taobao.trades", taobao("TRADE_PAUSED")),
        ("wechat_channels.order", wechat("77")),
        ("mini.orders", mini("7")),
        ("shopify.order", shopify("bartered")),
        ("woocommerce.order", woocommerce("parked")),
    ],
)
def test_a_state_that_nobody_knows_is_refused_not_guessed(template: str, body: object) -> None:
    reading = reading_of(template, body)

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_INVALID


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("douyin.orders", {"err_no": 30001, "message": "token", "data": {"shop_order_list": []}}),
        ("douyin.orders", {"code": 40003, "sub_code": "isv.token", "data": None}),
        ("douyin.aftersales", {"code": 50002, "data": {"items": []}}),
        ("jd.orders", {"error_response": {"code": "19", "zh_desc": "access_token"}}),
        (
            "jd.orders",
            {
                "jingdong_pop_order_search_responce": {
                    "code": "0",
                    "searchorderinfo_result": {"apiResult": {"success": False}},
                }
            },
        ),
        ("jd.orders", {"jingdong_pop_order_search_responce": {"code": 403}}),
        ("jd.refunds", {"error_response": {"code": "19"}}),
        (
            "jd.refunds",
            {"jingdong_pop_afs_soa_refundapply_queryPageList_responce": {"code": 403}},
        ),
        (
            "jd.refunds",
            {
                "jingdong_pop_afs_soa_refundapply_queryPageList_responce": {
                    "queryResult": {"code": 403, "result": []}
                }
            },
        ),
        ("pdd.orders", {"error_response": {"error_code": 10019, "error_msg": "token"}}),
        ("pdd.refunds", {"error_response": {"error_code": 10019}}),
        ("pdd.refunds", {"refund_information_get_response": {"refund_amount": 1847}}),
        ("taobao.trades", {"error_response": {"code": 27, "sub_code": "isv.session"}}),
        ("wechat_channels.order", {"errcode": 40001, "errmsg": "invalid credential"}),
        ("mini.orders", {"errcode": 268485195, "errmsg": "no"}),
        ("shopify.order", {"errors": "[API] Invalid API key"}),
        ("woocommerce.order", {"code": "rest_no_route", "message": "No route", "data": {}}),
    ],
)
def test_an_error_in_an_answer_of_http_200_is_an_error(template: str, body: object) -> None:
    reading = reading_of(template, body)

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_INVALID
    assert len(reading.rejection.advice) > len("Read it.")


def test_an_empty_page_means_nothing_and_is_no_error() -> None:
    for template, body in (
        ("douyin.orders", {"data": {"shop_order_list": []}, "err_no": 0}),
        ("pdd.refunds", {"refund_increment_get_response": {"refund_list": []}}),
        ("taobao.trades", {"trades_sold_get_response": {"trades": {"trade": []}}}),
        ("mini.orders", {"errcode": 0, "order_list": []}),
        ("woocommerce.order", []),
    ):
        reading = reading_of(template, body)
        assert (reading.facts, reading.rejection) == ((), None)
