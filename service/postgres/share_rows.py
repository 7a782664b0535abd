"""Keeps how articles are divided among channels, and what late orders sold too much."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.domain.stock_late import GATHERED_FOR, TOLD_EVERY, Oversale, Oversold
from service.domain.stock_levels import Shelves
from service.domain.stock_shares import OTHERS, Allocation, Share
from service.postgres import stock_plan_tables as tables
from service.postgres.channel_tables import feeds

# Beside an oversale: how many of its cases are named.
CASES_NAMED: Final = 20

_HELD: Final = sa.text(
    "SELECT orders.channel, sum(held.quantity) AS pieces FROM reservations AS held"
    " JOIN orders USING (order_id)"
    " WHERE held.sku = :sku AND held.released_at IS NULL AND held.taken_at IS NULL"
    " GROUP BY orders.channel"
)
_SELLING: Final = sa.text(
    "SELECT channel FROM sku_mappings WHERE sku = :sku"
    " UNION SELECT channel FROM channel_shares WHERE sku = :sku AND channel <> ''"
    " UNION SELECT orders.channel FROM reservations JOIN orders USING (order_id)"
    " WHERE reservations.sku = :sku"
    " ORDER BY channel"
)
_SHELVES: Final = sa.text(
    "SELECT sku, sum(on_hand) AS on_hand, sum(on_hand - reserved) AS available FROM stock"
    " WHERE sku = ANY(CAST(:skus AS text[])) GROUP BY sku"
)
_UNTOLD: Final = sa.text(
    "SELECT sku, channel FROM oversold AS fresh WHERE told_at IS NULL AND found_at <= :gathered"
    " AND NOT EXISTS (SELECT FROM oversold AS told WHERE told.sku = fresh.sku"
    "  AND told.channel = fresh.channel AND told.told_at > :since)"
    " GROUP BY sku, channel ORDER BY min(found_at), sku, channel LIMIT :most"
)


class ShareRows:
    """The part of a transaction that knows shares of channels, and oversales."""

    _connection: sa.Connection

    def lock_allocations(self, skus: Sequence[str]) -> list[Allocation]:
        """Lock and return how articles are divided; those with one pool are not among them."""
        table = tables.allocations
        wanted = sa.select(table).where(table.c.sku.in_(list(skus))).order_by(table.c.sku)
        return allocations_of(self._connection, wanted.with_for_update())

    def keep_allocations(self, allocations: Sequence[Allocation]) -> None:
        """Store how articles are divided, instead of what was stored."""
        if not allocations:
            return
        for sku in [each.sku for each in allocations]:
            self.end_allocation(sku)
        self._connection.execute(
            insert(tables.allocations),
            [{"sku": each.sku, "set_at": each.set_at, "gone": each.gone} for each in allocations],
        )
        self._connection.execute(
            insert(tables.channel_shares),
            [
                {
                    "sku": each.sku,
                    "channel": share.channel,
                    "percent": share.percent,
                    "used": share.used,
                }
                for each in allocations
                for share in each.shares
            ],
        )

    def end_allocation(self, sku: str) -> None:
        """Let all channels have an article from one pool."""
        for table in (tables.channel_shares, tables.allocations):
            self._connection.execute(sa.delete(table).where(table.c.sku == sku))

    def held_by_channel(self, sku: str) -> dict[str, int]:
        """Return how many pieces of an article orders of each channel hold."""
        rows = self._connection.execute(_HELD, {"sku": sku})
        return {row.channel: int(row.pieces) for row in rows}

    def selling(self, sku: str) -> list[str]:
        """Return the channels that sell an article, as far as is known."""
        return [row.channel for row in self._connection.execute(_SELLING, {"sku": sku})]

    def shelves(self, skus: Sequence[str]) -> dict[str, Shelves]:
        """Return what lies of articles, unlocked; those that are not kept are not among them."""
        return shelves_of(self._connection, skus)

    def feed_owners(self, channel: str) -> list[str]:
        """Return the roles that own a channel's feeds, by name."""
        owner = feeds.c.owner
        wanted = sa.select(owner).distinct().where(feeds.c.channel == channel).order_by(owner)
        return list(self._connection.execute(wanted).scalars())

    def keep_oversold(self, oversold: Sequence[Oversold]) -> None:
        """Store what late orders lack, each article of an order once ever."""
        self._connection.execute(
            insert(tables.oversold).on_conflict_do_nothing(),
            [
                {
                    "order_id": each.order_id,
                    "sku": each.sku,
                    "channel": each.channel,
                    "pieces": each.pieces,
                    "late_s": int(each.late.total_seconds()),
                    "case_id": each.case_id,
                    "found_at": each.found_at,
                    "told_at": each.told_at,
                }
                for each in oversold
            ],
        )

    def tell_oversales(self, at: datetime, *, most: int) -> list[Oversale]:
        """Mark as told, and return, oversales of which somebody should be told by now."""
        values = {"gathered": at - GATHERED_FOR, "since": at - TOLD_EVERY, "most": most}
        found = []
        table = tables.oversold
        for sku, channel in self._connection.execute(_UNTOLD, values).all():
            rows = self._connection.execute(
                sa.update(table)
                .where(table.c.sku == sku, table.c.channel == channel, table.c.told_at.is_(None))
                .values(told_at=at)
                .returning(table)
            ).all()
            # Where somebody else was first, nothing is left to tell.
            if rows:
                found.append(_together(rows))
        return found


def _together(rows: Sequence[Any]) -> Oversale:
    rows = sorted(rows, key=lambda row: (row.found_at, row.case_id))
    return Oversale(
        sku=rows[0].sku,
        channel=rows[0].channel,
        orders=len(rows),
        pieces=sum(row.pieces for row in rows),
        late=timedelta(seconds=max(row.late_s for row in rows)),
        found_at=rows[0].found_at,
        told_at=rows[0].told_at,
        cases=tuple(row.case_id for row in rows[:CASES_NAMED]),
    )


def shelves_of(connection: sa.Connection, skus: Sequence[str]) -> dict[str, Shelves]:
    """Return what lies of articles in all warehouses; those that are not kept are left out."""
    rows = connection.execute(_SHELVES, {"skus": list(skus)})
    return {row.sku: Shelves(int(row.on_hand), int(row.available)) for row in rows}


def allocations_of(connection: sa.Connection, wanted: sa.Select[Any]) -> list[Allocation]:
    """Return allocations with their shares: by channel, that of all others last."""
    rows = connection.execute(wanted).mappings().all()
    if not rows:
        return []
    table = tables.channel_shares
    shares = defaultdict(list)
    for each in connection.execute(
        sa.select(table)
        .where(table.c.sku.in_([row["sku"] for row in rows]))
        .order_by(table.c.sku, table.c.channel == OTHERS, table.c.channel)
    ):
        shares[each.sku].append(Share(each.channel, each.percent, each.used))
    return [
        Allocation(row["sku"], row["set_at"], tuple(shares[row["sku"]]), row["gone"])
        for row in rows
    ]
