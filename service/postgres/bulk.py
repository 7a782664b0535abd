"""Many rows in one statement with one parameter: a JSON array, which PostgreSQL reads as a table.

A list of VALUES for the same rows costs Python ten times as much, because each value is quoted by
itself, and PostgreSQL twice as much, because each is parsed as a constant; and its text is another
one for each number of rows, so that nothing about it can be kept (docs/benchmarks.md).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from service.postgres import driver

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's

Row = Mapping[str, Any]


def insert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, then: str = ""
) -> int:
    """Insert rows of equal columns, in their order; return how many were inserted.

    `then` is what follows, such as ON CONFLICT.
    """
    if not rows:
        return 0
    statement = insertion(table, tuple(rows[0]), then)
    return driver.change(connection, statement, {"rows": document(rows)})


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows of equal columns; where one of this key is there, change it."""
    if rows:
        insert(connection, table, rows, then=_replacing(table, tuple(rows[0])))


@cache
def insertion(table: sa.Table, columns: tuple[str, ...], then: str = "") -> str:
    """Return the statement that inserts what the parameter `rows` tells."""
    names = ", ".join(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {told(table, columns)} {then}"  # noqa: S608  # names of our own tables


def told(table: sa.Table, columns: Sequence[str], *, name: str = "rows") -> str:
    """Return the clause that reads the parameter `name` as rows of these columns of a table."""
    typed = ", ".join(f"{each} {_type(table.c[each])}" for each in columns)
    return f"json_to_recordset(CAST(%({name})s AS json)) AS told ({typed})"


def document(rows: Sequence[Row]) -> str:
    """Return rows as the text of one JSON array."""
    return orjson.dumps(rows, default=_hexadecimal).decode()


@cache
def _replacing(table: sa.Table, columns: tuple[str, ...]) -> str:
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


def _type(column: sa.Column[Any]) -> str:
    return str(column.type.compile(dialect=_DIALECT))


def _hexadecimal(value: object) -> str:
    """Return bytes as PostgreSQL reads them from text."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(type(value).__name__)
