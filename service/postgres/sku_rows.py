"""Keeps what channels call things, and which of their items nobody mapped."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.domain.stock_errors import SkuMappingNotFoundError
from service.domain.stock_names import Names, SkuMapping, UnmappedSku
from service.postgres import driver
from service.postgres import stock_plan_tables as tables

# In one statement, because every order is asked about that may have stock.
_NAMES: Final = (
    "SELECT 'part', channel_sku, sku, quantity FROM sku_mappings"
    " WHERE channel = %(channel)s AND channel_sku = ANY(%(items)s)"
    " UNION ALL SELECT DISTINCT 'kept', sku, '', 0 FROM stock WHERE sku = ANY(%(items)s)"
    " UNION ALL SELECT 'mapped', '', '', 0"
    " WHERE EXISTS (SELECT FROM sku_mappings WHERE channel = %(channel)s)"
)
# The first number says what is locked: names of a channel.
_LOCK: Final = sa.text("SELECT pg_advisory_xact_lock(1937337710, hashtext(:channel))")


class SkuRows:
    """The part of a transaction that knows what channels' items are."""

    _connection: sa.Connection

    def lock_names(self, channel: str) -> None:
        """Let nobody else change what a channel's items are, or find that one is unmapped."""
        self._connection.execute(_LOCK, {"channel": channel})

    def sku_names(self, channel: str, items: Sequence[str]) -> Names:
        """Return what is known of a channel's items."""
        values = {"channel": channel, "items": list(items)}
        parts: dict[str, list[tuple[str, int]]] = {}
        kept, is_mapped = set(), False
        for kind, item, sku, quantity in driver.rows(self._connection, _NAMES, values):
            if kind == "part":
                parts.setdefault(item, []).append((sku, quantity))
            elif kind == "kept":
                kept.add(item)
            else:
                is_mapped = True
        told = {item: tuple(sorted(each)) for item, each in parts.items()}
        return Names(is_mapped, told, frozenset(kept))

    def set_mapping(self, mapping: SkuMapping) -> None:
        """Store of which articles an item consists, instead of what was stored."""
        table = tables.sku_mappings
        self._connection.execute(sa.delete(table).where(_is(table, mapping)))
        self._connection.execute(
            insert(table),
            [
                {
                    "channel": mapping.channel,
                    "channel_sku": mapping.channel_sku,
                    "sku": sku,
                    "quantity": quantity,
                    "updated_at": mapping.updated_at,
                }
                for sku, quantity in mapping.parts
            ],
        )

    def drop_mapping(self, channel: str, channel_sku: str) -> SkuMapping:
        """Delete and return a mapping, or raise `SkuMappingNotFoundError`."""
        table = tables.sku_mappings
        rows = (
            self._connection.execute(
                sa.delete(table)
                .where(table.c.channel == channel, table.c.channel_sku == channel_sku)
                .returning(table)
            )
            .mappings()
            .all()
        )
        if not rows:
            raise SkuMappingNotFoundError(channel=channel, channel_sku=channel_sku)
        return mapping_from(rows)

    def mappings_with(self, sku: str) -> list[tuple[str, str]]:
        """Return (channel, item) of all that have an article in it."""
        table = tables.sku_mappings
        rows = self._connection.execute(
            sa.select(table.c.channel, table.c.channel_sku)
            .where(table.c.sku == sku)
            .order_by(table.c.channel, table.c.channel_sku)
        )
        return [(row.channel, row.channel_sku) for row in rows]

    def unmapped(self, channel: str, channel_sku: str) -> UnmappedSku | None:
        """Return what was found unmapped, or None."""
        table = tables.unmapped_skus
        row = (
            self._connection.execute(
                sa.select(table).where(
                    table.c.channel == channel, table.c.channel_sku == channel_sku
                )
            )
            .mappings()
            .first()
        )
        return unmapped_from(row) if row else None

    def keep_unmapped(self, unmapped: UnmappedSku) -> None:
        """Store that an item is unmapped, and which case tells of it."""
        fresh = insert(tables.unmapped_skus).values(
            channel=unmapped.channel,
            channel_sku=unmapped.channel_sku,
            case_id=unmapped.case_id,
            order_id=unmapped.order_id,
            found_at=unmapped.found_at,
        )
        changing = ("case_id", "order_id", "found_at")
        self._connection.execute(
            fresh.on_conflict_do_update(
                index_elements=["channel", "channel_sku"],
                set_={name: fresh.excluded[name] for name in changing},
            )
        )

    def end_unmapped(self, channel: str, channel_sku: str) -> None:
        """Forget that an item was unmapped."""
        table = tables.unmapped_skus
        self._connection.execute(
            sa.delete(table).where(table.c.channel == channel, table.c.channel_sku == channel_sku)
        )


def mapping_from(rows: Sequence[Any]) -> SkuMapping:
    """Return the rows of one item as its mapping."""
    parts = tuple(sorted((row["sku"], row["quantity"]) for row in rows))
    first = rows[0]
    return SkuMapping(first["channel"], first["channel_sku"], parts, first["updated_at"])


def unmapped_from(row: Any) -> UnmappedSku:  # noqa: ANN401  # columns by name
    """Return columns as an unmapped item."""
    return UnmappedSku(
        row["channel"], row["channel_sku"], row["case_id"], row["order_id"], row["found_at"]
    )


def _is(table: sa.Table, mapping: SkuMapping) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.channel == mapping.channel, table.c.channel_sku == mapping.channel_sku)
