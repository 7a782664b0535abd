"""WeChat Pay's bill as it is downloaded: every cell behind a grave accent, sums at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from clients.files.telling import Telling
from tests.unit.clients.files.reads import read, saved

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
PAYMENTS_ALONE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
    "`3,`20.00,`8.00,`0.00,`0.12000,`23.45,`10.00",
)
FIRST, SECOND = "4200000925202101284997714292", "4200000910202101282955148400"


def paid(number: str, order: str, amount: str = "23.45") -> str:
    return (
        f"`2026-01-01 07:30:00,`wx81be,`1900000001,`0,`,`{number},`{order},`oAbc,`JSAPI,`SUCCESS,"
        f"`OTHERS,`CNY,`20.00,`0.00,`0,`0,`0.00,`0.00,`,`,`茶,`,`0.12000,`0.60%,`{amount},`0.00,`"
    )


def refunded(number: str, order: str, refund: str) -> str:
    return (
        f"`2026-01-01 23:59:59,`wx81be,`1900000001,`0,`,`{number},`{order},`oAbc,`JSAPI,`REFUND,"
        f"`OTHERS,`CNY,`0.00,`0.00,`5030{refund},`{refund},`8.00,`0.00,`ORIGINAL,`SUCCESS,`茶,`,"
        "`-0.05000,`0.60%,`0.00,`10.00,`"
    )


def test_a_bill_is_known_by_its_columns_and_freed_of_its_accents(tmp_path: Path) -> None:
    lines = (HEADER, paid(FIRST, "T-1"), paid(SECOND, "T-2"), refunded(FIRST, "T-1", "R-1"))

    found = read(saved(tmp_path / "bill.csv", *lines, *SUMS, encoding="utf-8-sig"))

    assert found.summary.template == "wechatpay.bill.file"
    assert found.sent == ["T-1", "T-2"]
    assert found.kept == []
    # The two lines of sums; the payment and the refund of one order go together.
    assert (found.summary.rows, found.summary.passed) == (3, 2)
    assert found.field("T-1", "微信订单号") == FIRST
    assert found.field("T-1", "商户退款单号", row=1) == "R-1"
    assert found.field("T-2", "订单金额") == "23.45"


def test_several_refunds_of_one_payment_are_rows_of_their_own(tmp_path: Path) -> None:
    lines = (HEADER, refunded(FIRST, "T-1", "R-1"), refunded(FIRST, "T-1", "R-2"), *SUMS)

    found = read(saved(tmp_path / "bill.csv", *lines))

    assert [len(each.rows) for each in found.orders] == [2]
    assert found.kept == []


def test_a_bill_of_payments_alone_is_read_without_the_columns_of_refunds(tmp_path: Path) -> None:
    row = (
        f"`2026-01-01 07:30:00,`wx81be,`1900000001,`0,`,`{FIRST},`T-1,`oAbc,`JSAPI,`SUCCESS,"
        "`OTHERS,`CNY,`20.00,`0.00,`茶,`,`0.12000,`0.60%,`23.45,`"
    )

    found = read(saved(tmp_path / "bill.csv", PAYMENTS_ALONE, row, *SUMS))

    assert (found.sent, found.kept) == (["T-1"], [])


def test_bills_of_two_days_in_one_file_lose_no_row_behind_the_first_sums(tmp_path: Path) -> None:
    lines = (HEADER, paid(FIRST, "T-1"), *SUMS, HEADER, paid(SECOND, "T-2"), *SUMS)

    found = read(saved(tmp_path / "bill.csv", *lines))

    assert found.sent == ["T-1", "T-2"]


def test_a_number_that_a_spreadsheet_rounded_is_kept_for_a_person(tmp_path: Path) -> None:
    lines = (HEADER, paid("4.20000E+27", "T-1"), paid(SECOND, "T-2"), *SUMS)

    found = read(saved(tmp_path / "bill.csv", *lines))

    assert found.sent == ["T-2"]
    assert found.kept == [(2, "NUMBER_ROUNDED", "微信订单号")]


def test_its_receipts_come_from_the_provider_and_of_no_channel(tmp_path: Path) -> None:
    found = read(saved(tmp_path / "bill.csv", HEADER, paid(FIRST, "T-1"), *SUMS))
    telling = Telling(
        "wechatpay",
        "main",
        found.summary.template,
        "2026-01-01",
        found.summary.columns,
        datetime(2026, 1, 2, tzinfo=UTC),
    )

    receipt = telling.receipt(found.orders[0])

    assert (receipt.source, receipt.channel, receipt.account) == ("wechatpay", "", "main")
    assert receipt.order_hint == "T-1"
