"""Workbooks are read as texts are; what they rounded or only look like is kept or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clients.files import sheets
from clients.files.tables import FileRefusedError
from tests.unit.clients.files.reads import read
from tests.unit.clients.files.workbooks import Cell, Date, write_xls, write_xlsx

# Above 2^53, and with all its digits.
FIRST, SECOND, THIRD = "6917930000000000001", "6917930000000000002", "6917930000000000003"
NAMES = [
    *("主订单编号", "子订单编号", "选购商品", "商品数量", "订单应付金额", "运费", "优惠总金额"),
    *("订单提交时间", "订单状态", "售后状态"),
]

Write = Callable[..., Path]
WORKBOOKS = pytest.mark.parametrize(
    ("write", "name"), [(write_xlsx, "a.xlsx"), (write_xls, "a.xls")]
)


def cells(order: Cell, *, paid: Cell = 28.9, at: Cell = "2026-09-22 00:54:10") -> list[Cell]:
    return [order, f"{THIRD}1", "香辣牛肉酱", 1, paid, 0, 0, at, "已完成", "-"]


@WORKBOOKS
def test_a_workbook_is_read_as_a_text_is(tmp_path: Path, write: Write, name: str) -> None:
    # 2026-09-22 00:54:10 as Excel counts.
    date = Date(46287 + (54 * 60 + 10) / 86_400)
    rows: list[list[Cell]] = [list(NAMES), cells(FIRST), cells(SECOND, at=date, paid=0.1 + 0.2)]

    found = read(write(tmp_path / name, rows))

    assert (found.sent, found.kept) == ([FIRST, SECOND], [])
    assert found.field(FIRST, "订单应付金额") == "28.9"
    assert found.field(SECOND, "订单应付金额") == "0.3"
    assert found.field(SECOND, "订单提交时间") == "2026-09-22 00:54:10"
    assert found.field(SECOND, "商品数量") == "1"


@WORKBOOKS
def test_a_number_that_a_workbook_has_rounded_is_kept_and_named(
    tmp_path: Path, write: Write, name: str
) -> None:
    rows: list[list[Cell]] = [list(NAMES), cells(float(FIRST)), cells(SECOND)]

    found = read(write(tmp_path / name, rows))

    assert found.sent == [SECOND]
    assert found.kept == [(2, "NUMBER_ROUNDED", "主订单编号")]


@WORKBOOKS
def test_a_time_that_is_only_a_number_is_kept_and_named(
    tmp_path: Path, write: Write, name: str
) -> None:
    found = read(write(tmp_path / name, [list(NAMES), cells(FIRST, at=46287.0376)]))

    assert found.kept == [(2, "FIELD_INVALID", "订单提交时间")]


def test_rows_of_a_sheet_are_told_as_excel_numbers_them(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["导出"], list(NAMES), cells("-")]

    found = read(write_xlsx(tmp_path / "a.xlsx", rows, first=5))

    assert found.kept == [(7, "ORDER_MISSING", "主订单编号")]


def test_what_only_looks_like_a_workbook_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 and nothing else")
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 2_000)
    write_xlsx(tmp_path / "empty.xlsx", [])

    for name in ("a.xlsx", "a.xls", "empty.xlsx"):
        with pytest.raises(FileRefusedError):
            read(tmp_path / name)


def test_a_workbook_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_xlsx(tmp_path / "a.xlsx", [list(NAMES), cells(FIRST)])
    monkeypatch.setattr(sheets, "UNPACKED_MAX", 1_000)

    with pytest.raises(FileRefusedError) as refused:
        read(file)

    assert "CSV" in refused.value.advice
