"""Reads the register of files for callers, without locks."""

from collections.abc import Sequence

import sqlalchemy as sa

from service.application.import_ports import ImportQuery, RowQuery
from service.application.reading import Page
from service.domain.imports.errors import ImportNotFoundError
from service.domain.imports.expecting import ExpectedFile, ExpectedState
from service.domain.imports.files import Import, Kept, Row
from service.postgres import import_tables as tables
from service.postgres.engine import begin_snapshot
from service.postgres.expected_rows import expected_from
from service.postgres.import_rows import import_from, kept_of, row_from
from service.postgres.newest_first import NewestFirst
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated


class PostgresImportReader:
    """Implements `service.application.import_ports.ImportReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def get(self, import_id: str) -> tuple[Import, Kept]:
        """Return an import and its kept rows, of one moment."""
        table = tables.imports
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            wanted = sa.select(table).where(table.c.import_id == import_id)
            row = connection.execute(wanted).mappings().first()
            if row is None:
                raise ImportNotFoundError(import_id=import_id)
            return import_from(row), kept_of(connection, [import_id])[import_id]

    def list(self, query: ImportQuery) -> Page[tuple[Import, Kept]]:
        """List imports, newest first; or raise `CursorInvalidError`."""
        table = tables.imports
        newest = NewestFirst("imports", table.c.begun_at, (table.c.import_id,))
        equal = {
            "channel": query.channel,
            "shop": query.shop,
            "day": query.day,
            "state": query.state.value if query.state else "",
        }
        wanted = sa.select(table).where(
            *(table.c[name] == text for name, text in equal.items() if text)
        )
        wanted = newest.asked(wanted, query.page_size, query.page_token)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            rows = connection.execute(wanted).mappings().all()
            page, token = newest.cut(rows, query.page_size)
            found = [import_from(row) for row in page]
            kept = kept_of(connection, [each.import_id for each in found])
        return Page(tuple((each, kept[each.import_id]) for each in found), token)

    def rows(self, query: RowQuery) -> Page[Row]:
        """List kept rows in the order of the file; or raise `CursorInvalidError`."""
        table = tables.import_rows
        wanted = (
            sa.select(table)
            .where(table.c.import_id == query.import_id)
            .order_by(table.c.number)
            .limit(query.page_size + 1)
        )
        if query.state is not None:
            wanted = wanted.where(table.c.state == query.state.value)
        if query.page_token:
            (after,) = open_token("import_rows", query.page_token, int)
            wanted = wanted.where(table.c.number > after)
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        found = tuple(row_from(row) for row in rows[: query.page_size])
        has_more = len(rows) > len(found)
        return Page(found, make_token("import_rows", found[-1].number) if has_more else "")

    def expected(
        self, *, feed_id: str, state: ExpectedState | None, most: int
    ) -> Sequence[ExpectedFile]:
        """List what was expected, newest day first."""
        table = tables.expected_files
        wanted = sa.select(table).order_by(table.c.day.desc(), table.c.feed_id).limit(most)
        if feed_id:
            wanted = wanted.where(table.c.feed_id == feed_id)
        if state is not None:
            wanted = wanted.where(table.c.state == state.value)
        with translated(), self._engine.connect() as connection:
            return [expected_from(row) for row in connection.execute(wanted).mappings()]
