"""Tables in memory that take back, row by row, what an aborted transaction wrote.

Domain values are frozen, so a row as it was before is the row itself: nothing is copied when a
transaction begins, and an abort costs what the transaction wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from types import TracebackType
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_ABSENT: Final[Any] = object()


class Undo:
    """What the transaction at hand changed, each row as it was before."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, Any, Any]] = []
        self._outer: list[list[tuple[Any, Any, Any]]] = []

    def __enter__(self) -> None:
        """Begin: what is written from here on stands, unless it ends with an error."""
        # What was written past all transactions stands.
        self._outer.append(self.rows)
        self.rows = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._take_back()
        self.rows = self._outer.pop()

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
        dict.__setitem__(self, key, row)

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
        kind: type[Any] = type(self[key])
        row: V = kind(*_values_of(kind)(self[key]))
        self[key] = row
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


@cache
def _values_of(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what tells a dataclass's values, in the order in which it takes them."""
    return attrgetter(*(each.name for each in fields(kind)))
