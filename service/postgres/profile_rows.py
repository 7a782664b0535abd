"""Keeps what was told of customers' profiles, and which orders may count otherwise by now."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from service.application.ports import Message
from service.application.profile_ports import CountedOrder
from service.domain.customers.profiles import LEFT, Bought, day_of
from service.domain.money import Money
from service.postgres import bulk, driver
from service.postgres import people_tables as tables

# Two-int advisory locks: ours are "peop" and this.
_LOCK: Final = {"space": 0x70656F70, "key": 2}
_QUEUE: Final = (
    "INSERT INTO profile_queue (order_id)"
    " SELECT told.order_id FROM unnest(CAST(%(orders)s AS text[])) AS told(order_id)"
)
_LEFT: Final = ", ".join(sorted(f"'{each.value}'" for each in LEFT))
COUNTS: Final = f"(o.paid_minor > 0 OR o.state IN ({_LEFT}))"
# An order with whose it is, and what its goods and coupons are.
COUNTED: Final = (
    "SELECT k.order_id, k.told, b.customer_id, o.channel, k.shop, o.currency,"  # noqa: S608  # ours
    " o.total_minor,"
    f" o.placed_at, {COUNTS} AS counts, o.refunded_minor > 0 AS returned,"
    " extra.categories, extra.coupons"
    " FROM customer_orders AS k JOIN buyers AS b USING (buyer_id) JOIN orders AS o USING (order_id)"
    " CROSS JOIN LATERAL (SELECT"
    "  coalesce(jsonb_agg(f.detail->'categories') FILTER (WHERE f.detail ? 'categories'), '[]')"
    "   AS categories,"
    "  coalesce(jsonb_agg(f.detail->'coupons') FILTER (WHERE f.detail ? 'coupons'), '[]')"
    "   AS coupons"
    "  FROM facts AS f WHERE f.order_id = k.order_id AND f.kind = 'ORDER_CREATED') AS extra"
)
_ORDERS: Final = sa.text(f"{COUNTED} WHERE k.order_id = ANY(:orders) ORDER BY k.order_id")
_TOLD: Final = (
    "UPDATE customer_orders SET told = now.told FROM"
    " json_to_recordset(CAST(%(rows)s AS json)) AS now(order_id text, told jsonb)"
    " WHERE customer_orders.order_id = now.order_id"
)


class ProfileRows:
    """The part of a transaction that tells profiles."""

    _connection: sa.Connection

    def queue_profiles(self, order_ids: Sequence[str]) -> None:
        """Let it be looked at whether these orders count otherwise; waits for nobody."""
        if order_ids:
            driver.change(self._connection, _QUEUE, {"orders": list(order_ids)})

    def lock_profiles(self) -> bool:
        """Let nobody else tell profiles until the transaction is over; tell whether we may."""
        asked = sa.text("SELECT pg_try_advisory_xact_lock(:space, :key)")
        return bool(self._connection.execute(asked, _LOCK).scalar_one())

    def queued_profiles(self, *, most: int) -> dict[int, str]:
        """Return places in the queue with their orders, longest waiting first."""
        table = tables.profile_queue
        wanted = sa.select(table.c.place, table.c.order_id).order_by(table.c.place).limit(most)
        return {row.place: row.order_id for row in self._connection.execute(wanted)}

    def unqueue_profiles(self, places: Collection[int]) -> None:
        """Take places off the queue."""
        table = tables.profile_queue
        self._connection.execute(sa.delete(table).where(table.c.place.in_(list(places))))

    def counted_orders(self, order_ids: Sequence[str]) -> list[CountedOrder]:
        """Return those of these orders of which it is known whose they are."""
        rows = self._connection.execute(_ORDERS, {"orders": list(order_ids)}).mappings()
        return [
            CountedOrder(
                order_id=row["order_id"],
                told=_told_from(row["order_id"], row["told"]),
                bought=bought_from(row) if row["counts"] else None,
                placed_at=row["placed_at"],
                coupons=_names(row["coupons"]),
            )
            for row in rows
        ]

    def keep_told(self, counted: Sequence[CountedOrder]) -> None:
        """Write down what is told of orders by now, and the coupons that were used on them."""
        changed = [each for each in counted if each.told != each.bought]
        if changed:
            rows = [{"order_id": x.order_id, "told": _told_row(x.bought)} for x in changed]
            driver.change(self._connection, _TOLD, {"rows": bulk.document(rows)})
        uses = [
            {"order_id": each.order_id, "code": code, "used_at": each.placed_at}
            for each in counted
            for code in each.coupons
        ]
        bulk.upsert(self._connection, tables.coupon_uses, uses)

    def keep_profile_events(self, messages: Sequence[Message]) -> None:
        """Keep what was published of profiles, so that it can be published again."""
        bulk.insert(
            self._connection,
            tables.profile_events,
            [
                {
                    "customer_id": each.key,
                    "n": each.n,
                    "event": each.payload,
                    "traceparent": each.traceparent,
                }
                for each in messages
            ],
        )


def bought_from(row: Mapping[Any, Any]) -> Bought:
    """Return columns as an order that counts."""
    return Bought(
        customer_id=row["customer_id"],
        order_id=row["order_id"],
        channel=row["channel"],
        shop=row["shop"],
        total=Money(row["total_minor"], row["currency"]),
        day=day_of(row["placed_at"]),
        is_returned=row["returned"],
        categories=_names(row["categories"]),
    )


def _names(told: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({each for names in told for each in names}))


def _told_row(bought: Bought | None) -> list[Any] | None:
    if bought is None:
        return None
    total, categories = bought.total, list(bought.categories)
    return [bought.customer_id, bought.channel, bought.shop, total.minor, total.currency,
            bought.day, bought.is_returned, categories]  # fmt: skip


def _told_from(order_id: str, row: Sequence[Any] | None) -> Bought | None:
    if row is None:
        return None
    customer_id, channel, shop, minor, currency, day, is_returned, categories = row
    total = Money(minor, currency)
    return Bought(customer_id, order_id, channel, shop, total, day, is_returned, tuple(categories))
