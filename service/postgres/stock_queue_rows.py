"""Keeps the queue of orders whose stock must be looked at."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from service.application.stock_ports import StockAsked, StockWork
from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.postgres import driver
from service.postgres import stock_tables as tables
from service.postgres.tables import order_refs

# One statement for all orders of a transaction: most have no article that is kept.
_QUEUE: Final = (
    "INSERT INTO stock_queue (order_id, since, due_at)"
    " SELECT told.order_id, %(at)s, %(at)s"
    " FROM jsonb_to_recordset(CAST(%(orders)s AS jsonb))"
    "  AS told(order_id text, channel text, items text[])"
    " WHERE EXISTS (SELECT FROM sku_mappings WHERE sku_mappings.channel = told.channel)"
    " OR NOT EXISTS ("
    "  SELECT FROM unnest(told.items) AS asked(sku)"
    "  WHERE NOT EXISTS (SELECT FROM stock WHERE stock.sku = asked.sku))"
    " ORDER BY told.order_id"
    " ON CONFLICT (order_id) DO UPDATE SET due_at = least(stock_queue.due_at, excluded.due_at)"
)
_LEASE: Final = sa.text(
    "UPDATE stock_queue SET due_at = :until WHERE order_id IN ("
    " SELECT order_id FROM stock_queue WHERE due_at <= :now"
    " ORDER BY due_at, since LIMIT :most FOR UPDATE SKIP LOCKED)"
    " RETURNING order_id, since"
)
_WAKE: Final = sa.text(
    "UPDATE stock_queue SET due_at = :at WHERE order_id IN ("
    " SELECT order_id FROM stock_queue WHERE waits_for && CAST(:skus AS text[]) AND due_at > :at"
    " ORDER BY order_id FOR UPDATE)"
)
_ADOPT: Final = sa.text(
    "INSERT INTO stock_queue (order_id, since, due_at)"
    " SELECT order_id, state_since, :at FROM orders"
    " WHERE state = ANY(:states) AND lines @> CAST(:line AS jsonb)"
    " AND (:channel = '' OR channel = :channel) ORDER BY order_id"
    " ON CONFLICT (order_id) DO NOTHING"
)
_SWEEP: Final = sa.text(
    "UPDATE stock SET swept = true WHERE (sku, warehouse) IN ("
    " SELECT sku, warehouse FROM stock WHERE NOT swept AND kept_at < :before"
    " ORDER BY kept_at LIMIT :most FOR UPDATE SKIP LOCKED)"
    " RETURNING sku"
)
# What is told to wait for stock, whoever says that it is allocated.
_WAITING: Final = [State.PAID.value, State.AWAITING_OUTBOUND.value]


class StockQueueRows:
    """The part of a transaction that knows which orders' stock must be looked at."""

    _connection: sa.Connection

    def queue_stock(self, orders: Mapping[str, StockAsked], *, at: datetime) -> None:
        """Let the stock of orders be looked at that may have some."""
        if orders:
            told = [{"order_id": name, **each._asdict()} for name, each in orders.items()]
            driver.change(self._connection, _QUEUE, {"orders": json.dumps(told), "at": at})

    def claim_stock_work(self, now: datetime, *, until: datetime, most: int) -> list[StockWork]:
        """Return orders that are due, longest waiting first; nobody else gets them `until`."""
        leased = self._connection.execute(_LEASE, {"now": now, "until": until, "most": most})
        names = [row.order_id for row in sorted(leased, key=lambda row: (row.since, row.order_id))]
        found = {each.order_id: each for each in self._stock_work(names)}
        return [found[name] for name in names if name in found]

    def stock_work(self, order_id: str) -> StockWork | None:
        """Return what waits for an order; None when somebody has dealt with it."""
        return next(iter(self._stock_work([order_id])), None)

    def finish_stock_work(self, order_id: str) -> None:
        """Take an order off the queue."""
        table = tables.stock_queue
        self._connection.execute(sa.delete(table).where(table.c.order_id == order_id))

    def put_off_stock_work(
        self, order_id: str, *, until: datetime, skus: Sequence[str] = (), conflicts: int = 0
    ) -> None:
        """Look at an order later; sooner, should stock of these articles come."""
        table = tables.stock_queue
        self._connection.execute(
            sa.update(table)
            .where(table.c.order_id == order_id)
            .values(due_at=until, waits_for=list(skus), conflicts=table.c.conflicts + conflicts)
        )

    def wake_stock_work(self, skus: Sequence[str], *, at: datetime) -> None:
        """Let orders that wait for articles be looked at."""
        self._connection.execute(_WAKE, {"skus": list(skus), "at": at})

    def adopt_orders(self, item: str, *, at: datetime, channel: str = "") -> None:
        """Let paid orders be looked at that name an item; of one channel, or of all."""
        # A line is [sku, quantity, price, currency]; whoever has the word elsewhere is found, too,
        # and left alone when looked at.
        told = {"states": _WAITING, "line": json.dumps([[item]]), "at": at, "channel": channel}
        self._connection.execute(_ADOPT, told)

    def claim_unswept(self, before: datetime, *, most: int) -> list[str]:
        """Return articles of which stock has been kept since `before`, each once ever."""
        rows = self._connection.execute(_SWEEP, {"before": before, "most": most})
        return sorted({row.sku for row in rows})

    def _stock_work(self, names: Sequence[str]) -> list[StockWork]:
        table = tables.stock_queue
        owned = (order_refs.c.namespace, order_refs.c.value)
        rows = self._connection.execute(
            sa.select(table.c.order_id, table.c.conflicts, *owned)
            .ext(distinct_on(table.c.order_id))
            .join(order_refs, order_refs.c.order_id == table.c.order_id)
            .where(table.c.order_id.in_(list(names)))
            .order_by(table.c.order_id, *owned)
        )
        return [
            StockWork(row.order_id, OrderRef(row.namespace, row.value), row.conflicts)
            for row in rows
        ]
