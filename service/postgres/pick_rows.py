"""Locks pick lists, and keeps what became of them."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.domain.errors import PickListNotFoundError
from service.domain.picking import PickLine, PickList, PickState
from service.postgres import stock_tables as tables


class PickRows:
    """The part of a transaction that knows pick lists."""

    _connection: sa.Connection

    def lock_pick_lists(self, order_id: str) -> list[PickList]:
        """Lock and return the pick lists of an order, with their lines."""
        table = tables.pick_lists
        rows = self._connection.execute(
            sa.select(table)
            .where(table.c.order_id == order_id)
            .order_by(table.c.pick_list_id)
            .with_for_update()
        )
        return [pick_list_from(row) for row in rows.mappings()]

    def save_pick_lists(self, lists: Sequence[PickList]) -> None:
        """Store pick lists, or what became of them."""
        if not lists:
            return
        fresh = insert(tables.pick_lists)
        changing = ("state", "picker", "started_at", "ended_at", "void_reason")
        self._connection.execute(
            fresh.on_conflict_do_update(
                index_elements=["pick_list_id"],
                set_={name: fresh.excluded[name] for name in changing},
            ),
            [_pick_row(each) for each in lists],
        )

    def order_of_pick_list(self, pick_list_id: str) -> str:
        """Return whose a pick list is, or raise `PickListNotFoundError`."""
        table = tables.pick_lists
        found = self._connection.execute(
            sa.select(table.c.order_id).where(table.c.pick_list_id == pick_list_id)
        ).scalar_one_or_none()
        if found is None:
            raise PickListNotFoundError(pick_list=pick_list_id)
        return str(found)


def pick_list_from(row: Any, *, has_lines: bool = True) -> PickList:  # noqa: ANN401  # a row mapping
    """Return columns as a pick list."""
    values = {name: row[name] for name in _PICK_COLUMNS}
    lines = tuple(PickLine(*each) for each in row["lines"]) if has_lines else ()
    return PickList(**values, state=PickState(row["state"]), lines=lines)


def _pick_row(pick: PickList) -> dict[str, Any]:
    return {
        **{name: getattr(pick, name) for name in _PICK_COLUMNS},
        "state": pick.state.value,
        "lines": [[each.sku, each.quantity] for each in pick.lines],
    }


_PICK_COLUMNS: Final = (
    "pick_list_id",
    "order_id",
    "reservation_id",
    "warehouse",
    "order_number",
    "channel",
    "picker",
    "created_at",
    "started_at",
    "ended_at",
    "void_reason",
)
