"""Tables in memory that take back, row by row, what an aborted transaction wrote.

Domain values are frozen, so a row as it was before is the row itself: nothing is copied when a
transaction begins, and an abort costs what the transaction wrote.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ABSENT: Final[Any] = object()


class Undo:
    """What the transaction at hand changed, each row as it was before."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, Any, Any]] = []

    @contextmanager
    def taking_back(self) -> Iterator[None]:
        """Let what is written within stand, unless it raises."""
        # What was written past all transactions stands.
        outer, self.rows = self.rows, []
        try:
            yield
        except BaseException:
            self._take_back()
            raise
        finally:
            self.rows = outer

    def _take_back(self) -> None:
        for table, key, row in reversed(self.rows):
            if isinstance(table, list):
                del table[key:]
            elif row is _ABSENT:
                dict.pop(table, key)
            else:
                dict.__setitem__(table, key, row)


class Table(dict[K, V]):
    """Rows by key."""

    __slots__ = ("_undo",)

    def __init__(self, undo: Undo) -> None:
        super().__init__()
        self._undo = undo

    def __setitem__(self, key: K, row: V) -> None:
        self._undo.rows.append((self, key, self.get(key, _ABSENT)))
        super().__setitem__(key, row)

    def __delitem__(self, key: K) -> None:
        self._undo.rows.append((self, key, self[key]))
        super().__delitem__(key)

    def pop(self, key: K, default: Any = None) -> Any:  # noqa: ANN401  # As dict has it.
        """Take a row out, if it is there."""
        row = self.get(key, default)
        if key in self:
            del self[key]
        return row

    def setdefault(self, key: K, default: Any = None) -> V:  # noqa: ANN401
        """Return the row; put one there where none is."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, rows: Mapping[K, V]) -> None:  # type: ignore[override]
        """Put rows in place."""
        for key, row in rows.items():
            self[key] = row

    def change(self, key: K) -> V:
        """Put a copy of the row in its place, and return it: it may be changed at will."""
        row = self[key] = copy.copy(self[key])
        return row


class Log(list[V]):
    """Rows that are only ever added."""

    __slots__ = ("_undo",)

    def __init__(self, undo: Undo) -> None:
        super().__init__()
        self._undo = undo

    def append(self, row: V) -> None:
        self._undo.rows.append((self, len(self), None))
        super().append(row)

    def extend(self, rows: Iterable[V]) -> None:
        self._undo.rows.append((self, len(self), None))
        super().extend(rows)

    def __iadd__(self, rows: Iterable[V]) -> Log[V]:  # type: ignore[override,misc]
        self.extend(rows)
        return self
