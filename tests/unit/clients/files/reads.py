"""Reads a file as an import does, up to what would be sent and what would be kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clients.files.judging import Bad
from clients.files.reading import Source, spooled
from clients.files.spool import Order, Summary
from clients.files.tables import open_table


@dataclass(frozen=True)
class Read:
    """What was found in a file."""

    summary: Summary
    orders: list[Order]
    bad: list[Bad]

    @property
    def sent(self) -> list[str]:
        return [each.number for each in self.orders]

    @property
    def kept(self) -> list[tuple[int, str, str]]:
        return [(each.number, each.reason.value, each.column) for each in self.bad]

    def field(self, order: str, column: str, row: int = 0) -> str:
        (found,) = [each for each in self.orders if each.number == order]
        return found.rows[row][self.summary.columns.index(column)]


def read(path: Path, template: str = "") -> Read:
    source = Source.of(path, template=template)
    table = open_table(path, source.looked, template)
    with spooled(source, table, path.parent / "work") as spool:
        return Read(spool.summary, list(spool.orders()), list(spool.bad()))


def saved(path: Path, *lines: str, encoding: str = "utf-8", end: str = "\r\n") -> Path:
    path.write_bytes("".join(f"{each}{end}" for each in lines).encode(encoding))
    return path
