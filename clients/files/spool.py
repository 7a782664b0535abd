"""Where the rows of one file wait until they are sent: a SQLite file in the work folder.

1. rows go into `NAME.reading`; whoever is killed there leaves nothing that counts;
2. when the file was read to its end, rows whose orders are incomplete move to those that are kept,
   and the file is renamed to `NAME.spool`;
3. orders are sent in the order of their numbers, and after each batch it is written down how far;
4. when all was sent, the spool is deleted.

If we crash in 2, the file is read once more. If we crash in 3, the last batches are sent once more,
and each of its receipts is known already.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from clients.files.judging import Bad, Good, Reason, text_of
from clients.files.packing import pack, unpack

# Rows of one statement: memory for a few hundred KiB.
ROWS: Final = 500
# 32 MiB of pages; sorting spills to disk beyond that.
CACHE_KIB: Final = 32 * 1024

_TABLES: Final = """
CREATE TABLE good (number INTEGER PRIMARY KEY, parent TEXT NOT NULL, row TEXT NOT NULL,
                   fields TEXT NOT NULL);
CREATE TABLE bad (number INTEGER PRIMARY KEY, reason TEXT NOT NULL, name TEXT NOT NULL,
                  parent TEXT NOT NULL, fields TEXT NOT NULL, is_packed INTEGER NOT NULL);
CREATE TABLE noted (number INTEGER PRIMARY KEY, parent TEXT NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was found when a file was read."""

    rows: int
    orders: int
    passed: int
    bad: int
    noted: int
    encoding: str
    delimiter: str
    template: str
    columns: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """All rows of one order in a file."""

    number: str
    # Each as it was packed.
    packed: list[str]

    @property
    def rows(self) -> list[list[str]]:
        """The fields of each."""
        return [unpack(each) for each in self.packed]


class Spool:
    """The rows of one file that was read to its end."""

    def __init__(self, path: Path) -> None:
        """Open what is there."""
        self._path = path
        self._db = _open(path)
        self.summary = _summary(self._fact("summary"))

    def sent_to(self) -> tuple[str, int, int]:
        """Return up to which order all was sent, and how many were stored and known before."""
        told = json.loads(self._fact("sent") or '["", 0, 0]')
        return str(told[0]), int(told[1]), int(told[2])

    def mark_sent(self, number: str, stored: int, repeated: int) -> None:
        """Write down how far it was sent."""
        with self._db:
            _tell(self._db, "sent", json.dumps([number, stored, repeated]))

    def orders(self, after: str = "") -> Iterator[Order]:
        """Return orders behind a number, by their numbers."""
        rows = self._db.execute(
            "SELECT parent, fields FROM good WHERE parent > ? ORDER BY parent, number", (after,)
        )
        for number, group in groupby(rows, itemgetter(0)):
            yield Order(number, [packed for _, packed in group])

    def left(self, after: str = "") -> int:
        """Return how many orders there are behind a number."""
        wanted = "SELECT count(DISTINCT parent) FROM good WHERE parent > ?"
        return int(self._db.execute(wanted, (after,)).fetchone()[0])

    def bad(self) -> Iterator[Bad]:
        """Return rows that are kept, in the order of the file."""
        for number, reason, name, parent, fields, is_packed in self._db.execute(
            "SELECT number, reason, name, parent, fields, is_packed FROM bad ORDER BY number"
        ):
            text = text_of(unpack(fields)) if is_packed else fields
            yield Bad(number, Reason(reason), text, name, parent)

    def noted(self) -> Iterator[Bad]:
        """Return rows that are sent and kept to be looked at."""
        for number, parent, fields in self._db.execute(
            "SELECT noted.number, noted.parent, good.fields FROM noted"
            " JOIN good USING (number) ORDER BY noted.number"
        ):
            yield Bad(number, Reason.DISCOUNT, text_of(unpack(fields)), order=parent)

    def close(self) -> None:
        self._db.close()

    def remove(self) -> None:
        """Forget it: all was sent."""
        self._db.close()
        self._path.unlink(missing_ok=True)

    def _fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""


class Filling:
    """A spool while its file is read."""

    def __init__(self, path: Path) -> None:
        """Begin anew; what somebody who was killed has left is forgotten."""
        self._path = path
        self._reading = path.with_suffix(".reading")
        self._reading.unlink(missing_ok=True)
        self._db = _open(self._reading)
        self._db.executescript(_TABLES)
        self._good: list[tuple[int, str, str, str]] = []
        self._bad: list[tuple[int, str, str, str, str]] = []
        self._noted: list[tuple[int, str]] = []
        self.bad = 0

    def add(self, row: Good) -> None:
        """Put in a row that is right."""
        self._good.append((row.number, row.order, row.row, pack(row.fields)))
        if row.is_discounted:
            self._noted.append((row.number, row.order))
        if len(self._good) >= ROWS:
            self._flush()

    def keep(self, row: Bad) -> None:
        """Put in a row that somebody must look at."""
        self.bad += 1
        self._bad.append((row.number, row.reason.value, row.column, row.order, row.text))
        if len(self._bad) >= ROWS:
            self._flush()

    def lost_digits(self, number: int) -> None:
        """Move a row to those that are kept: its order's number was rounded."""
        self._flush()
        self._db.execute(_KEEP.format(reason=Reason.NUMBER_ROUNDED.value, parent="''"), (number,))

    def finish(self, summary: Summary) -> Spool:
        """Set incomplete orders aside, and hand over the spool."""
        self._flush()
        db = self._db
        db.execute("CREATE INDEX good_by_parent ON good (parent, row, number)")
        db.execute("CREATE INDEX bad_by_parent ON bad (parent)")
        repeated = self._part_repeated()
        # Half an order would be a wrong one: its other rows wait with the one that is bad.
        db.execute(
            "INSERT OR IGNORE INTO bad"
            " SELECT number, 'ORDER_INCOMPLETE', '', parent, fields, 1 FROM good"
            " WHERE parent IN (SELECT parent FROM bad WHERE parent <> '')"
        )
        db.execute("DELETE FROM good WHERE number IN (SELECT number FROM bad)")
        db.execute("DELETE FROM noted WHERE number IN (SELECT number FROM bad)")
        counted: dict[str, object] = {
            "rows": summary.rows - repeated,
            "passed": summary.passed + repeated,
            "notes": (*summary.notes, *(["ROWS_REPEATED"] if repeated else ())),
            "orders": db.execute("SELECT count(DISTINCT parent) FROM good").fetchone()[0],
            "bad": db.execute("SELECT count(*) FROM bad").fetchone()[0],
            "noted": db.execute("SELECT count(*) FROM noted").fetchone()[0],
        }
        _tell(db, "summary", json.dumps(asdict(summary) | counted))
        db.commit()
        db.close()
        self._reading.rename(self._path)
        return Spool(self._path)

    def _part_repeated(self) -> int:
        """Drop rows that came twice, and return how many; keep those that then say other things.

        Two exports in one file have most orders twice: their amounts must not be added up.
        """
        db = self._db
        twice = db.execute(
            "SELECT parent, row FROM good WHERE number NOT IN (SELECT number FROM bad)"
            " GROUP BY 1, 2 HAVING count(*) > 1"
        )
        dropped: list[tuple[int]] = []
        differ: list[tuple[int]] = []
        for parent, row in twice:
            first: dict[str, int] = {}
            for number, fields in db.execute(
                "SELECT number, fields FROM good WHERE parent = ? AND row = ? ORDER BY number",
                (parent, row),
            ):
                if fields in first:
                    dropped.append((number,))
                else:
                    first[fields] = number
            if len(first) > 1:
                differ += [(number,) for number in first.values()]
        db.executemany("DELETE FROM noted WHERE number = ?", dropped)
        db.executemany("DELETE FROM good WHERE number = ?", dropped)
        db.executemany(_KEEP.format(reason=Reason.ROWS_DIFFER.value, parent="parent"), differ)
        return len(dropped)

    def abandon(self) -> None:
        """Leave nothing behind."""
        with suppress(sqlite3.Error):
            self._db.close()
        self._reading.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._db.executemany("INSERT INTO good VALUES (?, ?, ?, ?)", self._good)
        self._db.executemany("INSERT INTO bad VALUES (?, ?, ?, ?, ?, 0)", self._bad)
        self._db.executemany("INSERT INTO noted VALUES (?, ?)", self._noted)
        self._good.clear()
        self._bad.clear()
        self._noted.clear()


_KEEP: Final = (
    "INSERT OR IGNORE INTO bad SELECT number, '{reason}', '', {parent}, fields, 1 FROM good"
    " WHERE number = ?"
)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    # A machine that fails leaves the service what was sent; the rest is read from the file again.
    db.execute("PRAGMA synchronous = OFF")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute("PRAGMA temp_store = FILE")
    return db


def _tell(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def _summary(text: str) -> Summary:
    told: dict[str, Any] = json.loads(text)
    return Summary(**(told | {"columns": tuple(told["columns"]), "notes": tuple(told["notes"])}))


def rows_of(orders: Iterable[Order]) -> int:
    """Return how many rows orders have."""
    return sum(len(each.rows) for each in orders)
