"""Locks and changes stock, and what is set aside of it for orders."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import psycopg2.errors as pg
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.dialects.postgresql import insert

from service.application.stock_ports import StockBusyError
from service.domain.errors import StockNotFoundError
from service.domain.stock import Part, Reservation, Stock
from service.postgres import stock_tables as tables
from service.postgres.share_rows import ShareRows
from service.postgres.sku_rows import SkuRows
from service.postgres.supply_rows import SupplyRows


class StockRows(SkuRows, SupplyRows, ShareRows):
    """The part of a transaction that knows stock, and what it is planned by."""

    _connection: sa.Connection

    def lock_stock(self, skus: Sequence[str], *, wait: bool) -> list[Stock]:
        """Lock and return all stock of articles; or raise `StockBusyError`."""
        table = tables.stock
        wanted = (
            sa.select(table)
            .where(table.c.sku.in_(list(skus)))
            .order_by(table.c.sku, table.c.warehouse)
            .with_for_update(nowait=not wait)
        )
        try:
            # What fails ends its savepoint, not the transaction.
            with self._connection.begin_nested():
                rows = self._connection.execute(wanted).mappings().all()
        except sqlalchemy.exc.OperationalError as error:
            if not wait and isinstance(error.orig, pg.LockNotAvailable):
                raise StockBusyError from error
            raise
        return [stock_from(row) for row in rows]

    def lock_one_stock(self, sku: str, warehouse: str) -> Stock:
        """Lock and return stock, or raise `StockNotFoundError`."""
        table = tables.stock
        row = (
            self._connection.execute(
                sa.select(table)
                .where(table.c.sku == sku, table.c.warehouse == warehouse)
                .with_for_update()
            )
            .mappings()
            .first()
        )
        if row is None:
            raise StockNotFoundError(sku=sku, warehouse=warehouse)
        return stock_from(row)

    def keep_stock(self, stock: Stock) -> Stock:
        """Begin to keep stock where none is kept; return what is there, locked."""
        row = {**_stock_row(stock), "kept_at": stock.counted_at}
        self._connection.execute(insert(tables.stock).values(row).on_conflict_do_nothing())
        return self.lock_one_stock(stock.sku, stock.warehouse)

    def save_stock(self, stocks: Sequence[Stock]) -> None:
        """Store changed stock."""
        table = tables.stock
        changing = ("on_hand", "reserved", "counted_at", "updated_at", "version")
        self._connection.execute(
            sa.update(table)
            .where(table.c.sku == sa.bindparam("of_sku"))
            .where(table.c.warehouse == sa.bindparam("in_warehouse"))
            .values({name: sa.bindparam(f"new_{name}") for name in changing}),
            [
                {
                    "of_sku": each.sku,
                    "in_warehouse": each.warehouse,
                    **{f"new_{name}": getattr(each, name) for name in changing},
                }
                for each in stocks
            ],
        )

    def reservations(self, order_id: str) -> list[Reservation]:
        """Return everything that was ever set aside for an order, oldest first."""
        table = tables.reservations
        rows = self._connection.execute(
            sa.select(table)
            .where(table.c.order_id == order_id)
            .order_by(table.c.made_at, table.c.reservation_id, table.c.sku, table.c.warehouse)
        )
        grouped = defaultdict(list)
        for row in rows:
            grouped[row.reservation_id].append(row)
        return [
            Reservation(
                reservation_id=name,
                order_id=order_id,
                parts=tuple(Part(row.sku, row.warehouse, row.quantity) for row in parts),
                made_at=parts[0].made_at,
                released_at=parts[0].released_at,
                taken_at=parts[0].taken_at,
            )
            for name, parts in grouped.items()
        ]

    def save_reservation(self, reservation: Reservation) -> None:
        """Store a reservation, or what became of it."""
        fresh = insert(tables.reservations)
        self._connection.execute(
            fresh.on_conflict_do_update(
                index_elements=["reservation_id", "sku", "warehouse"],
                set_={name: fresh.excluded[name] for name in ("released_at", "taken_at")},
            ),
            [
                {
                    "reservation_id": reservation.reservation_id,
                    "sku": part.sku,
                    "warehouse": part.warehouse,
                    "order_id": reservation.order_id,
                    "quantity": part.quantity,
                    "made_at": reservation.made_at,
                    "released_at": reservation.released_at,
                    "taken_at": reservation.taken_at,
                }
                for part in reservation.parts
            ],
        )


def stock_from(row: Any) -> Stock:  # noqa: ANN401  # a row mapping
    """Return columns as stock."""
    return Stock(**{name: row[name] for name in _STOCK_COLUMNS})


def _stock_row(stock: Stock) -> dict[str, Any]:
    return {name: getattr(stock, name) for name in _STOCK_COLUMNS}


_STOCK_COLUMNS: Final = (
    "sku",
    "warehouse",
    "on_hand",
    "reserved",
    "counted_at",
    "updated_at",
    "version",
)
