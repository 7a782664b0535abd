"""What rows of exports mean as people and their spreadsheets leave them."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import Fact, FactKind, Money
from tests.unit.streams.normalising.builders import facts_of, rejection_of

BOUGHT = "2025-12-29 08:00:00"


def a_file(*rows: dict[str, str]) -> dict[str, object]:
    return {"day": "2025-12-29", "rows": list(rows)}


def a_douyin_row(**also: str) -> dict[str, str]:
    return {
        "主订单编号": "\t6917926768823643751",
        "子订单编号": "\t6917926768823643751",
        "商家编码": "A01",
        "商品数量": "2",
        "订单应付金额": "58.90",
        "订单提交时间": BOUGHT,
        "支付完成时间": BOUGHT,
        "订单状态": "待发货",
        "售后状态": "-",
        **also,
    }


def a_taobao_row(**also: str) -> dict[str, str]:
    return {
        "订单编号": '="2025122900000000001"',
        "总金额": "12.30",
        "订单状态": "交易成功",
        "订单创建时间": BOUGHT,
        "订单付款时间": BOUGHT,
        "确认收货时间": "2025-12-30 10:00:00",
        **also,
    }


def a_pdd_row(state: str, after_sale: str) -> dict[str, str]:
    return {
        "订单号": "251229-000000000000001",
        "订单状态": state,
        "售后状态": after_sale,
        "商品数量(件)": "1",
        "样式ID": "51972265894",
        "订单成交时间": BOUGHT,
        "支付时间": BOUGHT,
        "用户实付金额(元)": "12.30",
    }


def kinds(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.kind.value for fact in facts]


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("58.9", 5890),
        ("1,058.90", 105890),
        ("¥1,058.90", 105890),
        ("￥ 12", 1200),
        ("12.3元", 1230),
        ("1,234,567.00", 123456700),
        ("1058.900", 105890),
    ],
)
def test_an_amount_is_read_as_a_spreadsheet_shows_it(written: str, minor: int) -> None:
    created, *_ = facts_of("douyin.orders.file", a_file(a_douyin_row(订单应付金额=written)))

    assert created.amount == Money(minor, "CNY")


@pytest.mark.parametrize(
    "written",
    ["1,05", "1.058,90", "1，058.90", "12,3456", "-5.00", "12.345", "1e3", "$5", "１２", "5.05E+3"],
)
def test_an_amount_that_could_be_another_is_refused(written: str) -> None:
    rejection = rejection_of("douyin.orders.file", a_file(a_douyin_row(订单应付金额=written)))

    assert rejection.field == "rows[].订单应付金额"


@pytest.mark.parametrize("number", ["'6917926768823643751", '="6917926768823643751"'])
def test_a_number_sheds_what_keeps_its_digits(number: str) -> None:
    created, *_ = facts_of("douyin.orders.file", a_file(a_douyin_row(主订单编号=number)))

    assert created.ref.value == "6917926768823643751"


@pytest.mark.parametrize("number", ["6.91793E+18", "6.91792676882364e+18", "7E+18"])
def test_a_number_that_a_spreadsheet_rounded_is_no_order(number: str) -> None:
    # Thousands of orders would become one.
    rejection = rejection_of("douyin.orders.file", a_file(a_douyin_row(主订单编号=number)))

    assert rejection.field == "rows[].主订单编号"
    assert "without opening it" in rejection.advice


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-02 08:05:00",
        "2026/01/02 08:05:00",
        "2026/1/2 8:05:00",
        "2026/1/2 8:05",
        "2026/01/02 08:05",
    ],
)
def test_a_time_is_read_as_a_spreadsheet_leaves_it(written: str) -> None:
    created, *_ = facts_of("douyin.orders.file", a_file(a_douyin_row(订单提交时间=written)))

    assert created.occurred_at == datetime(2026, 1, 2, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["2026/1/2", "2026/1/2 8:5", "1/2/2026 8:05", "46024.3368", "2026/13/2 8:05", "26/1/2 8:05"],
)
def test_a_time_that_could_be_another_is_refused(written: str) -> None:
    rejection = rejection_of("douyin.orders.file", a_file(a_douyin_row(订单提交时间=written)))

    assert rejection.field == "rows[].订单提交时间"
    assert "2026/1/31 8:05" in rejection.advice


def test_sub_orders_that_a_tool_merged_keep_their_money_and_lose_their_lines() -> None:
    row = a_douyin_row(子订单编号="1;2", 商家编码="A01;B02", 商品数量="5")

    created, noted, paid, _ = facts_of("douyin.orders.file", a_file(row))

    assert (created.amount, created.lines) == (Money(5890, "CNY"), ())
    assert (noted.kind, noted.note) == (FactKind.NOTED, "lines_merged")
    assert paid.amount == Money(5890, "CNY")


def test_a_sub_order_of_its_own_says_what_was_bought() -> None:
    created, *_ = facts_of("douyin.orders.file", a_file(a_douyin_row()))

    assert [(line.sku, line.quantity) for line in created.lines] == [("A01", 2)]


@pytest.mark.parametrize("written", ["2.30", "2.30元"])
def test_what_went_back_of_a_finished_taobao_trade_is_a_sum_so_far(written: str) -> None:
    *_, back = facts_of("taobao.orders.file", a_file(a_taobao_row(退款金额=written)))

    assert (back.kind, back.amount) == (FactKind.REFUND_SUCCEEDED, Money(230, "CNY"))
    assert back.note == "total_so_far"
    assert back.occurred_at == datetime(2025, 12, 30, 2, tzinfo=UTC)


@pytest.mark.parametrize("nothing", ["", "0", "0.00", "-", "无退款申请"])
def test_nothing_went_back_of_a_taobao_trade_without_a_sum(nothing: str) -> None:
    facts = facts_of("taobao.orders.file", a_file(a_taobao_row(退款金额=nothing)))

    assert kinds(facts) == ["ORDER_CREATED", "PAYMENT_SUCCEEDED", "ORDER_COMPLETED"]


@pytest.mark.parametrize(
    ("state", "after_sale", "told"),
    [
        ("已发货，待签收", "无售后或售后取消", ["PARCEL_SHIPPED"]),
        ("已发货待签收", "售后处理中", ["PARCEL_SHIPPED", "REFUND_REQUESTED"]),
        ("已签收", "退款成功", ["PARCEL_SHIPPED", "PARCEL_DELIVERED", "REFUND_SUCCEEDED"]),
        ("已签收，退款成功", "退款成功", ["PARCEL_SHIPPED", "REFUND_SUCCEEDED"]),
        ("未发货，退款成功", "退款成功", ["ORDER_CANCELLED", "REFUND_SUCCEEDED"]),
        ("待发货", "售后处理中", ["STOCK_ALLOCATED", "REFUND_REQUESTED"]),
    ],
)
def test_a_pdd_row_says_where_the_parcel_and_the_money_are(
    state: str, after_sale: str, told: list[str]
) -> None:
    facts = facts_of("pdd.orders.file", a_file(a_pdd_row(state, after_sale)))

    assert kinds(facts) == ["ORDER_CREATED", "PAYMENT_SUCCEEDED", *told]
