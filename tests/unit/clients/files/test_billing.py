"""Rows of a bill as lines of its statement: each payment and refund by its number and amount."""

from __future__ import annotations

from pathlib import Path

from clients.files.billing import LINES_AT_ONCE, day_of, lines_of, parted
from clients.sdk.money import amount
from concord.reconciliations.v1.statement_pb2 import StatementLine
from tests.unit.clients.files.bills import FIRST, HEADER, SECOND, SUMS, paid, refunded
from tests.unit.clients.files.reads import read, saved


def test_each_row_is_a_line_with_its_number_and_what_was_asked(tmp_path: Path) -> None:
    rows = (paid(FIRST, "T-1"), refunded(FIRST, "T-1", "R-1"), paid(SECOND, "T-2", "1.00"))
    found = read(saved(tmp_path / "bill.csv", HEADER, *rows, *SUMS))

    lines = list(lines_of(found.orders, found.summary.columns))

    assert day_of(found.orders, found.summary.columns) == "2026-01-01"
    assert len(lines) == found.summary.rows == 3
    assert [(each.ref.namespace, each.ref.value, each.key, each.voucher) for each in lines] == [
        ("merchant", "T-1", f"payment:{FIRST}", FIRST),
        ("merchant", "T-1", "refund:R-1", "R-1"),
        ("merchant", "T-2", f"payment:{SECOND}", SECOND),
    ]
    assert str(amount(lines[0].amount)) == "23.45"
    # What was asked back, not what was left of it after coupons.
    assert str(amount(lines[1].refunded)) == "10"
    assert not lines[1].HasField("amount")


def test_a_refund_that_has_not_arrived_is_a_line_without_an_amount(tmp_path: Path) -> None:
    row = refunded(FIRST, "T-1", "R-1").replace("ORIGINAL,`SUCCESS", "ORIGINAL,`PROCESSING")
    found = read(saved(tmp_path / "bill.csv", HEADER, row, *SUMS))

    (line,) = lines_of(found.orders, found.summary.columns)

    assert line.voucher == "R-1"
    assert not line.HasField("refunded")
    assert not line.HasField("amount")


def test_no_call_has_more_lines_than_it_may() -> None:
    parts = list(parted(StatementLine(key=str(each)) for each in range(LINES_AT_ONCE + 1)))

    assert [len(each) for each in parts] == [LINES_AT_ONCE, 1]
