"""Reads a file into its spool, or finds the spool that somebody who was killed has left."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from clients.files.cells import KEPT_DIGITS, has_lost_digits
from clients.files.encodings import Looked, look_at
from clients.files.judging import Bad, Good, Judge, Reason
from clients.files.spool import Filling, Spool, Summary
from clients.files.tables import FileBusyError, FileRefusedError, Table

# More rows that are wrong are a wrong file: nobody corrects them by hand.
BAD_MOST: Final = 20_000

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that came, and for whom."""

    path: Path
    looked: Looked
    template: str = ""
    shop: str = ""
    day: str = ""

    @classmethod
    def of(cls, path: Path, *, template: str = "", shop: str = "", day: str = "") -> Source:
        """Look at a file's bytes."""
        return cls(path, look_at(path), template, shop, day)


@contextmanager
def spooled(
    source: Source, table: Table, folder: Path, told: Told = lambda _: None
) -> Iterator[Spool]:
    """Give the spool of a file, and nobody else at the same time.

    Raises:
        FileRefusedError: most of the file cannot be read; or somebody else imports it now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Shops are called as people like, file systems are not.
    shop = sha256(source.shop.encode()).hexdigest()[:16]
    path = folder / f"{source.looked.digest[:32]}-{table.columns.kind.template}-{shop}.spool"
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileBusyError(
                "Somebody else imports this file now.", "Wait until they are done."
            ) from None
        spool = Spool(path) if path.exists() else _filled(table, path, told)
        try:
            yield spool
        finally:
            spool.close()


def _filled(table: Table, path: Path, told: Told) -> Spool:
    filling = Filling(path)
    try:
        spool = filling.finish(_read(table, filling, told))
    except BaseException:
        filling.abandon()
        raise
    if spool.summary.bad > BAD_MOST:
        spool.remove()
        raise FileRefusedError(
            f"More than {BAD_MOST} rows cannot be sent.",
            "See whether it is two exports in one, of different moments; import each by itself.",
        )
    return spool


def _read(table: Table, filling: Filling, told: Told) -> Summary:
    looked = table.looked
    judge = Judge(
        table.columns, header=table.repeated, is_sound=looked.is_sound, is_cut=looked.is_cut
    )
    seen = _Seen()
    for record in table.rows(told):
        judged = judge.judge(record)
        if isinstance(judged, Good):
            seen.good(judged)
            filling.add(judged)
        elif isinstance(judged, Bad):
            seen.bad(judged)
            filling.keep(judged)
        elif judged.is_other_header:
            raise FileRefusedError(
                f"Row {judged.number} is a header with other columns: these are two exports.",
                "Part the file there, and import each by itself.",
            )
        else:
            seen.passed += 1
            seen.headers += judged.is_header
    for number in seen.rounded():
        filling.lost_digits(number)
    notes = {
        "COLUMNS_DOUBLED": table.columns.doubled,
        "FILE_CUT": looked.is_cut or seen.is_cut,
        "BYTES_NO_TEXT": not looked.is_sound,
        "HEADER_REPEATED": seen.headers,
        "NUMBERS_ROUNDED": seen.rounded(),
    }
    return Summary(
        rows=seen.rows,
        orders=0,
        passed=seen.passed,
        bad=0,
        noted=0,
        encoding=looked.encoding,
        delimiter=table.delimiter,
        template=table.columns.kind.template,
        columns=table.columns.names,
        notes=tuple(name for name, holds in notes.items() if holds),
    )


@dataclass
class _Seen:
    """What was seen of a file so far."""

    rows: int = 0
    passed: int = 0
    headers: int = 0
    is_cut: bool = False
    # Orders whose numbers are longer than Excel keeps them; and such as look as it leaves them.
    long: int = 0
    lost: list[int] = field(default_factory=list)
    wrong: int = 0

    def good(self, row: Good) -> None:
        self.rows += 1
        if len(row.order) > KEPT_DIGITS and row.order.isdigit():
            self.long += 1
            if has_lost_digits(row.order):
                self.lost.append(row.number)

    def bad(self, row: Bad) -> None:
        """Count a row that is wrong; or raise `FileRefusedError` where they are too many."""
        self.rows += 1
        self.wrong += 1
        self.is_cut = self.is_cut or row.reason is Reason.CUT
        if self.wrong > BAD_MOST:
            last = f"{row.reason.value} {row.column}".rstrip()
            raise FileRefusedError(
                f"More than {BAD_MOST} rows are wrong; the last one: {last}.",
                "Ask for the export again, or name the right kind with --template.",
            )

    def rounded(self) -> list[int]:
        """Return rows whose orders lost their digits.

        One true number in ten thousand looks like it; all of a file do where Excel saved it again.
        """
        return self.lost if len(self.lost) == self.long else []
