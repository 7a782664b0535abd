"""Level two: parts of all source partitions become whole windows.

The newest state of a part replaces the older one, so repeats and crashes change nothing. When a
source opens a new part of a window, the old one is complete and is added to what is kept. A whole
counts its changes: a function of the log alone, so the same revision has the same content
however often it is computed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import orjson

from streams.logic.effects import Effects, Rows, row_of
from streams.logic.numbers import Numbers
from streams.logic.parts import Part
from streams.logic.windows import GRACE_US, SECOND_US, Source, Watermarks

_PREFIX: Final = b"m"
_SOURCES: Final = b"s"


class WindowKey(Protocol):
    """Names a window that ends."""

    @property
    def end_s(self) -> int:
        """When the window ends, seconds since the epoch."""
        ...

    def to_row(self) -> bytes:
        """Return it as part of a row key."""
        ...

    @classmethod
    def from_row(cls, row: bytes) -> Self:
        """Read what `to_row` wrote."""
        ...

    def __hash__(self) -> int: ...
    def __lt__(self, other: Any, /) -> bool: ...  # noqa: ANN401  # As tuple has it.


K = TypeVar("K", bound=WindowKey)
N = TypeVar("N", bound=Numbers)


@dataclass(frozen=True, slots=True)
class Told(Generic[K, N]):
    """What one source partition tells with one record: a part, or only its progress."""

    logged_us: int
    source: str
    watermark_us: int
    caught_up: bool
    part: Part[K, N] | None


@dataclass(frozen=True, slots=True)
class Whole(Generic[K, N]):
    """One window as all partitions together know it."""

    key: K
    numbers: N
    # Grows with every change.
    revision: int
    # The watermark of every live source has passed the end and the grace time.
    is_final: bool
    # Sources that were silent then.
    idle: tuple[str, ...]


@dataclass(slots=True)
class _Kept(Generic[N]):
    """A row: the newest state of each source's part, and what is complete of them."""

    complete: N
    # By source: which part, with how many changes.
    parts: dict[str, tuple[int, int, N]] = field(default_factory=dict)
    changes: int = 0
    is_final: bool = False
    idle: tuple[str, ...] = ()

    def take(self, source: str, part: Part[Any, N]) -> bool:
        """Take the part in; False where it is known or older than what is known."""
        opened, version, numbers = self.parts.get(source, (-1, -1, None))
        if (part.opened, part.version) <= (opened, version):
            return False
        if numbers is not None and part.opened > opened:
            self.complete.add(numbers)
        self.parts[source] = (part.opened, part.version, part.numbers)
        self.changes += 1
        return True

    def copy(self) -> _Kept[N]:
        """Return the same, to be changed apart from this one."""
        return replace(self, complete=self.complete.copy(), parts=dict(self.parts))

    def total(self, numbers: type[N]) -> N:
        total = numbers()
        total.add(self.complete)
        for _, _, each in self.parts.values():
            total.add(each)
        return total


class Merging(Generic[K, N]):
    """The engine of one partition of partials."""

    def __init__(
        self, rows: Rows, keys: type[K], numbers: type[N], *, epoch: int, sources: int
    ) -> None:
        self._rows = rows
        self._keys = keys
        self._numbers = numbers
        # A new life of the broker counts from zero; its revisions are still the greater.
        self._revision_base = epoch << 40
        self._growing: list[tuple[int, K]] = []
        # Windows that grow, as their rows have them: a row is read once, not once a chunk.
        self._kept: dict[K, _Kept[N]] = {}
        self._marks = Watermarks(sources)
        for key, row in rows.items():
            if key.startswith(_PREFIX):
                window = keys.from_row(key[1:])
                if not self._decode(row).is_final:
                    heapq.heappush(self._growing, (window.end_s, window))
            elif key == _SOURCES:
                told = orjson.loads(row)
                self._marks.sources = {name: Source(*each) for name, each in told.items()}

    def apply(self, records: Sequence[Told[K, N]]) -> Effects[Whole[K, N]]:
        """Merge what these records tell."""
        effects: Effects[Whole[K, N]] = Effects()
        dirty: dict[K, _Kept[N]] = {}
        for record in records:
            self._marks.hear(
                record.source,
                watermark_us=record.watermark_us,
                logged_us=record.logged_us,
                caught_up=record.caught_up,
            )
            if record.part is not None:
                if not self._take(record, record.part, dirty):
                    effects.repeats += 1
                elif dirty[record.part.key].is_final:
                    effects.late += 1
            self._close(dirty)
        for key, kept in dirty.items():
            effects.outputs.append(self._whole(key, kept))
            effects.rows[_PREFIX + key.to_row()] = _encode(kept)
            if kept.is_final:
                self._kept.pop(key, None)
            else:
                self._kept[key] = kept
        sources = self._marks.sources.items()
        row = {name: [s.watermark_us, s.heard_us, s.caught_up] for name, s in sources}
        effects.rows[_SOURCES] = row_of(row)
        return effects

    def wholes(self) -> Iterator[Whole[K, N]]:
        """Yield every window of this partition, to build a view from nothing."""
        for key, row in self._rows.items():
            if key.startswith(_PREFIX):
                yield self._whole(self._keys.from_row(key[1:]), self._decode(row))

    @property
    def low_watermark_us(self) -> int:
        """How far event time has come in every live source."""
        return self._marks.low_us()

    def is_complete(self) -> bool:
        """Return whether all sources have been read from their beginning."""
        return self._marks.caught_up()

    def _take(self, record: Told[K, N], part: Part[K, N], dirty: dict[K, _Kept[N]]) -> bool:
        known = dirty.get(part.key) or self._load(part.key)
        kept = known or _Kept(self._numbers())
        if not kept.take(record.source, part):
            return False
        if known is None:
            heapq.heappush(self._growing, (part.key.end_s, part.key))
        dirty[part.key] = kept
        return True

    def _close(self, dirty: dict[K, _Kept[N]]) -> None:
        """Make final what the slowest live source has passed."""
        passed_us = self._marks.low_us() - GRACE_US
        while self._growing and self._growing[0][0] * SECOND_US <= passed_us:
            _, key = heapq.heappop(self._growing)
            kept = dirty.get(key) or self._load(key)
            if kept is not None and not kept.is_final:
                kept.is_final = True
                kept.idle = self._marks.idle()
                kept.changes += 1
                dirty[key] = kept

    def _whole(self, key: K, kept: _Kept[N]) -> Whole[K, N]:
        revision = self._revision_base + kept.changes
        return Whole(key, kept.total(self._numbers), revision, kept.is_final, kept.idle)

    def _load(self, key: K) -> _Kept[N] | None:
        kept = self._kept.get(key)
        if kept is not None:
            return kept.copy()
        row = self._rows.get(_PREFIX + key.to_row())
        return None if row is None else self._decode(row)

    def _decode(self, row: bytes) -> _Kept[N]:
        complete, parts, changes, is_final, idle = orjson.loads(row)
        read = self._numbers.from_row
        return _Kept(
            read(complete),
            {
                name: (opened, version, read(each))
                for name, (opened, version, each) in parts.items()
            },
            changes,
            is_final,
            tuple(idle),
        )


def _encode(kept: _Kept[Any]) -> bytes:
    parts = {name: [at, to, each.to_row()] for name, (at, to, each) in kept.parts.items()}
    row = [kept.complete.to_row(), parts, kept.changes, kept.is_final, list(kept.idle)]
    return row_of(row)
