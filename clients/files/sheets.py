"""Excel workbooks as records: the first sheet, each cell as a text export would have it.

A workbook has to be held in memory whole, about twice its unpacked size; so there is a limit.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from clients.files.cells import CANONICAL, EXACT_BELOW
from clients.files.records import Record

# 60,000 rows of 25 columns are 83 MiB unpacked, and 164 MiB in memory; cells that share their texts
# take up to four times as much of it. So this is below 300 MiB whatever is in it.
UNPACKED_MAX: Final = 64 * 1024 * 1024
# Excel 97 had 65,536 rows at most.
OLD_MAX: Final = 32 * 1024 * 1024


class SheetError(Exception):
    """A workbook cannot be read: `problem` says why, `advice` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


def must_fit(path: Path) -> None:
    """Do nothing where a workbook can be read in bounded memory.

    Raises:
        SheetError: it is too large, or it is no workbook.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
        if not any(each.filename.startswith("xl/") for each in parts):
            raise SheetError(
                "It is an archive, and no workbook.", "Unpack it, and import its files."
            )
        size, most = sum(each.file_size for each in parts), UNPACKED_MAX
    else:
        size, most = path.stat().st_size, OLD_MAX
    if size > most:
        raise SheetError(
            f"The workbook is too large: {size >> 20} MiB unpacked, of {most >> 20}.",
            "Save it as CSV UTF-8 with Excel, or export it as CSV; a text file may have any size.",
        )


def records(path: Path, told: Callable[[int], None] = lambda _: None) -> Iterator[Record]:
    """Return every row of the first sheet that is not empty.

    Raises:
        SheetError: it is damaged, or protected by a password.
    """
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            rows = book.get_sheet_by_index(0).iter_rows()
    except CalamineError as error:
        raise SheetError(
            f"The workbook cannot be opened: {error}.",
            "Open it with Excel and save it again, without a password; or save it as CSV UTF-8.",
        ) from error
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
        # As Excel shows it: 0.1 + 0.2 is 0.3 there.
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    return str(cell)
