"""Cumulative parts of windows, as one source partition keeps them.

A part that nobody touched for a while is over; it stays counted at level two. When a late record
touches its window again, a new part begins, named by the offset that opened it. Whether a part is
over follows from the log alone, so a replay in other chunks opens the same parts; that its row
is dropped some time later changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, Self, TypeVar

import orjson

from streams.logic.effects import Rows, row_of
from streams.logic.numbers import Numbers
from streams.logic.windows import SECOND_US

# A quarter of an hour after the last touch, by the broker's clock. It only bounds memory.
RETENTION_US: Final = 15 * 60 * SECOND_US
# How often rows of parts that are over are looked for.
_SWEEP_US: Final = 60 * SECOND_US
# A part is told again this long after its last change: numbers that do not change any more must
# not hang on one record, and to tell them again costs nothing but that.
TOLD_AGAIN_US: Final = (5 * SECOND_US, 30 * SECOND_US)
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
    # How many changes it holds: of two states of a part, the one with more replaces the other.
    version: int
    touched_us: int
    numbers: N


@dataclass(slots=True)
class Touches:
    """Changes of one window, by records of one chunk, that are applied together.

    The broker's clock must not have gone further between the first and the last than parts are
    kept: then none of them finds the part over that one before it touched.
    """

    # Of the record that was first.
    offset: int
    count: int
    first_us: int
    last_us: int


class OpenParts(Generic[K, N]):
    """The parts of one source partition that may still change."""

    def __init__(self, rows: Rows, keys: type[K], numbers: type[N], clock_us: int) -> None:
        self._rows = rows
        self._numbers = numbers
        # The newest time at which the broker logged a record, up to the record at hand.
        self.clock_us = clock_us
        self._touched: dict[K, int] = {}
        # Parts as their rows have them: to read a row anew for each chunk would cost more than
        # to count the chunk.
        self._kept: dict[K, Part[K, N]] = {}
        self._changed: dict[K, Part[K, N]] = {}
        # Parts that ended within the chunk at hand.
        self._over: list[Part[K, N]] = []
        # Parts to tell again: when they changed, and how often they were told since. After a
        # takeover all of them are, for whoever had them may not have told them.
        self._to_tell: dict[K, tuple[int, int]] = {}
        self._swept_us = clock_us
        for key, row in rows.items():
            if key.startswith(_PREFIX):
                window = keys.from_row(key[1:])
                self._touched[window] = orjson.loads(row)[2]
                self._to_tell[window] = (clock_us, 0)

    def tick(self, logged_us: int) -> None:
        """Take note of when the record at hand was logged."""
        self.clock_us = max(self.clock_us, logged_us)

    def touch(self, key: K, offset: int) -> N:
        """Return the numbers to change once, by the record at hand."""
        return self.touch_often(key, Touches(offset, 1, self.clock_us, self.clock_us))

    def touch_often(self, key: K, touches: Touches) -> N:
        """Return the numbers to change as often as this; see `Touches` for what must hold."""
        part = self._changed.get(key) or self._load(key)
        if part is not None and touches.first_us - part.touched_us > RETENTION_US:
            if key in self._changed or key in self._to_tell:
                self._over.append(part)
            part = None
        if part is None:
            part = Part(key, touches.offset, 0, touches.first_us, self._numbers())
        self._changed[key] = part
        part.version += touches.count
        part.touched_us = max(part.touched_us, touches.last_us)
        return part.numbers

    def to_tell_again(self) -> list[Part[K, N]]:
        """Return parts that changed a while ago and not since."""
        due: list[Part[K, N]] = []
        for key, (changed_us, times) in list(self._to_tell.items()):
            if self.clock_us - changed_us < TOLD_AGAIN_US[times] or key in self._changed:
                continue
            if times + 1 < len(TOLD_AGAIN_US):
                self._to_tell[key] = (changed_us, times + 1)
            else:
                del self._to_tell[key]
            part = self._load(key)
            if part is not None:
                due.append(part)
        return due

    def has_ended(self) -> bool:
        """Return whether a part ended that may not have been told; its row is about to go."""
        return bool(self._over)

    def changed(self) -> list[Part[K, N]]:
        """Return the parts that this chunk changed, those that ended first."""
        return [*self._over, *self._changed.values()]

    def rows_changed(self) -> Iterator[tuple[bytes, bytes]]:
        """Return their rows, and forget that they changed."""
        for key, part in self._changed.items():
            self._touched[key] = part.touched_us
            self._to_tell[key] = (self.clock_us, 0)
            self._kept[key] = part
            row = [part.opened, part.version, part.touched_us, part.numbers.to_row()]
            yield _PREFIX + key.to_row(), row_of(row)
        self._changed, self._over = {}, []

    def put_away(self) -> list[bytes]:
        """Return the keys of rows of parts that are over."""
        if self.clock_us - self._swept_us < _SWEEP_US:
            return []
        self._swept_us = self.clock_us
        before_us = self.clock_us - RETENTION_US
        old = [
            key for key, at_us in self._touched.items() if at_us < before_us and self._was_told(key)
        ]
        for key in old:
            del self._touched[key]
            self._kept.pop(key, None)
        return [_PREFIX + key.to_row() for key in old]

    def _was_told(self, key: K) -> bool:
        """Return whether the part was told since it changed, or was taken over."""
        _, times = self._to_tell.get(key, (0, 1))
        return times > 0

    def _load(self, key: K) -> Part[K, N] | None:
        kept = self._kept.get(key)
        if kept is not None:
            # What was told of it must not change any more.
            return Part(key, kept.opened, kept.version, kept.touched_us, kept.numbers.copy())
        row = self._rows.get(_PREFIX + key.to_row())
        if row is None:
            return None
        opened, version, touched_us, numbers = orjson.loads(row)
        return Part(key, opened, version, touched_us, self._numbers.from_row(numbers))
