"""Rows of the platforms' exports become facts by the names of their columns."""

from collections.abc import Callable

import pytest

from streams.logic.normalising import Circumstance, FactKind, Money, OrderLine
from streams.logic.normalising.places import Path
from streams.logic.normalising.template import Part
from tests.contract.samples.conformance import TEMPLATES
from tests.contract.samples.sold import Told, as_receipt, nameless, rows_of, yuan

Sample = Callable[[str], bytes]
BY_FILE = Circumstance.LEARNT_BY_FILE


def test_a_completed_douyin_row_tells_each_step_at_its_own_time(sample: Sample) -> None:
    rows = rows_of(sample("csv/douyin_orders_export_utf8bom.csv"), "utf-8-sig")
    told = Told("douyin", "6917926768823643751", BY_FILE)
    sent, ended = "2026-09-22 00:53:45", "2026-09-24 05:18:29"

    assert nameless("douyin.orders.file", as_receipt(rows[0])) == (
        told(
            FactKind.ORDER_CREATED,
            "2026-09-21 16:54:10",
            amount=yuan("28.90"),
            list_amount=yuan("74.90"),
            lines=(OrderLine("300400008", 1),),
        ),
        # This form of the export does not tell when it was paid: before it was sent.
        told(FactKind.PAYMENT_SUCCEEDED, sent, amount=yuan("28.90")),
        told(FactKind.PARCEL_SHIPPED, sent),
        told(FactKind.ORDER_COMPLETED, ended),
        # How much went back, the export of after-sales tells.
        told(FactKind.REFUND_SUCCEEDED, ended),
    )


def test_a_shipped_and_a_waiting_douyin_row(sample: Sample) -> None:
    rows = rows_of(sample("csv/douyin_orders_export_utf8bom.csv"), "utf-8-sig")
    shipped = Told("douyin", "6917926768823643752", BY_FILE)
    waiting = Told("douyin", "6917926768823643753", BY_FILE)

    assert nameless("douyin.orders.file", as_receipt(rows[1])) == (
        shipped(
            FactKind.ORDER_CREATED,
            "2026-09-25 02:00:00",
            amount=yuan("20.00"),
            list_amount=yuan("33.00"),
            lines=(OrderLine("300400008", 1),),
        ),
        shipped(FactKind.PAYMENT_SUCCEEDED, "2026-09-25 10:00:00", amount=yuan("20.00")),
        shipped(FactKind.PARCEL_SHIPPED, "2026-09-25 10:00:00"),
    )
    assert nameless("douyin.orders.file", as_receipt(rows[2])) == (
        waiting(
            FactKind.ORDER_CREATED,
            "2026-10-02 02:00:00",
            amount=yuan("15.90"),
            list_amount=yuan("15.90"),
            lines=(OrderLine("300400008", 1),),
        ),
        waiting(FactKind.PAYMENT_SUCCEEDED, "2026-10-02 02:00:00", amount=yuan("15.90")),
        waiting(FactKind.STOCK_ALLOCATED, "2026-10-02 02:00:00"),
    )


def test_the_parent_of_a_split_jd_order_ends_and_brings_no_money(sample: Sample) -> None:
    rows = rows_of(sample("csv/jd_orders_export_gbk.csv"), "gbk")
    told = Told("jd", "11729384072", BY_FILE)

    assert nameless("jd.orders.file", as_receipt(*rows)) == (
        told(
            FactKind.ORDER_CREATED,
            "2015-12-31 15:19:56",
            amount=Money(93245, "CNY"),
            list_amount=Money(109700, "CNY"),
            lines=(OrderLine("1953814331", 1, yuan("758.00")),),
        ),
        told(FactKind.ORDER_CANCELLED, "2015-12-31 15:20:30", note="split_into_children"),
    )


@pytest.mark.parametrize(
    ("template", "header", "encoding", "needed"),
    [
        (
            "douyin.orders.file",
            "csv/douyin_orders_header_74cols.csv",
            "utf-8-sig",
            {"主订单编号", "订单提交时间", "订单应付金额", "商家编码", "商品数量", "订单状态"},
        ),
        (
            "pdd.orders.file",
            "csv/pdd_orders_header.csv",
            "utf-8-sig",
            {"订单号", "订单成交时间", "用户实付金额(元)", "商品数量(件)", "订单状态", "快递单号"},
        ),
        (
            "jd.orders.file",
            "csv/jd_orders_export_gbk.csv",
            "gbk",
            {"订单号", "下单时间", "结算金额", "订购数量", "商品ID", "订单状态", "付款确认时间"},
        ),
        (
            "taobao.orders.file",
            "csv/taobao_orders_header_gbk.csv",
            "gbk",
            {"订单编号", "订单创建时间", "总金额", "订单状态", "订单付款时间", "物流单号"},
        ),
    ],
)
def test_a_template_reads_columns_that_the_real_header_has(
    sample: Sample, template: str, header: str, encoding: str, needed: set[str]
) -> None:
    columns = set(sample(header).decode(encoding).splitlines()[0].split(","))

    assert needed <= columns
    assert needed <= _names(TEMPLATES.by_name[template].root)


def _names(part: Part) -> set[str]:
    """The last names of all paths of a template's part."""
    found: set[str] = set()
    waiting: list[object] = [part]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Path):
            found |= {step for step in each.steps[-1:] if step}
        elif isinstance(each, tuple | list):
            waiting += each
        elif hasattr(each, "__dataclass_fields__"):
            waiting += [getattr(each, name) for name in each.__dataclass_fields__]
        elif hasattr(each, "values"):
            waiting += each.values()
    return found
