"""Reads batches and coupons for callers, without locks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from service.application.batch_reading import BatchQuery, MemberQuery
from service.application.reading import Page
from service.domain.desk.batch_errors import BatchNotFoundError
from service.domain.desk.batches import Batch, Counts, Member, MemberState
from service.domain.desk.coupons import Coupon
from service.domain.order import Order
from service.postgres import batch_tables as tables
from service.postgres.batch_documents import batch_from
from service.postgres.batch_rows import counts_of, member_from, reasons_of
from service.postgres.coupon_rows import coupon_from
from service.postgres.engine import begin_snapshot
from service.postgres.newest_first import NewestFirst
from service.postgres.notice_tables import notices
from service.postgres.rows import order_from
from service.postgres.tables import orders
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated


class PostgresBatchReader:
    """Implements `service.application.batch_reading.BatchReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def batch(self, batch_id: str) -> tuple[Batch, Counts]:
        """Return a batch and how far it is, of one moment."""
        table = tables.batches
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            wanted = sa.select(table).where(table.c.batch_id == batch_id)
            row = connection.execute(wanted).mappings().first()
            if row is None:
                raise BatchNotFoundError(batch=batch_id)
            return batch_from(row), counts_of(connection, [batch_id])[batch_id]

    def batches(self, query: BatchQuery) -> Page[tuple[Batch, Counts]]:
        """List batches, newest first; or raise `CursorInvalidError`."""
        table = tables.batches
        newest = NewestFirst("batches", table.c.created_at, (table.c.batch_id,))
        wanted = sa.select(table)
        if query.template:
            wanted = wanted.where(sa.func.split_part(table.c.template, "@", 1) == query.template)
        if query.states:
            wanted = wanted.where(table.c.state.in_([each.value for each in query.states]))
        wanted = newest.asked(wanted, query.page_size, query.page_token)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            rows = connection.execute(wanted).mappings().all()
            page, token = newest.cut(rows, query.page_size)
            found = [batch_from(row) for row in page]
            counts = counts_of(connection, [each.batch_id for each in found])
        return Page(tuple((each, counts[each.batch_id]) for each in found), token)

    def members(self, query: MemberQuery) -> Page[tuple[Member, Mapping[str, str]]]:
        """List a batch's orders by position, each with what its steps brought."""
        table = tables.batch_members
        wanted = (
            sa.select(table)
            .where(table.c.batch_id == query.batch_id)
            .order_by(table.c.position)
            .limit(query.page_size + 1)
        )
        if query.state is not None:
            wanted = wanted.where(table.c.state == query.state.value)
        if query.page_token:
            (after,) = open_token("members", query.page_token, int)
            wanted = wanted.where(table.c.position > after)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            rows = connection.execute(wanted).mappings().all()
            found = [member_from(row) for row in rows[: query.page_size]]
            brought = _brought(connection, query.batch_id, [each.order_id for each in found])
        token = make_token("members", found[-1].position) if len(rows) > len(found) else ""
        return Page(tuple((each, brought[each.order_id]) for each in found), token)

    def exclusions(self, batch_id: str) -> Mapping[str, int]:
        """Return how many orders each reason left out."""
        return self._reasons(batch_id, MemberState.EXCLUDED)

    def failures(self, batch_id: str) -> Mapping[str, int]:
        """Return how many orders failed for each reason."""
        return self._reasons(batch_id, MemberState.FAILED)

    def notices(self, batch_id: str) -> Mapping[str, int]:
        """Return how many of a batch's notices are in each state."""
        wanted = (
            sa.select(notices.c.state, sa.func.count().label("many"))
            .where(notices.c.batch_id == batch_id, notices.c.batch_id != "")
            .group_by(notices.c.state)
            .order_by(notices.c.state)
        )
        with translated(), self._engine.connect() as connection:
            return {row.state: row.many for row in connection.execute(wanted)}

    def sample(self, batch_id: str, *, most: int) -> list[Order]:
        """Return orders that the batch takes, spread over its list."""
        table = tables.batch_members
        part = sa.func.ntile(most).over(order_by=table.c.position).label("part")
        parted = (
            sa.select(table.c.position, part)
            .where(table.c.batch_id == batch_id, table.c.state != MemberState.EXCLUDED.value)
            .subquery()
        )
        first = sa.select(sa.func.min(parted.c.position)).group_by(parted.c.part)
        wanted = (
            sa.select(orders)
            .join(table, table.c.order_id == orders.c.order_id)
            .where(table.c.batch_id == batch_id, table.c.position.in_(first))
            .order_by(table.c.position)
        )
        with translated(), self._engine.connect() as connection:
            return [order_from(row) for row in connection.execute(wanted).mappings()]

    def coupons(self, *, order_id: str, customer: str, batch_id: str, most: int) -> list[Coupon]:
        """Return coupons, newest first."""
        table = tables.coupons
        wanted = sa.select(table).order_by(table.c.issued_at.desc(), table.c.code).limit(most)
        for column, value in (
            (table.c.order_id, order_id),
            (table.c.customer, customer),
            (table.c.batch_id, batch_id),
        ):
            if value:
                wanted = wanted.where(column == value)
        with translated(), self._engine.connect() as connection:
            return [coupon_from(row) for row in connection.execute(wanted).mappings()]

    def _reasons(self, batch_id: str, state: MemberState) -> Mapping[str, int]:
        with translated(), self._engine.connect() as connection:
            return reasons_of(connection, batch_id, state)


def _brought(
    connection: sa.Connection, batch_id: str, order_ids: Sequence[str]
) -> Mapping[str, dict[str, str]]:
    table = tables.batch_results
    wanted: Any = sa.select(table.c.order_id, table.c.step, table.c.brought).where(
        table.c.batch_id == batch_id, table.c.order_id.in_(order_ids)
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for order_id, step, what in connection.execute(wanted):
        found[order_id][step] = what
    return found
