"""Reads stock and pick lists for callers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.application.reading import Page
from service.application.stock_reading import PickQuery, StockQuery
from service.domain.errors import PickListNotFoundError, StockNotFoundError
from service.domain.picking import PickList
from service.domain.stock import Stock
from service.postgres import stock_tables as tables
from service.postgres.moments import to_text
from service.postgres.pick_rows import pick_list_from
from service.postgres.stock_rows import stock_from
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated


class PostgresStockReader:
    """Implements `service.application.stock_reading.StockReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def stock(self, sku: str, warehouse: str) -> Stock:
        """Return stock, or raise `StockNotFoundError`."""
        table = tables.stock
        rows = self._read(
            sa.select(table).where(table.c.sku == sku, table.c.warehouse == warehouse)
        )
        if not rows:
            raise StockNotFoundError(sku=sku, warehouse=warehouse)
        return stock_from(rows[0])

    def stocks(self, query: StockQuery) -> Page[Stock]:
        """List stock by article and warehouse; or raise `CursorInvalidError`."""
        table = tables.stock
        wanted = sa.select(table).order_by(table.c.sku, table.c.warehouse)
        for column, value in ((table.c.sku, query.sku), (table.c.warehouse, query.warehouse)):
            if value:
                wanted = wanted.where(column == value)
        if query.page_token:
            after = open_token("stock", query.page_token, str, str)
            wanted = wanted.where(sa.tuple_(table.c.sku, table.c.warehouse) > sa.tuple_(*after))
        found = [stock_from(row) for row in self._read(wanted.limit(query.page_size + 1))]
        rows = found[: query.page_size]
        is_last = len(found) == len(rows)
        token = "" if is_last else make_token("stock", rows[-1].sku, rows[-1].warehouse)
        return Page(tuple(rows), token)

    def pick_list(self, pick_list_id: str) -> PickList:
        """Return a pick list with its lines, or raise `PickListNotFoundError`."""
        table = tables.pick_lists
        rows = self._read(sa.select(table).where(table.c.pick_list_id == pick_list_id))
        if not rows:
            raise PickListNotFoundError(pick_list=pick_list_id)
        return pick_list_from(rows[0])

    def pick_lists(self, query: PickQuery) -> Page[PickList]:
        """List pick lists without lines, oldest first; or raise `CursorInvalidError`."""
        table = tables.pick_lists
        wanted = sa.select(table).order_by(table.c.created_at, table.c.pick_list_id)
        if query.order_id:
            wanted = wanted.where(table.c.order_id == query.order_id)
        if query.warehouse:
            wanted = wanted.where(table.c.warehouse == query.warehouse)
        if query.states:
            wanted = wanted.where(table.c.state.in_([each.value for each in query.states]))
        if query.page_token:
            after = open_token("picks", query.page_token, datetime, str)
            key = sa.tuple_(table.c.created_at, table.c.pick_list_id)
            wanted = wanted.where(key > sa.tuple_(*after))
        found = [
            pick_list_from(row, has_lines=False)
            for row in self._read(wanted.limit(query.page_size + 1))
        ]
        rows = found[: query.page_size]
        is_last = len(found) == len(rows)
        last = rows[-1] if rows else None
        token = (
            ""
            if is_last or last is None
            else make_token("picks", to_text(last.created_at), last.pick_list_id)
        )
        return Page(tuple(rows), token)

    def _read(self, wanted: sa.Select[Any]) -> list[Any]:
        with translated(), self._engine.connect() as connection:
            return list(connection.execute(wanted).mappings())
