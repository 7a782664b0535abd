"""Text as records of fields: quoted or not, whole or broken.

A quotation mark that is opened and never closed would swallow the rest of the file. So a record
that goes on over lines must fit the header when it ends, within a few lines; else its first line is
a broken record by itself, and reading goes on with the next line.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

DELIMITERS: Final = (",", "\t", ";", "|", "，")
# Addresses and remarks have line breaks now and then; a record of more lines than this has none.
LINES_MAX: Final = 30
# A buyer's remark is at most a few thousand characters; a line of more is no row of orders.
LINE_MAX: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file."""

    # As Excel counts, from 1: a record that goes over lines is one.
    number: int
    fields: list[str]
    # A quotation mark is opened and never closed.
    is_broken: bool = False
    # The file ends without a line end behind it.
    is_last: bool = False
    # And no quotation mark either says that its last field is whole.
    is_open: bool = False


def split(line: str, delimiter: str) -> list[str]:
    """Return the fields of one record."""
    return next(csv.reader([line], delimiter=delimiter), [])


def records(lines: Iterable[str], delimiter: str, width: int = 0) -> Iterator[Record]:
    """Return every record that is not empty; `width` is how many fields a whole one has."""
    return _Reading(lines, delimiter, width).records()


class _Reading:
    def __init__(self, lines: Iterable[str], delimiter: str, width: int) -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter
        self._width = width
        # Lines that were looked at and not taken.
        self._ahead: deque[str] = deque()

    def records(self) -> Iterator[Record]:
        number = 0
        while (line := self._next()) is not None:
            number += 1
            if not line.strip():
                continue
            is_last = not line.endswith(("\n", "\r"))
            if len(line) > LINE_MAX:
                yield Record(number, [line[:1000]], is_broken=True, is_last=is_last)
            elif line.count('"') % 2 == 0:
                is_open = is_last and not line.endswith('"')
                yield Record(number, self._split(line), is_last=is_last, is_open=is_open)
            else:
                yield self._over_lines(number, line, is_last=is_last)

    def _over_lines(self, number: int, line: str, *, is_last: bool) -> Record:
        alone = self._strictly(line)
        if alone is not None and self._fits(alone):
            return Record(number, alone, is_last=is_last)
        taken = [line]
        while len(taken) < LINES_MAX and (further := self._next()) is not None:
            taken.append(further)
            if further.count('"') % 2:
                fields = self._split("".join(taken))
                if self._fits(fields):
                    return Record(number, fields, is_last=not further.endswith(("\n", "\r")))
                break
        self._ahead.extendleft(reversed(taken[1:]))
        fields = line.rstrip("\r\n").replace('"', "").split(self._delimiter)
        return Record(number, fields, is_broken=True, is_last=is_last)

    def _next(self) -> str | None:
        if self._ahead:
            return self._ahead.popleft()
        return next(self._lines, None)

    def _fits(self, fields: list[str]) -> bool:
        return not self._width or (len(fields) >= self._width and not any(fields[self._width :]))

    def _split(self, line: str) -> list[str]:
        try:
            return split(line.rstrip("\r\n"), self._delimiter)
        except csv.Error:
            # A lone carriage return, or a NUL, within a line.
            return line.rstrip("\r\n").split(self._delimiter)

    def _strictly(self, line: str) -> list[str] | None:
        try:
            return next(
                csv.reader([line.rstrip("\r\n")], delimiter=self._delimiter, strict=True), []
            )
        except csv.Error:
            return None
