"""Cumulative parts of windows, as one source partition keeps them.

A part that nobody touched for a while is put away; it stays counted at level two. When a late
record touches its window again, a new part begins, named by the offset that opened it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, Self, TypeVar

import orjson

from streams.logic.effects import Rows
from streams.logic.numbers import Numbers
from streams.logic.windows import SECOND_US

# Put away a quarter of an hour after the last touch, by the broker's clock. It only bounds memory,
# and must exceed what a crashed worker repeats, which is about a second of records.
RETENTION_US: Final = 15 * 60 * SECOND_US
# How often what can be put away is looked for.
_SWEEP_US: Final = 60 * SECOND_US
_PREFIX: Final = b"w"


class Key(Protocol):
    """Names a window."""

    def to_row(self) -> bytes:
        """Return it as part of a row key."""
        ...

    @classmethod
    def from_row(cls, row: bytes) -> Self:
        """Read what `to_row` wrote."""
        ...

    def __hash__(self) -> int: ...


K = TypeVar("K", bound=Key)
N = TypeVar("N", bound=Numbers)


@dataclass(slots=True)
class Part(Generic[K, N]):
    """Everything that one source partition added to one window since it opened this part."""

    key: K
    # Offset of the record that opened the part; a later part begins anew and adds to this one.
    opened: int
    # Offset of the newest record within; the newer of two states of a part replaces the older.
    offset: int
    touched_us: int
    numbers: N


class OpenParts(Generic[K, N]):
    """The parts of one source partition that may still change."""

    def __init__(self, rows: Rows, keys: type[K], numbers: type[N]) -> None:
        self._rows = rows
        self._numbers = numbers
        self._touched: dict[K, int] = {}
        self._changed: dict[K, Part[K, N]] = {}
        self._swept_us = 0
        for key, row in rows.items():
            if key.startswith(_PREFIX):
                self._touched[keys.from_row(key[1:])] = orjson.loads(row)[2]

    def touch(self, key: K, offset: int, logged_us: int) -> N | None:
        """Return the numbers to change, or None where this record is in them already."""
        part = self._changed.get(key)
        if part is None:
            part = self._load(key) or Part(key, offset, -1, logged_us, self._numbers())
            if offset <= part.offset:
                return None
            self._changed[key] = part
        part.offset = max(part.offset, offset)
        part.touched_us = max(part.touched_us, logged_us)
        return part.numbers

    def changed(self) -> list[Part[K, N]]:
        """Return the parts that this chunk changed."""
        return list(self._changed.values())

    def rows_changed(self) -> Iterator[tuple[bytes, bytes]]:
        """Return their rows, and forget that they changed."""
        for key, part in self._changed.items():
            self._touched[key] = part.touched_us
            row = [part.opened, part.offset, part.touched_us, part.numbers.to_row()]
            yield _PREFIX + key.to_row(), orjson.dumps(row)
        self._changed = {}

    def put_away(self, now_us: int) -> list[bytes]:
        """Return the keys of the rows that nobody touched for long."""
        if now_us - self._swept_us < _SWEEP_US:
            return []
        self._swept_us = now_us
        old = [key for key, at_us in self._touched.items() if now_us - at_us > RETENTION_US]
        for key in old:
            del self._touched[key]
        return [_PREFIX + key.to_row() for key in old]

    def _load(self, key: K) -> Part[K, N] | None:
        row = self._rows.get(_PREFIX + key.to_row())
        if row is None:
            return None
        opened, offset, touched_us, numbers = orjson.loads(row)
        return Part(key, opened, offset, touched_us, self._numbers.from_row(numbers))
