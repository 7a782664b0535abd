"""Rows that were kept: given to a person as a file, and run alone when they are corrected.

The rows of one order go together: while one of them is wrong, none is sent.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from clients.files.judging import Bad, Good, Judge
from clients.files.kinds import KINDS, Columns
from clients.files.packing import pack
from clients.files.records import Record
from clients.files.spool import Order
from clients.files.telling import Telling
from clients.sdk import Concord
from concord.imports.v1 import import_service_pb2 as api

NUMBER: Final = "行号 row"
PROBLEM: Final = "问题 problem"
# As many numbers as one call settles, with room.
SETTLED_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of rows that were tried again."""

    sent: tuple[int, ...]
    # Still wrong, with what is wrong.
    wrong: tuple[Bad, ...]
    # Right by themselves; another row of their order is not.
    waiting: tuple[int, ...]


def export(found: api.Import, rows: Sequence[api.ImportRow], path: Path) -> None:
    """Write kept rows for a person to correct; Excel opens it as it is."""
    with path.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([NUMBER, PROBLEM, *found.columns])
        for row in rows:
            reason = api.ImportRow.Reason.Name(row.reason).removeprefix("REASON_")
            fields = [_kept_whole(each) for each in fields_of(row)]
            writer.writerow([row.number, f"{reason} {row.column}".strip(), *fields])


def corrected(path: Path) -> Mapping[int, list[str]]:
    """Read a file that `export` has written, with what a person made of it.

    Raises:
        ValueError: it has no column of row numbers.
    """
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened)
        header = next(rows, [])
        if header[:2] != [NUMBER, PROBLEM]:
            message = f"the first columns must be `{NUMBER}` and `{PROBLEM}`, as they were exported"
            raise ValueError(message)
        return {int(row[0]): row[2:] for row in rows if row and row[0].strip().isdigit()}


def fields_of(row: api.ImportRow) -> list[str]:
    """Return a kept row's fields, as they came."""
    return [str(each) for each in json.loads(row.text)]


def run_again(
    concord: Concord,
    found: api.Import,
    kept: Sequence[api.ImportRow],
    changed: Mapping[int, list[str]],
    *,
    at: datetime,
) -> Fixed:
    """Judge open rows anew, with what was changed; send the orders that are right by now."""
    columns = Columns.of(KINDS[found.template], found.columns)
    judge = Judge(columns)
    good: dict[str, list[Good]] = defaultdict(list)
    wrong: list[Bad] = []
    for row in kept:
        fields = changed.get(row.number) or fields_of(row)
        judged = judge.judge(Record(row.number, fields))
        if isinstance(judged, Good):
            good[judged.order].append(judged)
        elif isinstance(judged, Bad):
            wrong.append(judged)
    held = {each.order for each in wrong if each.order}
    orders = [
        Order(number, [pack(each.fields) for each in sorted(rows, key=lambda row: row.number)])
        for number, rows in sorted(good.items())
        if number not in held
    ]
    telling = Telling(found.channel, found.shop, found.template, found.day, columns.names, at)
    for batch in telling.batches(orders):
        concord.intake.submit(batch.receipts)
    sent = sorted(row.number for number, rows in good.items() if number not in held for row in rows)
    for numbers in _parted(sent):
        concord.imports.settle_rows(found.name, numbers)
    waiting = sorted(row.number for number in held for row in good.get(number, ()))
    return Fixed(tuple(sent), tuple(wrong), tuple(waiting))


def _parted(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(numbers), SETTLED_AT_ONCE):
        yield numbers[at : at + SETTLED_AT_ONCE]


def _kept_whole(text: str) -> str:
    """Return a field as Excel leaves it alone: long numbers behind a tab."""
    bare = text.strip()
    return f"\t{bare}" if bare.isdigit() and len(bare) > 11 else text  # noqa: PLR2004  # Excel's
