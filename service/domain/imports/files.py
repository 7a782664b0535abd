"""Imports: one file's way in, and the rows of it that need somebody.

A file is known by what is in it: the same bytes for the same shop are one import, however often
and under whatever name they come. What a file says travels as receipts; here is only how far it
was read.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique
from typing import Final

from service.domain.imports.errors import ImportNotInStateError

IMPORT_NAMESPACE: Final = uuid.UUID("8c4f2a1e-93d7-5b60-a1c5-2f7e0d9b6a34")


@unique
class ImportState(Enum):
    """Where an import is; the names are those of `concord.imports.v1.Import.State`."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    REFUSED = "REFUSED"


@unique
class RowState(Enum):
    """What became of a kept row; the names are those of `ImportRow.State`."""

    OPEN = "OPEN"
    FIXED = "FIXED"
    DROPPED = "DROPPED"
    NOTED = "NOTED"


@unique
class RowReason(Enum):
    """Why a row is kept; the names are those of `ImportRow.Reason`."""

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


# What was sent as it is, and is kept for a person to look at.
SENT: Final = frozenset({RowReason.DISCOUNT})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """What whoever brings a file says of it."""

    channel: str
    shop: str
    template: str
    day: str
    file_name: str
    digest: str
    size_bytes: int

    @property
    def import_id(self) -> str:
        """The one import of these bytes for this shop."""
        text = f"{self.channel}|{self.shop}|{self.template}|{self.digest}"
        return f"imp-{uuid.uuid5(IMPORT_NAMESPACE, text)}"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a file was read."""

    rows: int = 0
    orders: int = 0
    stored: int = 0
    repeated: int = 0
    passed: int = 0

    def at_least(self, other: "Reached") -> "Reached":
        """Return what is reached where both are true: who tells late takes nothing back."""
        return Reached(
            rows=max(self.rows, other.rows),
            orders=max(self.orders, other.orders),
            stored=max(self.stored, other.stored),
            repeated=max(self.repeated, other.repeated),
            passed=max(self.passed, other.passed),
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rows of an import are kept in each state."""

    open: int = 0
    fixed: int = 0
    dropped: int = 0
    noted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What whoever reads a file tells of it."""

    reached: Reached
    encoding: str = ""
    delimiter: str = ""
    notes: Sequence[str] = ()
    columns: tuple[str, ...] = ()
    # None while it goes on.
    ended: ImportState | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One file's way in."""

    import_id: str
    file: NewFile
    state: ImportState
    begun_at: datetime
    actor: str
    reached: Reached = Reached()
    encoding: str = ""
    delimiter: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""
    columns: tuple[str, ...] = ()
    arrivals: int = 1
    ended_at: datetime | None = None

    def again(self) -> "Import":
        """Return it as the same file came once more; one that was refused is tried again."""
        again = replace(self, arrivals=self.arrivals + 1)
        if self.state is not ImportState.REFUSED:
            return again
        return replace(again, state=ImportState.RUNNING, ended_at=None, problem="")

    def reported(self, report: Report, *, at: datetime) -> "Import":
        """Return it with what was told.

        Raises:
            ImportNotInStateError: it was refused meanwhile, and begun by nobody since.
        """
        if self.state is ImportState.DONE:
            return self
        if self.state is ImportState.REFUSED and report.ended is not ImportState.REFUSED:
            self.refuse_ended("REPORT")
        return replace(
            self,
            state=report.ended or self.state,
            reached=self.reached.at_least(report.reached),
            encoding=report.encoding or self.encoding,
            delimiter=report.delimiter or self.delimiter,
            notes=tuple(dict.fromkeys((*self.notes, *report.notes))),
            problem=report.problem,
            columns=report.columns or self.columns,
            ended_at=at if report.ended else None,
        )

    def refuse_ended(self, act: str) -> None:
        """Raise `ImportNotInStateError` where it is over."""
        if self.state is not ImportState.RUNNING:
            raise ImportNotInStateError(import_id=self.import_id, state=self.state.value, act=act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that needs somebody."""

    number: int
    reason: RowReason
    column: str
    order_number: str
    text: bytes
    state: RowState
    settled_at: datetime | None = None
    settler: str = ""


def begun(file: NewFile, before: Import | None, *, actor: str, at: datetime) -> Import:
    """Return the import of a file that came."""
    if before is not None:
        return before.again()
    return Import(
        import_id=file.import_id, file=file, state=ImportState.RUNNING, begun_at=at, actor=actor
    )
