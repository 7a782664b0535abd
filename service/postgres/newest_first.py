"""Lists that are read newest first, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from service.postgres.moments import to_text
from service.postgres.tokens import make_token, open_token

# A row, or its mapping.
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """The order of one list: by a moment, then by what makes it an order, both downwards."""

    kind: str
    """Of its page tokens: none is taken for that of another list."""
    moment: sa.ColumnElement[datetime]
    names: tuple[sa.ColumnElement[str], ...]

    def asked(self, wanted: sa.Select[Any], page_size: int, page_token: str) -> sa.Select[Any]:
        """Return the question for a page, and for one row more.

        Raises:
            CursorInvalidError: the token is not of this list.
        """
        key: tuple[sa.ColumnElement[Any], ...] = (self.moment, *self.names)
        if page_token:
            before = open_token(self.kind, page_token, datetime, *(str for _ in self.names))
            wanted = wanted.where(sa.tuple_(*key) < sa.tuple_(*map(sa.literal, before)))
        return wanted.order_by(*(column.desc() for column in key)).limit(page_size + 1)

    def cut(self, rows: Sequence[R], page_size: int) -> tuple[Sequence[R], str]:
        """Return the page of what was found, and the token of the next; empty: there is none."""
        page = rows[:page_size]
        if len(rows) == len(page):
            return page, ""
        last: Any = getattr(page[-1], "_mapping", page[-1])
        names = [last[column] for column in self.names]
        return page, make_token(self.kind, to_text(last[self.moment]), *names)
