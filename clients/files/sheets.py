"""Excel workbooks as records: the first sheet, each cell as a text export would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineWorkbook

from clients.files.cells import CANONICAL
from clients.files.records import Record

# From here on a number has lost digits on its way into a cell: 2^53.
EXACT_BELOW: Final = 2**53


def records(path: Path, told: Callable[[int], None] = lambda _: None) -> Iterator[Record]:
    """Return every row of the first sheet that is not empty."""
    with CalamineWorkbook.from_path(str(path)) as book:
        rows = book.get_sheet_by_index(0).iter_rows()
        for number, row in enumerate(rows, start=1):
            fields = [_text(cell) for cell in row]
            if any(fields):
                yield Record(number, fields)
    told(path.stat().st_size)


def _text(cell: Any) -> str:  # noqa: ANN401  # what a cell may hold
    if isinstance(cell, datetime):
        return cell.strftime(CANONICAL)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        # An id that was a number has lost its digits: told in powers of ten, it is kept and named.
        if abs(cell) >= EXACT_BELOW:
            return f"{cell:E}"
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)
