"""A list that is read newest first, page by page, has each row once, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.domain.errors import CursorInvalidError
from service.postgres.newest_first import NewestFirst
from tests.builders import NOON

# Two of one moment, told apart by their names.
ROWS: list[tuple[datetime, str]] = [
    (NOON, "a"),
    (NOON, "b"),
    (NOON - timedelta(seconds=1), "z"),
    (NOON + timedelta(microseconds=1), "c"),
]
NEWEST = ["c", "b", "a", "z"]
LISTED = (
    sa.values(sa.column("at", sa.DateTime(timezone=True)), sa.column("name", sa.Text()))
    .data(ROWS)
    .alias("listed")
)
OTHER = sa.select(LISTED.c.at, LISTED.c.name).subquery("other")
ORDER = NewestFirst("listed", LISTED.c.at, (LISTED.c.name,))


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("is_mapped", [False, True])
def test_pages_have_each_row_once(engine: sa.Engine, page_size: int, *, is_mapped: bool) -> None:
    # Another table's columns of the same names come along.
    wanted = sa.select(OTHER, LISTED).join(LISTED, OTHER.c.name == LISTED.c.name)
    found: list[str] = []
    token, pages = "", 0
    with engine.connect() as connection:
        while token or not pages:
            result = connection.execute(ORDER.asked(wanted, page_size, token))
            rows: Sequence[Any] = result.mappings().all() if is_mapped else result.all()
            page, token = ORDER.cut(rows, page_size)
            found += [row["name"] if is_mapped else row.name for row in page]
            pages += 1

    assert found == NEWEST
    assert pages == -(-len(NEWEST) // page_size)


def test_a_token_of_another_list_is_none() -> None:
    page, token = ORDER.cut([{LISTED.c.at: NOON, LISTED.c.name: "a"}] * 2, 1)

    assert len(page) == 1
    with pytest.raises(CursorInvalidError):
        NewestFirst("others", LISTED.c.at, (LISTED.c.name,)).asked(sa.select(LISTED), 1, token)
