"""Workbooks as Excel writes them, as small as they can be: for tests of what is read of them."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

Cell = str | int | float | None

_TYPES: Final = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_PLACES: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
# The second format shows a number as a date with its time.
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/>'
    "</cellXfs></styleSheet>"
)


class Date(float):
    """A cell that Excel shows as a date: days since 1899-12-30."""


def write_xlsx(path: Path, rows: Iterable[Sequence[Cell]], first: int = 1) -> Path:
    """Write a workbook of one sheet, whose rows begin at `first`."""
    book = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_PLACES}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _relations("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": _relations(
            "worksheet", "worksheets/sheet1.xml", "styles", "styles.xml"
        ),
        "xl/workbook.xml": book,
        "xl/styles.xml": _STYLES,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            packed.writestr(name, text)
        with packed.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, row in enumerate(rows, start=first):
                cells = "".join(_cell(each, at, number) for at, each in enumerate(row))
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
    return path


def _relations(*kinds_and_targets: str) -> str:
    pairs = zip(kinds_and_targets[::2], kinds_and_targets[1::2], strict=True)
    each = "".join(
        f'<Relationship Id="rId{number}" Type="{_PLACES}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(pairs, start=1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{each}</Relationships>'


def _cell(value: Cell, at: int, row: int) -> str:
    place = f"{_column(at)}{row}"
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    style = ' s="1"' if isinstance(value, Date) else ""
    return f'<c r="{place}"{style}><v>{float(value)!r}</v></c>'


def _column(at: int) -> str:
    return chr(65 + at) if at < 26 else _column(at // 26 - 1) + chr(65 + at % 26)


def write_xls(path: Path, rows: Sequence[Sequence[Cell]]) -> Path:
    """Write a workbook of Excel 97: records in a stream in a compound file."""
    date_format = struct.pack("<HH", 0, 22).ljust(20, b"\0")
    plain_format = struct.pack("<HH", 0, 0).ljust(20, b"\0")
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    formats = _record(0x00E0, plain_format) + _record(0x00E0, date_format)
    name = b"\x06\0Sheet1"
    behind = len(begin) + len(formats) + 4 + 6 + len(name) + 4
    sheet_name = _record(0x0085, struct.pack("<IBB", behind, 0, 0) + name)
    cells = b"".join(
        _old_cell(value, row, column)
        for row, fields in enumerate(rows)
        for column, value in enumerate(fields)
        if value is not None
    )
    sheet = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0)) + cells
    stream = begin + formats + sheet_name + _record(0x000A) + sheet + _record(0x000A)
    path.write_bytes(_compound("Workbook", stream))
    return path


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _old_cell(value: str | float, row: int, column: int) -> bytes:
    if isinstance(value, str):
        text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
        return _record(0x0204, struct.pack("<HHH", row, column, 0) + text)
    shown = 1 if isinstance(value, Date) else 0
    return _record(0x0203, struct.pack("<HHHd", row, column, shown, float(value)))


def _compound(name: str, stream: bytes) -> bytes:
    """Return a compound file with one stream; one sector of its table is enough for 60 KiB."""
    sector, end, free, table = 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    # Shorter streams would lie in a stream of short ones.
    stream = stream.ljust(max(4096, -(-len(stream) // sector) * sector), b"\0")
    count = len(stream) // sector
    chain = [table, end, *range(3, 2 + count), end]
    places = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))

    def entry(named: str, kind: int, child: int, start: int, size: int) -> bytes:
        written = named.encode("utf-16-le") + b"\0\0" if named else b""
        head = written.ljust(64, b"\0") + struct.pack("<HBB", len(written), kind, 1)
        links = struct.pack("<III", free, free, child)
        return head + links + b"\0" * 36 + struct.pack("<IQ", start, size)

    folder = (
        entry("Root Entry", 5, 1, end, 0)
        + entry(name, 2, free, 2, len(stream))
        + entry("", 0, free, 0, 0) * 2
    )
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0)
    head += struct.pack("<109I", 0, *[free] * 108)
    return head + places + folder + stream
