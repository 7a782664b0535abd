"""Keeps the rows of one partition in a changelog: a few large records instead of many small ones.

Each chunk appends one *delta*: every row that it changed, all or nothing. After many deltas the
rows that they changed are written as *pages*, and the deltas are dropped. Whoever takes the
partition over reads pages, then the deltas that the pages do not hold yet, in order.

A delta is named by its owner's *term* and a number. Whoever takes over has a greater term than
all before, so what a former owner still writes, not knowing that it lost the partition, sorts
before what the new one wrote, and changes nothing that the new one wrote after it.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from zlib import crc32

from streams.logic.effects import Effects

# Brokers take a megabyte; a delta that is larger has several parts.
PART_BYTES_MAX: Final = 512 * 1024
# Reading back a thousand deltas takes a second or two; writing pages costs the more, the more
# often it is done.
DELTAS_MAX: Final = 500
# A million rows of 30 bytes are pages of 30 KB.
PAGES: Final = 1024

# Rows that are large or few have a page each: windows, and what a partition has one of.
_OWN_PAGE: Final = (b"w", b"m", b"p", b"s")
_DELTA: Final = b"d"
_PAGE: Final = b"g"
_GONE: Final = 0xFFFFFFFF
_LENGTH: Final = struct.Struct(">I")
_MARK: Final = struct.Struct(">QQ")


class Mark(NamedTuple):
    """Names a delta: the owner's term, then a number."""

    term: int
    number: int


_BEFORE_ALL: Final = Mark(-1, 0)


Change = tuple[bytes, bytes | None]


class RowLog:
    """The rows of one partition, and how they are written down.

    Rows at rest are kept as their pages are written, in the very bytes that the table holds: some
    40 for an order, where an entry of a dictionary takes 300. A worker has millions of them.
    """

    def __init__(
        self,
        records: Iterable[tuple[bytes, bytes]],
        term: int,
        *,
        deltas_max: int = DELTAS_MAX,
        part_bytes_max: int = PART_BYTES_MAX,
    ) -> None:
        """Read back what is written; the term grows if that is needed to be the greatest."""
        self._deltas_max = deltas_max
        self._part_bytes_max = part_bytes_max
        # What the records of pages say, by page.
        self._pages: dict[bytes, bytes] = {}
        # Where the keys are on pages that were asked for since they were written.
        self._starts: dict[bytes, array[int]] = {}
        # Rows that changed since their pages were written; None is one that is gone.
        self._changed: dict[bytes, bytes | None] = {}
        # Names of records that the next pages make superfluous, in their order.
        self._deltas: list[bytes] = []
        deltas: dict[Mark, dict[int, bytes]] = {}
        parts: dict[Mark, int] = {}
        for name, value in records:
            if name.startswith(_PAGE):
                self._pages[name[1:]] = value
            else:
                mark, part, of = _parse_name(name)
                deltas.setdefault(mark, {})[part] = value
                parts[mark] = of
        # Up to which delta each page holds its rows.
        held = {page: Mark(*_MARK.unpack_from(value)) for page, value in self._pages.items()}
        newest = max([*(mark.term for mark in deltas), *(m.term for m in held.values()), 0])
        self._mark = Mark(max(term, newest + 1), 0)
        for mark in sorted(deltas):
            found = deltas[mark]
            self._deltas.extend(_name(mark, part, parts[mark]) for part in sorted(found))
            # One that its owner did not finish is as if it had not begun.
            if len(found) == parts[mark]:
                for key, row in _unpack(b"".join(found[part] for part in sorted(found))):
                    if mark > held.get(page_of(key), _BEFORE_ALL):
                        self._changed[key] = row

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        if key in self._changed:
            return self._changed[key]
        return self._find(page_of(key), _LENGTH.pack(len(key)) + key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every row as it is now, a page at a time: all at once they would take far more.

        What is written down is replaced and never changed, so that the rows of now can be read
        while others are written.
        """
        return _items(dict(self._pages), dict(self._changed))

    def append(self, effects: Effects[Any]) -> Iterator[Change]:
        """Take in what a chunk changed; yield the records to write, None to delete one."""
        changes: list[Change] = [*effects.rows.items(), *((k, None) for k in effects.deletions)]
        if not changes:
            return
        self._mark = Mark(self._mark.term, self._mark.number + 1)
        self._changed.update(changes)
        payload = _pack(changes)
        cuts = range(0, len(payload), self._part_bytes_max)
        for part, start in enumerate(cuts):
            name = _name(self._mark, part, len(cuts))
            self._deltas.append(name)
            yield name, payload[start : start + self._part_bytes_max]
        if len(self._deltas) >= self._deltas_max:
            yield from self._fold()

    def _fold(self) -> Iterator[Change]:
        """Write the pages that changed, then drop the deltas, the oldest first."""
        for page, changes in _by_page(self._changed).items():
            self._starts.pop(page, None)
            rows = _rows_of(self._pages.get(page, b""), changes)
            if rows:
                written = _MARK.pack(*self._mark) + _pack(rows.items())
                self._pages[page] = written
                yield _PAGE + page, written
            elif self._pages.pop(page, None) is not None:
                yield _PAGE + page, None
        for name in self._deltas:
            yield name, None
        self._deltas, self._changed = [], {}

    def _find(self, page: bytes, key: bytes) -> bytes | None:
        """Return the row of a key, which has its length before it, without reading the page."""
        packed = self._pages.get(page, b"")
        at = packed.find(key, _MARK.size)
        while at >= 0:
            starts = self._starts.get(page)
            if starts is None:
                starts = self._starts[page] = array("I", _starts(packed))
            # Anything else is a row that says the same as a key.
            if starts[bisect_left(starts, at) % len(starts)] == at:
                at += len(key)
                (size,) = _LENGTH.unpack_from(packed, at)
                return packed[at + _LENGTH.size : at + _LENGTH.size + size]
            at = packed.find(key, at + 1)
        return None


def page_of(key: bytes) -> bytes:
    """Return the page of a row."""
    return key if key.startswith(_OWN_PAGE) else b"%04d" % (crc32(key) % PAGES)


def _items(
    pages: Mapping[bytes, bytes], changed: Mapping[bytes, bytes | None]
) -> Iterator[tuple[bytes, bytes]]:
    changes = _by_page(changed)
    for page, packed in pages.items():
        yield from _rows_of(packed, changes.pop(page, ())).items()
    for fresh in changes.values():
        yield from _rows_of(b"", fresh).items()


def _by_page(changed: Mapping[bytes, bytes | None]) -> dict[bytes, list[Change]]:
    changes: dict[bytes, list[Change]] = {}
    for key, row in changed.items():
        changes.setdefault(page_of(key), []).append((key, row))
    return changes


def _rows_of(page: bytes, changes: Iterable[Change]) -> dict[bytes, bytes]:
    """Return the rows of a page as it is written, brought up to what changed since."""
    rows = {key: row for key, row in _unpack(page[_MARK.size :]) if row is not None}
    for key, row in changes:
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row
    return rows


def _name(mark: Mark, part: int, of: int) -> bytes:
    return _DELTA + b"%d.%d.%d.%d" % (*mark, part, of)


def _parse_name(name: bytes) -> tuple[Mark, int, int]:
    term, number, part, of = map(int, name[1:].split(b"."))
    return Mark(term, number), part, of


def _pack(changes: Iterable[Change]) -> bytes:
    """Return rows as lengths and bytes; a row that is gone has a length that none can have."""
    length = _LENGTH.pack
    packed: list[bytes] = []
    for key, row in changes:
        if row is None:
            packed += (length(len(key)), key, length(_GONE))
        else:
            packed += (length(len(key)), key, length(len(row)), row)
    return b"".join(packed)


def _unpack(packed: bytes) -> Iterator[Change]:
    at = 0
    while at < len(packed):
        (size,) = _LENGTH.unpack_from(packed, at)
        key, at = packed[at + 4 : at + 4 + size], at + 4 + size
        (size,) = _LENGTH.unpack_from(packed, at)
        at += 4
        if size == _GONE:
            yield key, None
        else:
            yield key, packed[at : at + size]
            at += size


def _starts(page: bytes) -> Iterator[int]:
    """Yield where on a page each key begins, with its length."""
    at = _MARK.size
    while at < len(page):
        yield at
        for _ in ("key", "row"):
            at += _LENGTH.size + _LENGTH.unpack_from(page, at)[0]
