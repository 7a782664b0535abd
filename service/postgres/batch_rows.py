"""Locks and changes batches and the orders on their lists."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from service.application.batch_ports import Brought
from service.domain.desk.batch_errors import BatchNotFoundError
from service.domain.desk.batches import Batch, BatchState, Counts, Member, MemberState, Selection
from service.domain.facts import OrderRef
from service.domain.order import Order
from service.postgres import batch_tables as tables
from service.postgres import bulk, driver
from service.postgres.batch_documents import batch_from, batch_row
from service.postgres.rows import order_from
from service.postgres.tables import order_refs, orders

_NAME: Final = ("namespace", "value")
_OWNERS: Final = (
    "SELECT namespace, value, order_id FROM order_refs"  # noqa: S608  # names of our own tables
    f" JOIN {bulk.told(order_refs, _NAME)} USING (namespace, value) WHERE order_id IS NOT NULL"
)
_BUSY: Final = (
    "SELECT DISTINCT ON (m.order_id) m.order_id, m.batch_id FROM batch_members AS m"
    " JOIN batches AS b USING (batch_id)"
    " WHERE m.order_id = ANY(%(orders)s) AND m.state = 'WAITING'"
    " AND split_part(b.template, '@', 1) = %(template)s"
    " AND b.state IN ('FROZEN', 'RUNNING', 'PAUSED') ORDER BY m.order_id, m.batch_id"
)
# Whoever is about to change the batch waits until this transaction is over; and where somebody is
# changing it, we leave it alone.
_CLAIM_BATCH: Final = (
    "SELECT b.* FROM batches AS b WHERE b.state = 'RUNNING' AND EXISTS ("
    "  SELECT FROM batch_members AS m WHERE m.batch_id = b.batch_id AND m.state = 'WAITING'"
    "  AND m.due_at <= %(now)s)"
    " ORDER BY b.batch_id OFFSET %(passed)s LIMIT 1 FOR SHARE SKIP LOCKED"
)
_CLAIM_MEMBERS: Final = (
    "SELECT * FROM batch_members WHERE batch_id = %(batch)s AND state = 'WAITING'"
    " AND due_at <= %(now)s ORDER BY due_at, position LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
_FINISHED: Final = (
    "SELECT b.* FROM batches AS b WHERE b.state = 'RUNNING' AND NOT EXISTS ("
    "  SELECT FROM batch_members AS m WHERE m.batch_id = b.batch_id AND m.state = 'WAITING')"
    " LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
_STALE: Final = (
    "SELECT * FROM batches WHERE state = 'FROZEN' AND created_at < %(before)s"
    " ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
_MEMBER: Final = (
    "batch_id",
    "order_id",
    "position",
    "number",
    "due_at",
    "changed_at",
    "reason",
    "detail",
    "next_step",
    "attempts",
)


class BatchRows:
    """The part of a transaction that knows batches."""

    _connection: sa.Connection

    def owners_of(self, refs: Sequence[OrderRef]) -> dict[OrderRef, str]:
        """Return whose these names are, without those that are nobody's."""
        wanted = bulk.document([{"namespace": one.namespace, "value": one.value} for one in refs])
        found = driver.rows(self._connection, _OWNERS, {"rows": wanted})
        return {OrderRef(namespace, value): order_id for namespace, value, order_id in found}

    def chosen_orders(self, selection: Selection, *, most: int) -> list[Order]:
        """Return the orders of a selection, longest placed first, at most so many; unlocked."""
        wanted = sa.select(orders).order_by(orders.c.placed_at, orders.c.order_id).limit(most)
        found = self._connection.execute(wanted.where(*_chosen(selection))).mappings()
        return [order_from(row) for row in found]

    def lock_template(self, name: str) -> None:
        """Let nobody else freeze a list of this template until the transaction is over."""
        key = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
        driver.rows(self._connection, key, {"name": f"concord batch template {name}"})

    def busy_members(self, template: str, order_ids: Sequence[str]) -> dict[str, str]:
        """Return which orders wait in another batch of a template of this name, and in which."""
        values = {"template": template, "orders": list(order_ids)}
        return dict(driver.rows(self._connection, _BUSY, values))

    def save_batch(self, batch: Batch) -> None:
        """Store a batch, or what became of it."""
        bulk.upsert(self._connection, tables.batches, [batch_row(batch)])

    def save_members(self, members: Sequence[Member]) -> None:
        """Store members, or what became of them."""
        bulk.upsert(self._connection, tables.batch_members, [_member_row(one) for one in members])

    def lock_batch(self, batch_id: str) -> Batch:
        """Lock and return a batch, or raise `BatchNotFoundError`."""
        table = tables.batches
        wanted = sa.select(table).where(table.c.batch_id == batch_id).with_for_update()
        row = self._connection.execute(wanted).mappings().first()
        if row is None:
            raise BatchNotFoundError(batch=batch_id)
        return batch_from(row)

    def retry_members(self, batch_id: str, *, at: datetime) -> int:
        """Let members that failed wait again; return how many."""
        table = tables.batch_members
        changed = self._connection.execute(
            sa.update(table)
            .where(table.c.batch_id == batch_id, table.c.state == MemberState.FAILED.value)
            .values(state=MemberState.WAITING.value, due_at=at, changed_at=at)
        )
        return changed.rowcount

    def claim_members(self, now: datetime, *, most: int) -> tuple[Batch, list[Member]] | None:
        """Lock and return members of one running batch that are due, longest due first."""
        passed = 0
        while True:
            values = {"now": now, "passed": passed}
            found = driver.named(self._connection, _CLAIM_BATCH, values)
            if not found:
                return None
            batch = batch_from(found[0])
            claim = {"batch": batch.batch_id, "now": now, "most": most}
            rows = driver.named(self._connection, _CLAIM_MEMBERS, claim)
            if rows:
                return batch, [member_from(row) for row in rows]
            # Somebody else works off all that is due of this one.
            passed += 1

    def finished_batches(self, *, most: int) -> list[Batch]:
        """Lock and return running batches of which no member waits any more."""
        found = driver.named(self._connection, _FINISHED, {"most": most})
        return [batch_from(row) for row in found if row["state"] == BatchState.RUNNING.value]

    def stale_batches(self, before: datetime, *, most: int) -> list[Batch]:
        """Lock and return batches that were frozen before then, and that nobody confirmed."""
        found = driver.named(self._connection, _STALE, {"before": before, "most": most})
        return [batch_from(row) for row in found]

    def bring(self, brought: Sequence[Brought]) -> None:
        """Write down that steps were done, each once ever."""
        rows = [
            {
                "batch_id": each.batch_id,
                "order_id": each.order_id,
                "step": each.step,
                "brought": each.what,
                "done_at": each.at,
            }
            for each in brought
        ]
        bulk.insert(self._connection, tables.batch_results, rows)

    def batch_counts(self, batch_id: str) -> Counts:
        """Return how far a batch is."""
        return counts_of(self._connection, [batch_id])[batch_id]

    def left_out(self, batch_id: str) -> Mapping[str, int]:
        """Return how many orders each reason left out."""
        return reasons_of(self._connection, batch_id, MemberState.EXCLUDED)


def member_from(row: Any) -> Member:  # noqa: ANN401  # a row mapping
    """Return columns as a member."""
    return Member(**{name: row[name] for name in _MEMBER}, state=MemberState(row["state"]))


def counts_of(connection: sa.Connection, batch_ids: Sequence[str]) -> dict[str, Counts]:
    """Return how far batches are."""
    table = tables.batch_members
    wanted = (
        sa.select(table.c.batch_id, table.c.state, sa.func.count())
        .where(table.c.batch_id.in_(batch_ids))
        .group_by(table.c.batch_id, table.c.state)
    )
    found: dict[str, dict[str, int]] = {each: {} for each in batch_ids}
    for batch_id, state, number in connection.execute(wanted):
        found[batch_id][state.lower()] = number
    return {name: Counts(**each) for name, each in found.items()}


def reasons_of(connection: sa.Connection, batch_id: str, state: MemberState) -> Mapping[str, int]:
    """Return how many orders of a batch are in a state for each reason, the commonest first."""
    table = tables.batch_members
    count = sa.func.count().label("many")
    wanted = (
        sa.select(table.c.reason, count)
        .where(table.c.batch_id == batch_id, table.c.state == state.value)
        .group_by(table.c.reason)
        .order_by(count.desc(), table.c.reason)
    )
    return {row.reason: row.many for row in connection.execute(wanted)}


def _member_row(member: Member) -> dict[str, Any]:
    return {**{name: getattr(member, name) for name in _MEMBER}, "state": member.state.value}


def _chosen(selection: Selection) -> list[sa.ColumnElement[bool]]:
    """Return what must hold of an order: named ones, or all that fits the filters."""
    where: list[sa.ColumnElement[bool]] = []
    if selection.orders:
        where.append(orders.c.order_id.in_(selection.orders))
    if selection.tags:
        # In the words of the index of those that have any.
        where.append(sa.func.cardinality(orders.c.tags) > 0)
        where.append(orders.c.tags.contains(list(selection.tags)))
    if selection.channels:
        where.append(orders.c.channel.in_(selection.channels))
    if selection.states:
        where.append(orders.c.state.in_([each.value for each in selection.states]))
    return where
