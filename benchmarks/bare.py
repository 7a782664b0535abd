"""What PostgreSQL does by itself: rows one by one, and rows by COPY, into tables like ours."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

import psycopg2

from benchmarks import pgbench
from benchmarks.serving import BATCHES_AT_ONCE, Serving

SCHEMA: Final = "bare"
# What must differ from row to row.
KEYS: Final = {"receipts": ("receipt_id", "dedupe_key"), "facts": ("fact_id", "order_id")}


def prepare(world: Serving, tables: Sequence[str]) -> None:
    """Make tables like ours, with the same indexes, beside them."""
    world.rows(f"CREATE SCHEMA {SCHEMA}")
    for name in dict.fromkeys(tables):
        world.rows(f"CREATE TABLE {SCHEMA}.{name} (LIKE public.{name} INCLUDING ALL)")
    world.rows(f"GRANT USAGE ON SCHEMA {SCHEMA} TO concord_app")
    world.rows(f"GRANT INSERT ON ALL TABLES IN SCHEMA {SCHEMA} TO concord_app")


def empty(world: Serving, tables: Sequence[str]) -> None:
    """Take all rows out of our tables."""
    # The journal refuses that, even to a superuser, while its triggers are awake.
    names = ", ".join(dict.fromkeys(tables))
    world.rows(f"SET session_replication_role = replica; TRUNCATE {names}")


def copy(world: Serving, tables: Sequence[str], batches: int) -> float:
    """Copy what our tables hold into those like them, in so many batches; return the seconds."""
    for name in tables:
        world.rows(f"TRUNCATE {SCHEMA}.{name}")
    parts = list(zip(*(_parts(world, name, batches) for name in tables), strict=True))
    shares = [parts[index::BATCHES_AT_ONCE] for index in range(BATCHES_AT_ONCE)]
    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        began = time.perf_counter()
        for done in [threads.submit(_copy, world.admin_url, tables, each) for each in shares]:
            done.result()
        return time.perf_counter() - began


def _parts(world: Serving, name: str, batches: int) -> list[bytes]:
    """Return the table's rows as COPY wants them, in so many parts."""
    written = io.BytesIO()
    with closing(psycopg2.connect(world.admin_url)) as connection:
        connection.cursor().copy_expert(f"COPY public.{name} TO STDOUT", written)
    lines = written.getvalue().splitlines(keepends=True)
    return [
        b"".join(lines[len(lines) * index // batches : len(lines) * (index + 1) // batches])
        for index in range(batches)
    ]


def _copy(url: str, tables: Sequence[str], parts: Sequence[Sequence[bytes]]) -> None:
    with closing(psycopg2.connect(url)) as connection:
        cursor = connection.cursor()
        for part in parts:
            for name, rows in zip(tables, part, strict=True):
                cursor.copy_expert(f"COPY {SCHEMA}.{name} FROM STDIN", io.BytesIO(rows))
            connection.commit()


def single_rows(world: Serving, table: str, *, clients: int, each: int, number: int) -> float:
    """Return how many rows a second pgbench inserts, each in a transaction of its own."""
    world.rows(f"TRUNCATE {SCHEMA}.{table}")
    columns = [
        str(name)
        for (name,) in world.rows(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO'",
            (table,),
        )
    ]
    texts = ", ".join(f"{name}::text" for name in columns)
    (row,) = world.rows(f"SELECT {texts} FROM public.{table} LIMIT 1")  # noqa: S608  # Ours.
    told = dict(zip(columns, row, strict=True))
    for key in KEYS[table]:
        told[key] = f"{key}-:client_id-:done"
    values = ", ".join(
        "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
        for value in told.values()
    )
    into = f"{SCHEMA}.{table} ({', '.join(columns)})"
    insert = f"INSERT INTO {into} VALUES ({values})"  # noqa: S608  # Ours.
    return pgbench.rate(
        world.admin_url,
        pgbench.script([insert], {}),
        world.folder,
        clients=clients,
        transactions=each,
        define={"round": number},
    )
