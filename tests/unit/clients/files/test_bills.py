"""WeChat Pay's bill as it is downloaded: every cell behind a grave accent, sums at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from clients.files.telling import Telling
from tests.unit.clients.files.bills import (
    FIRST,
    HEADER,
    PAYMENTS_ALONE,
    SECOND,
    SUMS,
    paid,
    refunded,
)
from tests.unit.clients.files.reads import read, saved


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
