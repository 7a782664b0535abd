"""Spans in SQLite: found by trace and by order, forgotten by age and by size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from deploy.local.spans.decoding import Row, bare

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS span (
    id INTEGER PRIMARY KEY,
    kept_s INTEGER NOT NULL,
    trace_id BLOB NOT NULL,
    span_id BLOB NOT NULL,
    parent_id BLOB NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    is_error INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    links TEXT NOT NULL
);
-- Unique: an exporter whose call timed out sends the same spans again.
CREATE UNIQUE INDEX IF NOT EXISTS span_by_trace ON span (trace_id, span_id);
CREATE TABLE IF NOT EXISTS order_trace (
    order_id TEXT NOT NULL,
    trace_id BLOB NOT NULL,
    kept_s INTEGER NOT NULL,
    PRIMARY KEY (order_id, trace_id)
) WITHOUT ROWID;
"""
INSERT: Final = """
INSERT OR IGNORE INTO span (kept_s, trace_id, span_id, parent_id, service, name, kind, start_ns,
    end_ns, is_error, attributes, links) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT: Final = """
SELECT trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, is_error, attributes,
    links FROM span WHERE trace_id IN ({marks}) ORDER BY start_ns, id LIMIT ?
"""
# Deleting 20,000 rows takes about 0.2 s, in which new spans wait in the queue.
PRUNED_AT_ONCE: Final = 20_000
# SQLite's limit on variables is 32,766; an order has tens of traces.
MAX_TRACES: Final = 5_000


class Store:
    """The writing side; one thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / "spans.sqlite"
        self._db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._db.execute("PRAGMA journal_mode = WAL")
        # A power cut may lose the last spans, never the file.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def add(self, rows: Sequence[Row], *, now_s: int) -> None:
        """Store spans in one transaction; those known already stay as they are."""
        self._db.execute("BEGIN")
        try:
            self._db.executemany(INSERT, ((now_s, *row[:-1]) for row in rows))
            self._db.executemany(
                "INSERT INTO order_trace VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET kept_s = excluded.kept_s",
                ((order, row.trace_id, now_s) for row in rows for order in row.orders),
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def prune(self, *, older_than_s: int, keep_bytes: int) -> bool:
        """Forget the oldest spans, some at a time; True while there are more to forget."""
        (newest_to_go,) = self._db.execute(
            "SELECT max(kept_s) FROM (SELECT kept_s FROM span ORDER BY id LIMIT ?)",
            (PRUNED_AT_ONCE,),
        ).fetchone()
        if newest_to_go is None:
            return False
        if self.used_bytes() <= keep_bytes:
            gone = self._db.execute(
                "DELETE FROM span WHERE id IN (SELECT id FROM span ORDER BY id LIMIT ?)"
                " AND kept_s < ?",
                (PRUNED_AT_ONCE, older_than_s),
            ).rowcount
            if not gone:
                return False
            forget_orders = min(older_than_s, newest_to_go)
        else:
            gone = self._db.execute(
                "DELETE FROM span WHERE id IN (SELECT id FROM span ORDER BY id LIMIT ?)",
                (PRUNED_AT_ONCE,),
            ).rowcount
            forget_orders = newest_to_go
        self._db.execute("DELETE FROM order_trace WHERE kept_s < ?", (forget_orders,))
        self._db.execute("PRAGMA incremental_vacuum")
        return int(gone) == PRUNED_AT_ONCE

    def used_bytes(self) -> int:
        """Return the bytes of pages in use."""
        (size,) = self._db.execute("PRAGMA page_size").fetchone()
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        return int(size) * (int(pages) - int(free))

    def close(self) -> None:
        """Close, folding the log into the file."""
        self._db.close()


def find(path: Path, *, order: str, trace_ids: Iterable[bytes], limit: int) -> list[Row]:
    """Return the spans of the order's traces and of the given ones, oldest first.

    Has a connection of its own: in WAL mode, reading and writing do not wait for each other.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        traces = dict.fromkeys(trace_ids)
        if order:
            found = db.execute(
                "SELECT trace_id FROM order_trace WHERE order_id = ? ORDER BY kept_s DESC LIMIT ?",
                (bare(order), MAX_TRACES),
            )
            traces |= dict.fromkeys(trace_id for (trace_id,) in found)
        chosen = list(traces)[:MAX_TRACES]
        # Only question marks are put into the statement.
        select = SELECT.format(marks=", ".join("?" * len(chosen)))
        return [Row._make((*row, ())) for row in db.execute(select, (*chosen, limit))]
