"""Files that people and programs had in hand: each row is right, or kept and named."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.files.tables import FileRefusedError
from clients.files.telling import Telling
from concord.intake.v1.receipt_pb2 import Receipt
from tests.builders import NOON
from tests.unit.clients.files.reads import read, saved

# Above 2^53, and with all its digits.
FIRST, SECOND, THIRD = "6917930000000000001", "6917930000000000002", "6917930000000000003"
NAMES = [
    *("主订单编号", "子订单编号", "选购商品", "商品数量", "订单应付金额", "运费", "优惠总金额"),
    *("订单提交时间", "订单状态", "售后状态"),
]
HEADER = ",".join(NAMES)
PDD_NAMES = "订单号,商品数量(件),商品总价(元),用户实付金额(元),支付时间,订单状态,售后状态,样式ID"


def row(order: str = FIRST, child: str = "1", paid: str = "28.90", state: str = "已完成") -> str:
    return (
        f'"\t{order}","\t{order[:-1]}{child}{order[-1]}","\t香辣牛肉酱",1,{paid},0.00,0.00,'
        f"2026-09-22 00:54:10,{state},-"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "gb18030", "utf-16-le", "utf-16-be"])
def test_a_file_cut_within_a_character_keeps_its_last_row_alone(
    tmp_path: Path, encoding: str
) -> None:
    file = saved(tmp_path / "a.csv", HEADER, row(), row(SECOND), encoding=encoding)
    text = file.read_bytes()
    # Within the second character of the last state: 已|完成.
    cut = text.rindex("完成".encode(encoding)) + 1
    file.write_bytes(text[:cut])

    found = read(file)

    assert found.sent == [FIRST]
    assert found.kept == [(3, "CUT", "")]
    assert "FILE_CUT" in found.summary.notes


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", [True, False])
def test_utf_16_with_and_without_its_mark(tmp_path: Path, encoding: str, *, mark: bool) -> None:
    begin = codecs.BOM_UTF16_LE if encoding.endswith("le") else codecs.BOM_UTF16_BE
    file = saved(tmp_path / "a.csv", HEADER, row(), encoding=encoding)
    file.write_bytes((begin if mark else b"") + file.read_bytes())

    found = read(file)

    assert (found.sent, found.kept) == ([FIRST], [])
    assert found.field(FIRST, "订单状态") == "已完成"


def test_the_same_rows_in_other_bytes_are_the_same_receipts(tmp_path: Path) -> None:
    lines = (HEADER, row(), row(SECOND), row(SECOND, child="2"))
    tabbed = ["\t".join(each.replace("\t", "").split(",")) for each in lines]
    files = [
        saved(tmp_path / "a.csv", *lines),
        saved(tmp_path / "b.csv", *lines, encoding="gbk", end="\n"),
        saved(tmp_path / "c.csv", *lines, encoding="utf-16"),
        saved(tmp_path / "d.tsv", *tabbed, encoding="utf-8-sig"),
        saved(tmp_path / "e.csv", HEADER, *reversed(lines[1:3]), lines[3], "合计,2,,,57.80,,,,,"),
    ]

    bodies = {tuple(each.body for each in receipts(file)) for file in files}

    assert len(bodies) == 1


def receipts(path: Path) -> list[Receipt]:
    found = read(path)
    telling = Telling("douyin", "s", "douyin.orders.file", "", found.summary.columns, NOON)
    return [each for batch in telling.batches(found.orders) for each in batch.receipts]


def test_characters_that_gbk_does_not_have_are_read(tmp_path: Path) -> None:
    rare = row().replace("香辣牛肉酱", "𠮷野家㐂")

    found = read(saved(tmp_path / "a.csv", HEADER, rare, encoding="gb18030"))

    assert found.field(FIRST, "选购商品") == "𠮷野家㐂"


def test_files_that_were_put_behind_each_other_are_one(tmp_path: Path) -> None:
    """With its mark, its header and its sum, each."""
    part = f"\ufeff{HEADER}\r\n{row()}\r\n合计,,,1,28.90,,,,,\r\n"
    other = part.replace(FIRST, SECOND)

    found = read(saved(tmp_path / "a.csv", (part + other).rstrip()))

    assert (found.sent, found.kept) == ([FIRST, SECOND], [])
    assert (found.summary.rows, found.summary.passed) == (2, 3)
    assert found.summary.notes == ("HEADER_REPEATED",)


def test_an_export_put_behind_itself_adds_nothing_up(tmp_path: Path) -> None:
    rows = [row(), row(child="2"), row(SECOND)]

    found = read(saved(tmp_path / "a.csv", HEADER, *rows, HEADER, *rows))

    assert [(each.number, len(each.rows)) for each in found.orders] == [(FIRST, 2), (SECOND, 1)]
    assert (found.kept, found.summary.rows, found.summary.passed) == ([], 3, 4)
    assert "ROWS_REPEATED" in found.summary.notes


def test_two_exports_of_different_moments_are_not_added_up(tmp_path: Path) -> None:
    early = [row(state="已发货"), row(child="2", state="已发货"), row(SECOND)]
    late = [row(state="已完成"), row(child="2", state="已发货"), row(SECOND)]

    found = read(saved(tmp_path / "a.csv", HEADER, *early, *late))

    assert found.sent == [SECOND]
    assert found.kept == [
        (2, "ROWS_DIFFER", ""),
        (3, "ORDER_INCOMPLETE", ""),
        (5, "ROWS_DIFFER", ""),
    ]


def test_a_header_with_other_columns_further_down_refuses_the_file(tmp_path: Path) -> None:
    """What follows would be read from wrong columns, without anybody noticing."""
    other = HEADER.replace("订单应付金额,运费", "运费,订单应付金额")

    with pytest.raises(FileRefusedError) as refused:
        read(saved(tmp_path / "a.csv", HEADER, row(), other, row(SECOND)))

    assert "Row 3" in refused.value.problem


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", "，"])
def test_another_delimiter_and_quotes_around_everything(tmp_path: Path, delimiter: str) -> None:
    lines = [
        delimiter.join(f'"{each}"' for each in line.replace('"', "").split(","))
        for line in (HEADER, row(), row(SECOND).replace("香辣", f"香{delimiter}辣"))
    ]

    found = read(saved(tmp_path / "a.csv", *lines))

    assert (found.sent, found.kept) == ([FIRST, SECOND], [])
    assert found.field(SECOND, "选购商品") == f"香{delimiter}辣牛肉酱"
    assert found.summary.delimiter == delimiter


def test_three_bad_rows_are_three_kept_rows(tmp_path: Path) -> None:
    rows = [
        row().replace(f'"\t{FIRST}"', "6.91793E+18"),
        row(SECOND, paid="二十"),
        row(THIRD)[:30] + '"',
    ]
    good = [row(f"69179300000000001{at:02}") for at in range(10)]

    found = read(saved(tmp_path / "a.csv", HEADER, *good[:5], *rows, *good[5:]))

    assert len(found.sent) == 10
    assert found.kept == [
        (7, "NUMBER_ROUNDED", "主订单编号"),
        (8, "FIELD_INVALID", "订单应付金额"),
        (9, "COLUMNS", ""),
    ]


@pytest.mark.parametrize(
    "rounded", ["1.23E+18", "1.23e18", "6.91793E+18", "6.917930E18", "6917930000000000000.0"]
)
@pytest.mark.parametrize("column", ["主订单编号", "子订单编号"])
def test_a_number_whose_digits_are_gone_is_never_sent(
    tmp_path: Path, rounded: str, column: str
) -> None:
    fields = row().replace('"', "").split(",")
    fields[NAMES.index(column)] = rounded

    found = read(saved(tmp_path / "a.csv", HEADER, ",".join(fields), row(SECOND)))

    assert found.sent == [SECOND]
    assert found.kept == [(2, "NUMBER_ROUNDED", column)]


@pytest.mark.parametrize(
    "shown",
    [
        '="{}"',
        '"=""{}"""',
        '"\t{}"',
        "\t{}\t",
        "'{}",
        "={}",
        "\u200b{}",
        "\ufeff{}",
        " \u3000{}\xa0",
    ],
)
def test_what_keeps_excel_from_rounding_is_no_part_of_a_number(tmp_path: Path, shown: str) -> None:
    line = row().replace(f'"\t{FIRST}"', shown.format(FIRST))

    found = read(saved(tmp_path / "a.csv", HEADER, row(SECOND), line))

    assert (found.sent, found.kept) == ([FIRST, SECOND], [])


def test_a_small_number_with_a_fraction_of_zeros_is_that_number(tmp_path: Path) -> None:
    """So do programs that take a column of numbers for fractions write them."""
    line = "11729384072.0,1.0,50.00,40.00,2026-09-22 00:54:10,已发货,-,300400008.0"

    found = read(saved(tmp_path / "a.csv", PDD_NAMES, line))

    assert (found.sent, found.kept) == (["11729384072"], [])
    assert found.field("11729384072", "样式ID") == "300400008"
    assert found.field("11729384072", "商品数量(件)") == "1"


@pytest.mark.parametrize("header", [HEADER, HEADER + ",,,"])
@pytest.mark.parametrize("line", [row(), row() + ",,", row() + ",,,,,"])
def test_empty_columns_at_the_end_are_none(tmp_path: Path, header: str, line: str) -> None:
    found = read(saved(tmp_path / "a.csv", header, line))

    assert (found.sent, found.kept) == ([FIRST], [])
    assert found.summary.columns == tuple(NAMES)


def test_a_remark_over_lines_with_empty_columns_behind_it(tmp_path: Path) -> None:
    line = row().replace('"\t香辣牛肉酱"', '"香辣\n牛肉酱"') + ",,"

    found = read(saved(tmp_path / "a.csv", HEADER, line, row(SECOND)))

    assert (found.sent, found.kept) == ([FIRST, SECOND], [])
    assert found.field(FIRST, "选购商品") == "香辣\n牛肉酱"


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: f" {name} ",
        lambda name: name.replace("订单", "订单 "),
        lambda name: f"{name}（元）" if "金额" in name or name == "运费" else name,
        lambda name: f"{name}(元)" if "金额" in name or name == "运费" else name,
        lambda name: f"*{name}"[1:] + "*",
        lambda name: f'"{name}"',
        lambda name: f"\t{name}\u200b",
    ],
)
def test_columns_in_another_order_and_spelling_are_known(
    tmp_path: Path, rename: Callable[[str], str]
) -> None:
    header = ",".join(rename(each) for each in reversed(NAMES))
    line = ",".join(reversed(row().split(",")))

    found = read(saved(tmp_path / "a.csv", header, line))

    assert (found.sent, found.kept) == ([FIRST], [])
    assert found.field(FIRST, "订单应付金额") == "28.90"


def test_brackets_of_either_width_are_the_same_column(tmp_path: Path) -> None:
    header = PDD_NAMES.replace("(", "（").replace(")", "）")
    line = "260922-123456789012345,1,50.00,40.00,2026-09-22 00:54:10,已发货,无售后或售后取消,3004"

    found = read(saved(tmp_path / "a.csv", header, line))

    assert (found.sent, found.kept) == (["260922-123456789012345"], [])
    assert found.field("260922-123456789012345", "用户实付金额(元)") == "40.00"


def test_a_column_in_another_unit_is_another_column(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError) as refused:
        read(saved(tmp_path / "a.csv", HEADER.replace("应付金额", "应付金额(分)"), row()))

    assert "订单应付金额" in refused.value.problem


@pytest.mark.parametrize(
    "total",
    [
        "合计,,,2,57.80,,,,,",
        ",,合计：,2,57.80,,,,,",
        "总计",
        "Total,,,2,57.80,,,,,",
        '"小计",,,,1,,,,,',
    ],
)
def test_a_sum_at_the_end_is_no_order(tmp_path: Path, total: str) -> None:
    file = saved(tmp_path / "a.csv", HEADER, row(), row(SECOND))
    # And no line end behind it.
    file.write_bytes(file.read_bytes() + total.encode())

    found = read(file)

    assert (found.sent, found.kept, found.summary.passed) == ([FIRST, SECOND], [], 1)


def test_a_number_that_may_have_been_cut_is_not_believed(tmp_path: Path) -> None:
    """Behind the last row there is no line end, and its last column is an amount: 932.4(5)."""
    names = "订单号,商品ID,订购数量,下单时间,订单金额,订单状态,应付金额"
    rows = [f"1172938407{at},1953814331,1,2015-12-31 23:19:56,1097.00,完成,932.45" for at in "12"]
    file = saved(tmp_path / "a.csv", names, *rows)
    file.write_bytes(file.read_bytes()[:-3])

    found = read(file)

    assert found.sent == ["11729384071"]
    assert found.kept == [(3, "CUT", "应付金额")]


def test_a_file_without_a_line_end_behind_a_remark_is_whole(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.csv", HEADER, row(), row(SECOND))
    file.write_bytes(file.read_bytes()[:-2])

    found = read(file)

    assert (found.sent, found.kept) == ([FIRST, SECOND], [])


@pytest.mark.parametrize(
    ("paid", "plain"), [('"1,097.00"', "1097.00"), ("￥28.90", "28.90"), ("¥ 28.90", "28.90"),
                        ("28.90元", "28.90")]
)  # fmt: skip
def test_amounts_as_people_write_them_become_plain(tmp_path: Path, paid: str, plain: str) -> None:
    found = read(saved(tmp_path / "a.csv", HEADER, row(paid=paid)))

    assert found.field(FIRST, "订单应付金额") == plain
