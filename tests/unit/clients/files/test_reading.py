"""Files as platforms export them and as Excel leaves them: each row right, or kept and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clients.files.judging import Bad
from clients.files.reading import Source, spooled
from clients.files.spool import Order, Summary
from clients.files.tables import FileRefusedError, open_table

HEADER = "订单号,商品ID,商品名称,订购数量,下单时间,京东价,订单金额,应付金额,订单状态,商家备注"
FIRST = "11729384072,1953814331,项链,1,2015-12-31 23:19:56,758.00,1097.00,932.45,等待出库,"
SECOND = "11729384073,1953814332,戒指,2,2016-01-01 00:00:01,10.00,20.00,20.00,完成,"


def read(path: Path, template: str = "") -> tuple[Summary, list[Order], list[Bad]]:
    source = Source.of(path, template=template)
    table = open_table(path, source.looked, template)
    with spooled(source, table, path.parent / "work") as spool:
        return spool.summary, list(spool.orders()), list(spool.bad())


def saved(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_every_encoding_is_read(tmp_path: Path, encoding: str, found: str) -> None:
    file = saved(tmp_path / "a.csv", "\n".join((HEADER, FIRST, SECOND)) + "\n", encoding)

    summary, orders, bad = read(file)

    assert (summary.encoding, summary.template, summary.notes) == (found, "jd.orders.file", ())
    assert [each.number for each in orders] == ["11729384072", "11729384073"]
    assert orders[0].rows[0][2] == "项链"
    assert not bad


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_another_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join((HEADER, FIRST)).replace(",", delimiter) + "\n"

    summary, orders, bad = read(saved(tmp_path / "a.csv", text))

    assert summary.delimiter == delimiter
    assert len(orders) == 1
    assert not bad


def test_titles_before_the_header_and_sums_behind_the_rows_are_passed_over(tmp_path: Path) -> None:
    text = f"订单导出\n2016-01-01\n{HEADER}\n{FIRST}\n合计,,,,,,1097.00,,,\n\n"

    summary, orders, bad = read(saved(tmp_path / "a.csv", text))

    assert (len(orders), bad, summary.passed) == (1, [], 1)


def test_a_header_that_comes_twice_is_no_row(tmp_path: Path) -> None:
    summary, orders, bad = read(
        saved(tmp_path / "a.csv", "\n".join((HEADER, FIRST, HEADER, SECOND)))
    )

    assert (len(orders), bad, summary.notes) == (2, [], ("HEADER_REPEATED",))


def test_a_file_that_ends_within_a_row_keeps_that_row(tmp_path: Path) -> None:
    summary, orders, bad = read(
        saved(tmp_path / "a.csv", "\n".join((HEADER, FIRST, SECOND[:30])), "gbk")
    )

    assert [each.number for each in orders] == ["11729384072"]
    assert [(each.number, each.reason.value, each.order) for each in bad] == [
        (3, "CUT", "11729384073")
    ]
    assert summary.notes == ("FILE_CUT",)


def test_a_quotation_mark_that_is_never_closed_swallows_no_other_row(tmp_path: Path) -> None:
    broken = FIRST.replace("项链", '"项链')
    rows = [SECOND.replace("4073", f"{each:04}") for each in range(5000, 5100)]

    _, orders, bad = read(saved(tmp_path / "a.csv", "\n".join((HEADER, broken, *rows)) + "\n"))

    assert len(orders) == 100
    assert [(each.number, each.reason.value) for each in bad] == [(2, "QUOTES")]


def test_a_line_break_within_quotes_is_part_of_a_field(tmp_path: Path) -> None:
    remark = FIRST + '"拆分为\n11729439936,11749907506"'

    _, orders, bad = read(saved(tmp_path / "a.csv", "\n".join((HEADER, remark, SECOND)) + "\n"))

    assert not bad
    assert orders[0].rows[0][-1] == "拆分为\n11729439936,11749907506"


@pytest.mark.parametrize("shown", ['"\t{}"', '="{}"', '"=""{}"""', "'{}", " {} "])
def test_what_stands_around_a_number_is_no_part_of_it(tmp_path: Path, shown: str) -> None:
    row = FIRST.replace("11729384072", shown.format("11729384072"))

    _, orders, bad = read(saved(tmp_path / "a.csv", f"{HEADER}\n{row}\n"))

    assert ([each.number for each in orders], bad) == (["11729384072"], [])


@pytest.mark.parametrize(
    ("change", "reason", "column"),
    [
        (lambda row: row.replace("11729384072", "1.17294E+10"), "NUMBER_ROUNDED", "订单号"),
        (lambda row: row.replace("11729384072", "-"), "ORDER_MISSING", "订单号"),
        (lambda row: row.replace("等待出库", ""), "FIELD_MISSING", "订单状态"),
        (lambda row: row.replace("932.45", "932.4.5"), "FIELD_INVALID", "应付金额"),
        (lambda row: row.replace("12-31", "13-31"), "FIELD_INVALID", "下单时间"),
        (lambda row: row.replace(",1,", ",one,"), "FIELD_INVALID", "订购数量"),
        (lambda row: row + ",more", "COLUMNS", ""),
    ],
)
def test_each_kind_of_wrong_row_is_named(
    tmp_path: Path, change: Callable[[str], str], reason: str, column: str
) -> None:
    text = "\n".join((HEADER, change(FIRST), SECOND)) + "\n"

    _, orders, bad = read(saved(tmp_path / "a.csv", text))

    assert [(each.reason.value, each.column) for each in bad] == [(reason, column)]
    assert [each.number for each in orders] == ["11729384073"]


def test_numbers_that_excel_has_rounded_are_kept(tmp_path: Path) -> None:
    rows = [
        FIRST.replace("11729384072", "4705288465508533000"[:15] + f"{each}000") for each in (0, 0)
    ]
    text = "\n".join((HEADER, *rows)) + "\n"

    summary, orders, bad = read(saved(tmp_path / "a.csv", text))

    assert not orders
    assert [each.reason.value for each in bad] == ["NUMBER_ROUNDED"] * 2
    assert summary.notes == ("NUMBERS_ROUNDED",)


def test_times_as_excel_saves_them_are_read(tmp_path: Path) -> None:
    row = FIRST.replace("2015-12-31 23:19:56", "2015/12/31 23:19")

    _, orders, _ = read(saved(tmp_path / "a.csv", f"{HEADER}\n{row}\n"))

    assert orders[0].rows[0][4] == "2015-12-31 23:19:00"


def test_a_file_without_what_it_needs_is_refused_with_advice(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.csv", HEADER.replace("订单状态", "订单状况") + "\n" + FIRST)

    with pytest.raises(FileRefusedError) as refused:
        read(file)

    assert "订单状态" in refused.value.problem
    assert "订单状况" in refused.value.advice


def test_what_is_no_file_of_orders_is_refused(tmp_path: Path) -> None:
    for name, text in (("a.csv", "name,age\nli,3\n"), ("b.csv", "")):
        with pytest.raises(FileRefusedError):
            read(saved(tmp_path / name, text))


def test_a_byte_that_is_no_text_spoils_its_row_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    broken = FIRST.encode("gbk").replace("链".encode("gbk"), b"\xff\xff")
    file.write_bytes(b"\n".join((HEADER.encode("gbk"), broken, SECOND.encode("gbk"), b"")))

    summary, orders, bad = read(file)

    assert [each.number for each in orders] == ["11729384073"]
    assert [each.reason.value for each in bad] == ["ENCODING"]
    assert summary.notes == ("BYTES_NO_TEXT",)


def test_columns_of_one_name_that_differ_are_kept(tmp_path: Path) -> None:
    text = f"{HEADER},应付金额\n{FIRST},932.45\n{SECOND},19.00\n"

    summary, orders, bad = read(saved(tmp_path / "a.csv", text))

    assert [each.number for each in orders] == ["11729384072"]
    assert [each.reason.value for each in bad] == ["COLUMNS_DIFFER"]
    assert summary.notes == ("COLUMNS_DOUBLED",)
