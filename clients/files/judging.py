"""Rows, one by one: right, not a row at all, or kept for a person with what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, unique
from typing import Final

from clients.files import cells
from clients.files.cells import clean
from clients.files.headers import is_header
from clients.files.kinds import Columns
from clients.files.records import Record

# What a reader of bytes puts where they are no text.
NO_TEXT: Final = "\ufffd"
# What the last row of an export begins with where it adds up the others.
TOTALS: Final = ("合计", "总计", "汇总", "小计", "共计", "总数", "total", "Total", "TOTAL", "sum")
DISCOUNT_MOST: Final = Decimal("0.8")
# What cells have around them when their blanks are gone. Most rows have none of it, and searching
# a row once for each is five times as fast as looking at each of its cells.
_PARTED: Final = "\x1f"
_AROUND: Final = (f"{_PARTED}=", f"{_PARTED}'", f"{_PARTED}`", '"', "\ufeff", "\u200b")


@unique
class Reason(Enum):
    """What is wrong with a row; the names are those of `concord.imports.v1.ImportRow.Reason`."""

    ENCODING = "ENCODING"
    COLUMNS = "COLUMNS"
    QUOTES = "QUOTES"
    CUT = "CUT"
    ORDER_MISSING = "ORDER_MISSING"
    NUMBER_ROUNDED = "NUMBER_ROUNDED"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_INVALID = "FIELD_INVALID"
    COLUMNS_DIFFER = "COLUMNS_DIFFER"
    ORDER_INCOMPLETE = "ORDER_INCOMPLETE"
    ROWS_DIFFER = "ROWS_DIFFER"
    DISCOUNT = "DISCOUNT"


@dataclass(frozen=True, slots=True)
class Good:
    """A row that is right."""

    number: int
    order: str
    fields: list[str]
    # What names it among the rows of its order.
    row: str = ""
    # More was taken off than anybody gives.
    is_discounted: bool = False


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that a person must look at."""

    number: int
    reason: Reason
    # The fields as they came, as a JSON array.
    text: str
    column: str = ""
    # The order that it names, where that can be read: the rest of it waits with this row.
    order: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """What is no row of an order: a header once more, a sum."""

    number: int
    is_header: bool = False
    # It is a header, and names other columns than the first: what follows would be misread.
    is_other_header: bool = False


Judged = Good | Bad | Passed


class Judge:
    """Judges the rows of one file."""

    def __init__(
        self,
        columns: Columns,
        *,
        header: Sequence[str] = (),
        is_sound: bool = True,
        is_cut: bool = False,
    ) -> None:
        """Take where the columns are, how the header has them, and what is known of the bytes."""
        self._header = list(header or columns.names)
        self._named = frozenset((*header, *columns.names))
        measured = (*columns.numbers, *columns.amounts, *columns.quantities, *columns.times)
        # What is cut within a remark is a shorter remark; what is cut within a number, another one.
        self._last_counts = len(columns.names) - 1 in measured
        self._columns = columns
        self._width = len(columns.names)
        self._is_sound = is_sound
        self._is_cut = is_cut
        # The sums behind all rows have begun.
        self._is_over = False

    def judge(self, record: Record) -> Judged:
        """Say what a row is."""
        fields = [each.strip() for each in record.fields]
        row = _PARTED + _PARTED.join(fields)
        if any(map(row.__contains__, _AROUND)):
            fields = list(map(clean, fields))
        if len(fields) > self._width and not any(fields[self._width :]):
            del fields[self._width :]
        if self._is_passed(fields):
            return Passed(record.number, is_header=fields == self._header)
        if fields[0] in self._named and is_header(fields, self._columns.kind):
            return Passed(record.number, is_header=True, is_other_header=True)
        wrong = self._broken(record, fields) or self._misses(fields) or self._invalid(fields)
        if wrong is not None:
            reason, column = wrong
            return Bad(record.number, reason, text_of(record.fields), column, self._order(fields))
        order = fields[self._columns.order]
        return Good(
            record.number,
            order,
            fields,
            row=self._row(record.number, fields),
            is_discounted=self._is_discounted(fields),
        )

    def _is_passed(self, fields: Sequence[str]) -> bool:
        if fields == self._header or not any(fields):
            # Behind another header are rows again.
            self._is_over = self._is_over and not any(fields)
            return True
        self._is_over = self._is_over or fields[0] in self._columns.kind.sums
        if self._is_over:
            return True
        first = fields[0] or next(filter(None, fields))
        return first.startswith(TOTALS) and not self._order(fields).isdigit()

    def _broken(self, record: Record, fields: Sequence[str]) -> tuple[Reason, str] | None:
        is_whole = len(fields) == self._width
        if record.is_last:
            if self._is_cut or not is_whole:
                return Reason.CUT, ""
            if record.is_open and self._last_counts and fields[-1]:
                return Reason.CUT, self._name(self._width - 1)
        if record.is_broken:
            return Reason.QUOTES, ""
        if not self._is_sound and (
            found := [at for at, each in enumerate(fields) if NO_TEXT in each]
        ):
            return Reason.ENCODING, self._name(found[0])
        return self._differs(fields) if is_whole else (Reason.COLUMNS, "")

    def _differs(self, fields: Sequence[str]) -> tuple[Reason, str] | None:
        for places in self._columns.doubled:
            if len({fields[at] for at in places}) > 1:
                return Reason.COLUMNS_DIFFER, self._name(places[0])
        return None

    def _misses(self, fields: list[str]) -> tuple[Reason, str] | None:
        columns = self._columns
        if cells.is_nothing(fields[columns.order]):
            return Reason.ORDER_MISSING, self._name(columns.order)
        for at in columns.numbers:
            text = fields[at]
            if not text.isdigit() and (cells.is_rounded(text) or cells.has_fraction(text)):
                if cells.is_rounded(text) or not cells.is_exact(text):
                    return Reason.NUMBER_ROUNDED, self._name(at)
                fields[at] = text.partition(".")[0]
        for at in columns.needed:
            if cells.is_nothing(fields[at]):
                return Reason.FIELD_MISSING, self._name(at)
        return None

    def _invalid(self, fields: list[str]) -> tuple[Reason, str] | None:
        """Return what is no amount, quantity or time; times are left as every file has them."""
        columns = self._columns
        for at in columns.amounts:
            text = fields[at]
            plain = cells.plain_amount(text)
            if plain != text:
                if not plain and not cells.is_nothing(text):
                    return Reason.FIELD_INVALID, self._name(at)
                fields[at] = plain or text
        for at in columns.quantities:
            text = fields[at]
            if not cells.is_quantity(text) and not cells.is_nothing(text):
                return Reason.FIELD_INVALID, self._name(at)
            fields[at] = text.partition(".")[0]
        for at in columns.times:
            text = fields[at]
            if not cells.is_whole_time(text) and not cells.is_nothing(text):
                moment = cells.moment(text)
                if moment is None:
                    return Reason.FIELD_INVALID, self._name(at)
                fields[at] = moment
        return None

    def _is_discounted(self, fields: Sequence[str]) -> bool:
        columns = self._columns
        if columns.paid is None:
            return False
        paid = cells.amount(fields[columns.paid])
        if paid is None:
            return False
        if columns.listed is not None:
            listed = cells.amount(fields[columns.listed]) or Decimal(0)
        else:
            off = (cells.amount(fields[at]) or Decimal(0) for at in columns.taken_off)
            listed = paid + sum(off, Decimal(0))
        return listed > 0 and listed - paid > listed * DISCOUNT_MOST

    def _row(self, number: int, fields: Sequence[str]) -> str:
        columns = self._columns
        if not columns.has_rows_named:
            return str(number)
        return "" if columns.row is None else fields[columns.row]

    def _order(self, fields: Sequence[str]) -> str:
        at = self._columns.order
        text = fields[at] if at < len(fields) else ""
        return "" if cells.is_nothing(text) or cells.is_rounded(text) else text

    def _name(self, at: int) -> str:
        return self._columns.names[at] if at < self._width else ""


def text_of(fields: Sequence[str]) -> str:
    """Return fields as they are kept: a JSON array."""
    return json.dumps(list(fields), ensure_ascii=False, separators=(",", ":"))
