"""Locks and changes what is known of files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from service.domain.imports.errors import ImportNotFoundError, ImportRowNotFoundError
from service.domain.imports.files import (
    Import,
    ImportState,
    Kept,
    NewFile,
    Reached,
    Row,
    RowReason,
    RowState,
)
from service.postgres import bulk, driver
from service.postgres import import_tables as tables

_FILE: Final = (
    "channel",
    "shop",
    "template",
    "day",
    "file_name",
    "digest",
    "size_bytes",
)
_REACHED: Final = ("rows", "orders", "stored", "repeated", "passed")
_PLAIN: Final = (
    "import_id",
    "encoding",
    "delimiter",
    "problem",
    "actor",
    "arrivals",
    "begun_at",
    "ended_at",
)


class ImportRows:
    """The part of a transaction that knows files."""

    _connection: sa.Connection

    def find_import(self, import_id: str) -> Import | None:
        """Lock and return an import, or None; nobody else begins it until the transaction ends."""
        key = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
        driver.rows(self._connection, key, {"name": f"concord import {import_id}"})
        return self._locked(import_id)

    def lock_import(self, import_id: str) -> Import:
        """Lock and return an import, or raise `ImportNotFoundError`."""
        found = self._locked(import_id)
        if found is None:
            raise ImportNotFoundError(import_id=import_id)
        return found

    def save_import(self, kept: Import) -> None:
        """Store an import, or what became of it."""
        bulk.upsert(self._connection, tables.imports, [_import_row(kept)])

    def keep_rows(self, import_id: str, rows: Sequence[Row]) -> int:
        """Store rows, each number once; return how many were not there."""
        found = [_row_columns(import_id, each) for each in rows]
        then = "ON CONFLICT (import_id, number) DO NOTHING"
        return bulk.insert(self._connection, tables.import_rows, found, then=then)

    def settle_rows(
        self, import_id: str, numbers: Sequence[int], state: RowState, *, settler: str, at: datetime
    ) -> None:
        """Settle open rows; one that is settled stays as it is."""
        table = tables.import_rows
        of_import = table.c.import_id == import_id
        wanted = sa.select(table.c.number).where(of_import, table.c.number.in_(numbers))
        known = set(self._connection.execute(wanted).scalars())
        missing = sorted(set(numbers) - known)
        if missing:
            raise ImportRowNotFoundError(import_id=import_id, numbers=tuple(missing[:20]))
        self._connection.execute(
            sa.update(table)
            .where(of_import, table.c.number.in_(numbers), table.c.state == RowState.OPEN.value)
            .values(state=state.value, settled_at=at, settler=settler)
        )

    def row_counts(self, import_id: str) -> Kept:
        """Return how many rows are kept in each state."""
        return kept_of(self._connection, [import_id])[import_id]

    def _locked(self, import_id: str) -> Import | None:
        table = tables.imports
        wanted = sa.select(table).where(table.c.import_id == import_id).with_for_update()
        row = self._connection.execute(wanted).mappings().first()
        return None if row is None else import_from(row)


def kept_of(connection: sa.Connection, import_ids: Sequence[str]) -> dict[str, Kept]:
    """Return how many rows of imports are kept in each state."""
    table = tables.import_rows
    wanted = (
        sa.select(table.c.import_id, table.c.state, sa.func.count())
        .where(table.c.import_id.in_(import_ids))
        .group_by(table.c.import_id, table.c.state)
    )
    found: dict[str, dict[str, int]] = {each: {} for each in import_ids}
    for import_id, state, number in connection.execute(wanted):
        found[import_id][state.lower()] = number
    return {name: Kept(**each) for name, each in found.items()}


def import_from(row: Any) -> Import:  # noqa: ANN401  # a row mapping
    """Return columns as an import."""
    return Import(
        **{name: row[name] for name in _PLAIN},
        file=NewFile(**{name: row[name] for name in _FILE}),
        reached=Reached(**{name: row[name] for name in _REACHED}),
        state=ImportState(row["state"]),
        notes=tuple(row["notes"]),
        columns=tuple(row["columns"]),
    )


def row_from(row: Any) -> Row:  # noqa: ANN401  # a row mapping
    """Return columns as a kept row."""
    return Row(
        number=row["number"],
        reason=RowReason(row["reason"]),
        column=row["column_name"],
        order_number=row["order_number"],
        text=bytes(row["text"]),
        state=RowState(row["state"]),
        settled_at=row["settled_at"],
        settler=row["settler"],
    )


def _import_row(kept: Import) -> dict[str, Any]:
    notes = ",".join(f'"{each}"' for each in kept.notes)
    return {
        **{name: getattr(kept, name) for name in _PLAIN},
        **{name: getattr(kept.file, name) for name in _FILE},
        **{name: getattr(kept.reached, name) for name in _REACHED},
        "state": kept.state.value,
        # An array as PostgreSQL reads it from text; codes have neither quotes nor commas.
        "notes": f"{{{notes}}}",
        "columns": list(kept.columns),
    }


def _row_columns(import_id: str, row: Row) -> dict[str, Any]:
    return {
        "import_id": import_id,
        "number": row.number,
        "reason": row.reason.value,
        "column_name": row.column,
        "order_number": row.order_number,
        "text": row.text,
        "state": row.state.value,
        "settled_at": row.settled_at,
        "settler": row.settler,
    }
