"""Rows of exports beside what the interfaces told: nothing twice, and nothing goes back."""

import json

import pytest

from service.domain.truth import RefundState
from streams.logic.normalising import FactKind, Money
from tests.contract.channel_orders import (
    CREATED,
    ENDED,
    PAID,
    SENT,
    WRITTEN,
    douyin,
    facts_of,
    in_words,
    jd,
    pdd,
    shopify,
    taobao,
    truth_of,
    woocommerce,
)

DAY = "2025-12-29"


def a_file(*rows: dict[str, str]) -> object:
    return {"day": DAY, "rows": list(rows)}


def a_douyin_row(state: str, child: str = "1", **also: str) -> dict[str, str]:
    return {
        "主订单编号": "4705288465508532862",
        "子订单编号": f"470528846550853286{child}",
        "商品数量": "1",
        "商家编码": f"A-{child}",
        "订单应付金额": "12.30",
        "订单提交时间": WRITTEN[CREATED],
        "支付完成时间": WRITTEN[PAID],
        "订单状态": state,
        "售后状态": "-",
        "发货时间": "-",
        "订单完成时间": "-",
        **also,
    }


def a_jd_row(state: str, **also: str) -> dict[str, str]:
    return {
        "订单号": "2025122900001",
        "商品ID": "10001",
        "订购数量": "1",
        "支付方式": "在线支付",
        "下单时间": WRITTEN[CREATED],
        "京东价": "10.00",
        "订单金额": "20.00",
        "结算金额": "12.30",
        "订单状态": state,
        "付款确认时间": WRITTEN[PAID],
        "订单完成时间": "",
        **also,
    }


def a_pdd_row(state: str, **also: str) -> dict[str, str]:
    return {
        "订单号": "251229-000000000000001",
        "订单状态": state,
        "商品数量(件)": "1",
        "样式ID": "51972265894",
        "订单成交时间": WRITTEN[PAID],
        "支付时间": WRITTEN[PAID],
        "用户实付金额(元)": "12.30",
        "商品总价(元)": "20.00",
        "邮费(元)": "0.00",
        "售后状态": "无售后或售后取消",
        **also,
    }


def a_taobao_row(state: str, **also: str) -> dict[str, str]:
    return {
        "订单编号": '="2025122900000000001"',
        "总金额": "12.30",
        "买家实际支付金额": "12.30",
        "订单状态": state,
        "订单创建时间": WRITTEN[CREATED],
        "订单付款时间": WRITTEN[PAID],
        **also,
    }


@pytest.mark.parametrize(
    ("template", "row", "ours"),
    [
        ("douyin.orders.file", a_douyin_row("待支付", 支付完成时间="-"), "PENDING_PAYMENT -"),
        ("douyin.orders.file", a_douyin_row("备货中"), "AWAITING_OUTBOUND -"),
        ("douyin.orders.file", a_douyin_row("已发货", 发货时间=WRITTEN[SENT]), "SHIPPING -"),
        ("douyin.orders.file", a_douyin_row("已签收", 发货时间=WRITTEN[SENT]), "DELIVERED -"),
        ("douyin.orders.file", a_douyin_row("已完成", 订单完成时间=WRITTEN[ENDED]), "COMPLETED -"),
        ("douyin.orders.file", a_douyin_row("已关闭"), "CANCELLED -"),
        ("douyin.orders.file", a_douyin_row("已关闭", 售后状态="退款成功"), "CANCELLED full"),
        (
            "douyin.orders.file",
            a_douyin_row("已关闭", 售后状态="退款成功", 发货时间=WRITTEN[SENT]),
            "COMPLETED full closed_after_refund",
        ),
        (
            "douyin.orders.file",
            a_douyin_row("待发货", 售后状态="售后处理中"),
            "AWAITING_OUTBOUND asked",
        ),
        ("jd.orders.file", a_jd_row("等待出库"), "AWAITING_OUTBOUND -"),
        ("jd.orders.file", a_jd_row("等待确认收货"), "SHIPPING -"),
        ("jd.orders.file", a_jd_row("完成", 订单完成时间=WRITTEN[ENDED]), "COMPLETED -"),
        ("jd.orders.file", a_jd_row("已取消"), "CANCELLED full"),
        ("jd.orders.file", a_jd_row("已取消", 付款确认时间=""), "CANCELLED -"),
        ("jd.orders.file", a_jd_row("(删除)等待出库"), "CANCELLED - split_into_children"),
        (
            "jd.orders.file",
            a_jd_row("等待出库", 支付方式="货到付款", 付款确认时间=""),
            "PENDING_PAYMENT - cash_on_delivery",
        ),
        ("pdd.orders.file", a_pdd_row("待发货"), "AWAITING_OUTBOUND -"),
        ("pdd.orders.file", a_pdd_row("待发货", 是否审核中="是"), "AWAITING_OUTBOUND - hold_risk"),
        ("pdd.orders.file", a_pdd_row("待发货", 售后状态="退款成功"), "CANCELLED full"),
        ("pdd.orders.file", a_pdd_row("已发货，待收货", 发货时间=WRITTEN[SENT]), "SHIPPING -"),
        ("pdd.orders.file", a_pdd_row("已收货", 发货时间=WRITTEN[SENT]), "DELIVERED -"),
        ("pdd.orders.file", a_pdd_row("未发货，退款成功"), "CANCELLED full"),
        ("pdd.orders.file", a_pdd_row("已发货，退款成功", 发货时间=WRITTEN[SENT]), "SHIPPING back"),
        ("taobao.orders.file", a_taobao_row("等待买家付款", 订单付款时间=""), "PENDING_PAYMENT -"),
        ("taobao.orders.file", a_taobao_row("买家已付款，等待卖家发货"), "AWAITING_OUTBOUND -"),
        ("taobao.orders.file", a_taobao_row("卖家已发货，等待买家确认"), "SHIPPING -"),
        ("taobao.orders.file", a_taobao_row("交易成功"), "COMPLETED -"),
        ("taobao.orders.file", a_taobao_row("交易关闭"), "CANCELLED full"),
        ("taobao.orders.file", a_taobao_row("交易关闭", 订单付款时间=""), "CANCELLED -"),
        (
            "youzan.orders.file",
            {
                "订单号": "YZ-1",
                "买家付款时间": WRITTEN[PAID],
                "订单实付金额": "88.50",
                "订单状态": "交易成功",
            },
            "COMPLETED -",
        ),
    ],
)
def test_a_row_says_what_its_state_says(template: str, row: dict[str, str], ours: str) -> None:
    assert in_words(template, a_file(row)) == ours


def test_amounts_that_jd_repeats_on_each_row_count_once() -> None:
    rows = [a_jd_row("等待出库"), a_jd_row("等待出库", 商品ID="10002", 订购数量="3")]

    creation, payment, _ = facts_of("jd.orders.file", a_file(*rows))

    assert creation.amount == payment.amount == Money(1230, "CNY")
    assert [(each.sku, each.quantity) for each in creation.lines] == [("10001", 1), ("10002", 3)]


def test_the_sub_orders_of_a_douyin_order_add_up() -> None:
    rows = [a_douyin_row("待发货", "1"), a_douyin_row("待发货", "2", 订单应付金额="0.70")]

    creation, payment, _ = facts_of("douyin.orders.file", a_file(*rows))

    assert creation.ref.value == "4705288465508532862"
    assert creation.amount == payment.amount == Money(1300, "CNY")


def test_one_closed_sub_order_does_not_end_the_order() -> None:
    rows = [a_douyin_row("待发货", "1"), a_douyin_row("已关闭", "2")]

    assert in_words("douyin.orders.file", a_file(*rows)) == "AWAITING_OUTBOUND -"
    assert in_words("douyin.orders.file", a_file(rows[1], rows[0])) == "AWAITING_OUTBOUND -"


def test_one_sub_order_that_left_is_a_part_of_the_order() -> None:
    rows = [a_douyin_row("已发货", "1", 发货时间=WRITTEN[SENT]), a_douyin_row("待发货", "2")]

    assert in_words("douyin.orders.file", a_file(*rows)) == "SHIPPING - partial"


def test_a_late_row_moves_no_order_back() -> None:
    # The interface told that it is completed; the file of the day before still says "waiting".
    for interface, rows in (
        (("douyin.orders", douyin("5", pay_time=PAID, finish_time=ENDED)), a_douyin_row("待发货")),
        (("jd.orders", jd("FINISHED_L")), a_jd_row("等待出库")),
        (("pdd.orders", pdd("3×1")), a_pdd_row("待发货")),
        (("taobao.trades", taobao("TRADE_FINISHED")), a_taobao_row("买家已付款，等待卖家发货")),
    ):
        told = facts_of(*interface)
        late = facts_of(f"{interface[0].partition('.')[0]}.orders.file", a_file(rows))

        before, after = truth_of(*told), truth_of(*told, *late)

        assert {each.ref for each in late} == {told[0].ref}
        assert (after.state, after.since, after.paid) == (before.state, before.since, before.paid)


def test_a_file_row_that_was_cancelled_before_it_was_paid_is_no_late_payment() -> None:
    # All facts of a row hold at its own times: nothing happened "when the file came".
    facts = facts_of("taobao.orders.file", a_file(a_taobao_row("交易关闭")))

    assert {each.occurred_at.isoformat() for each in facts} == {
        "2025-12-29T00:00:00+00:00",
        "2025-12-29T00:01:00+00:00",
    }


def test_a_push_and_the_list_tell_of_the_same_money() -> None:
    push = {
        "tag": "110",
        "msg_id": "m-1",
        "data": {"p_id": 4705288465508532862, "pay_time": PAID, "pay_amount": 1230},
    }
    listed = douyin("105", pay_time=PAID, channel_payment_no="PAY1")

    truth = truth_of(*facts_of("douyin.push", push), *facts_of("douyin.orders", listed))

    assert (truth.paid.minor, truth.total.minor) == (1230, 1230)


def test_the_refund_says_how_much_whatever_order_it_is_heard_in() -> None:
    order = facts_of("pdd.orders", pdd("2×4"))
    refund = {
        "id": 7381745730,
        "order_sn": "251229-000000000000001",
        "after_sales_status": 10,
        "after_sales_type": 2,
        "refund_amount": "8.00",
        "created_time": WRITTEN[SENT],
        "updated_time": WRITTEN[ENDED],
    }
    told = facts_of("pdd.refunds", {"refund_increment_get_response": {"refund_list": [refund]}})
    detail = {**refund, "refund_amount": 800}
    same = facts_of("pdd.refund", {"refund_information_get_response": detail})

    truth = truth_of(*told, *order)

    assert (truth.refunded.minor, truth.refund_state) == (800, RefundState.PARTIAL)
    assert truth == truth_of(*order, *told)
    assert [each.fact_id for each in same] == [each.fact_id for each in told]


def test_a_refund_of_jd_is_in_cents_although_its_order_is_not() -> None:
    application = {
        "id": 900001,
        "orderId": 2025122900001,
        "applyTime": WRITTEN[SENT],
        "checkTime": WRITTEN[ENDED],
        "applyRefundSum": 1230,
        "status": 3,
    }
    found = {"queryResult": {"success": True, "result": [application]}}
    body = {"jingdong_pop_afs_soa_refundapply_queryPageList_responce": found}

    asked, back = facts_of("jd.refunds", body)

    assert (asked.kind, back.kind) == (FactKind.REFUND_REQUESTED, FactKind.REFUND_SUCCEEDED)
    assert asked.amount == back.amount == Money(1230, "CNY")
    assert (back.voucher, back.ref.value) == ("900001", "2025122900001")


def test_a_parcel_of_jd_left_when_it_was_sent_out() -> None:
    never = "0001-01-01 00:00:00"
    known = facts_of("jd.orders", jd("WAIT_GOODS_RECEIVE_CONFIRM", outBoundDate=WRITTEN[SENT]))
    unknown = facts_of("jd.orders", jd("WAIT_GOODS_RECEIVE_CONFIRM", outBoundDate=never))

    assert known[-1].kind is unknown[-1].kind is FactKind.PARCEL_SHIPPED
    assert known[-1].occurred_at.timestamp() == SENT
    assert unknown[-1].occurred_at.timestamp() == ENDED


def test_a_row_of_the_pushed_table_is_the_trade_in_it() -> None:
    trade = taobao("WAIT_SELLER_SEND_GOODS")
    row = {"tid": 2025122900000000001, "jdp_response": json.dumps(trade), "jdp_hashcode": "1"}

    assert facts_of("taobao.trades", row) == facts_of("taobao.trades", trade)


def test_a_poll_that_sees_nothing_new_tells_nothing_new() -> None:
    seen = facts_of("pdd.orders", pdd("1×1"))
    again = facts_of("pdd.orders", pdd("1×1", updated_at=WRITTEN[SENT], remark="changed"))

    assert [each.fact_id for each in again] == [each.fact_id for each in seen]


@pytest.mark.parametrize(
    ("template", "ended", "looked_at_again"),
    [
        (
            "douyin.orders",
            douyin("4", pay_time=PAID, update_time=SENT),
            douyin("4", pay_time=PAID, update_time=ENDED),
        ),
        (
            "jd.orders",
            jd("TRADE_CANCELED", modified=WRITTEN[SENT]),
            jd("TRADE_CANCELED", modified=WRITTEN[ENDED]),
        ),
        ("pdd.orders", pdd("1×4", updated_at=WRITTEN[SENT]), pdd("1×4")),
        (
            "taobao.trades",
            taobao("TRADE_CLOSED", pay_time="", end_time=WRITTEN[SENT]),
            taobao("TRADE_CLOSED", pay_time="", end_time=WRITTEN[SENT]),
        ),
        (
            "shopify.order",
            shopify("refunded", updated_at="2025-12-29T12:00:00Z"),
            shopify("refunded", updated_at="2025-12-31T12:00:00Z"),
        ),
        (
            "shopify.order",
            shopify("paid", cancelled_at="2025-12-29T12:00:00Z"),
            shopify(
                "refunded",
                cancelled_at="2025-12-29T12:00:00Z",
                updated_at="2025-12-31T12:00:00Z",
            ),
        ),
        (
            "woocommerce.order",
            woocommerce("refunded", date_modified_gmt="2025-12-30T00:00:00"),
            woocommerce("refunded", date_modified_gmt="2025-12-31T00:00:00"),
        ),
    ],
)
def test_an_order_that_ended_was_paid_before_it_however_late_one_looks(
    template: str, ended: object, looked_at_again: object
) -> None:
    # Nothing contradicts: no money "after the cancellation".
    truth = truth_of(*facts_of(template, ended), *facts_of(template, looked_at_again))

    assert truth.state.value == "CANCELLED"
    assert truth.paid == truth.total


def test_an_aftersale_row_is_in_yuan_and_knows_when_the_money_arrived() -> None:
    row = {
        "售后单号": "\t6986853269519810849",
        "订单号": '"4705288465508532862"',
        "退商品金额（元）": "10.00",
        "退运费金额（元）": "2.30",
        "售后状态": "同意退款，退款成功",
        "售后类型": "未发货仅退款",
        "售后申请时间": WRITTEN[SENT],
        "用户到账时间": WRITTEN[ENDED],
    }

    asked, back = facts_of("douyin.aftersales.file", a_file(row))

    assert (asked.voucher, asked.ref.value) == ("6986853269519810849", "4705288465508532862")
    assert asked.amount == back.amount == Money(1230, "CNY")
    assert back.kind is FactKind.REFUND_SUCCEEDED
    assert back.occurred_at.timestamp() == ENDED
