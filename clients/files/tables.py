"""A file as a table: its kind, its header, and its rows one after another.

The header need not be the first row, and nothing is taken by position: what parts columns, and
which kind of file it is, is what makes the most of its columns known.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from clients.files import headers, sheets
from clients.files.cells import clean
from clients.files.encodings import Looked
from clients.files.kinds import KINDS, Columns, Kind, Names
from clients.files.records import DELIMITERS, Record, records

# Exports begin with a title and what was searched for, at most.
HEADER_WITHIN: Final = 20


class FileRefusedError(Exception):
    """A file cannot be read as a whole: `problem` says why, `advice` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem} {advice}")
        self.problem = problem
        self.advice = advice


class FileBusyError(FileRefusedError):
    """Somebody else imports this file at this moment."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose header is known."""

    path: Path
    looked: Looked
    delimiter: str
    header: Record
    columns: Columns
    # Fields of a row that is another header.
    repeated: tuple[str, ...]

    def rows(self, told: Callable[[int], None] = lambda _: None) -> Iterator[Record]:
        """Return every row behind the header; `told` hears of characters, roughly bytes."""
        found = _records(
            self.path, self.looked, self.delimiter, width=len(self.columns.names), told=told
        )
        return (each for each in found if each.number > self.header.number)


def open_table(path: Path, looked: Looked, template: str = "") -> Table:
    """Return a file as a table.

    Raises:
        FileRefusedError: it has no header of a kind that is known.
    """
    if template and template not in KINDS:
        known = ", ".join(KINDS)
        raise FileRefusedError(f"There is no kind of files {template}.", f"Known: {known}.")
    if not looked.size:
        raise FileRefusedError("The file is empty.", "Ask for the export again.")
    kinds = [KINDS[template]] if template else list(KINDS.values())
    found: list[_Found] = []
    for delimiter in ("",) if looked.is_sheet else DELIMITERS:
        with closing(_records(path, looked, delimiter)) as rows:
            for row in islice(rows, HEADER_WITHIN):
                names = _names(row.fields)
                found += [_Found(kind, delimiter, row, names) for kind in kinds]
    best = max(found, key=lambda each: each.score, default=None)
    if best is None or not best.known:
        raise FileRefusedError(
            f"No row of the first {HEADER_WITHIN} is a header of a kind that is known.",
            "See that it is an export of orders; `--template` says of which kind.",
        )
    if best.missing:
        raise FileRefusedError(*_missing(best))
    return Table(
        path,
        looked,
        best.delimiter,
        best.row,
        Columns.of(best.kind, best.names),
        repeated=best.written,
    )


class _Found:
    """A row that may be the header of a kind."""

    def __init__(self, kind: Kind, delimiter: str, row: Record, names: tuple[str, ...]) -> None:
        self.kind = kind
        self.delimiter = delimiter
        self.row = row
        self.written = names
        self.names = headers.canonical(names, kind)
        present = frozenset(self.names)
        self.known = len(kind.known & present)
        self.missing = kind.missing(self.names)
        self.score = (
            not self.missing and self.known > 0,
            len(present.intersection(kind.marks)) if not self.missing else 0,
            self.known,
            -row.number,
        )


def _names(fields: Sequence[str]) -> tuple[str, ...]:
    """Return a header's names, without the empty columns at its end."""
    names = [clean(each) for each in fields]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _missing(found: _Found) -> tuple[str, str]:
    wanted = "; ".join(" or ".join(each) for each in found.missing)
    close = [near for each in found.missing for near in _near(each, found.written)]
    advice = "Choose these columns when you export it."
    if close:
        advice += f" Columns that look like them: {', '.join(dict.fromkeys(close))}."
    return f"The header lacks what {found.kind.template} needs: {wanted}.", advice


def _near(wanted: Names, names: Sequence[str]) -> list[str]:
    return [near for each in wanted for near in difflib.get_close_matches(each, names, n=1)]


def _records(
    path: Path,
    looked: Looked,
    delimiter: str,
    *,
    width: int = 0,
    told: Callable[[int], None] = lambda _: None,
) -> Generator[Record, None, None]:
    if looked.is_sheet:
        try:
            sheets.must_fit(path)
            yield from sheets.records(path, told)
        except sheets.SheetError as error:
            raise FileRefusedError(error.problem, error.advice) from error
        return
    # Line ends stay as they are: a field may hold some.
    with path.open(encoding=looked.encoding, errors="replace", newline="") as opened:
        yield from records(_counted(opened, told), delimiter, width)


def _counted(lines: Iterator[str], told: Callable[[int], None]) -> Iterator[str]:
    read = 0
    for line in lines:
        read += len(line)
        if read >= 1 << 20:
            told(read)
            read = 0
        yield line
    told(read)
