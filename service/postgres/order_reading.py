"""Reads orders, journals and the feed of changes, without locks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.application.reading import FeedItem, JournalLine, OrderQuery, Page
from service.domain.deciding import Dossier
from service.domain.errors import OrderNotFoundError
from service.domain.expectations import RULES, Expectation, ExpectationKind, Limits
from service.domain.facts import OrderRef
from service.domain.order import Order
from service.postgres import tables
from service.postgres.dossiers import READ, Dossiers
from service.postgres.engine import begin_snapshot
from service.postgres.moments import to_text
from service.postgres.rows import order_from
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated


class OrderReading:
    """The part of the reader that knows orders."""

    _engine: sa.Engine
    _limits: Limits

    def order(self, order_id: str) -> Order:
        """Return an order, or raise `OrderNotFoundError`."""
        found = self._orders(tables.orders.c.order_id == order_id)
        if not found:
            raise OrderNotFoundError(order=order_id)
        return found[0]

    def order_by_ref(self, ref: OrderRef) -> Order:
        """Return an order by one of its names, or raise `OrderNotFoundError`."""
        table = tables.order_refs
        owner = sa.select(table.c.order_id).where(
            table.c.namespace == ref.namespace, table.c.value == ref.value
        )
        found = self._orders(tables.orders.c.order_id == owner.scalar_subquery())
        if not found:
            raise OrderNotFoundError(order=f"{ref.namespace}:{ref.value}")
        return found[0]

    def orders(self, query: OrderQuery) -> Page[Order]:
        """List orders, newest change first."""
        table = tables.orders
        where = list(_filters(query, self._limits))
        if query.page_token:
            at, order_id = open_token("orders", query.page_token, datetime, str)
            where.append(
                sa.tuple_(table.c.updated_at, table.c.order_id)
                < sa.tuple_(sa.literal(at), sa.literal(order_id))
            )
        rows = self._orders(
            *where,
            order_by=(table.c.updated_at.desc(), table.c.order_id.desc()),
            limit=query.page_size + 1,
        )
        page = rows[: query.page_size]
        more = len(rows) > query.page_size
        last = page[-1] if more else None
        token = make_token("orders", to_text(last.updated_at), last.order_id) if last else ""
        return Page(tuple(page), token)

    def dossier(self, order_id: str) -> Dossier:
        """Return an order with its facts and open cases, of one moment."""
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            dossier = _Snapshot(connection).open_dossiers([order_id])[order_id]
        if dossier.order is None:
            raise OrderNotFoundError(order=order_id)
        return dossier

    def awaited(self, order_id: str) -> Sequence[Expectation]:
        """Return what is awaited of an order, with the deadlines that run."""
        table = tables.timers
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(table).where(table.c.order_id == order_id).order_by(table.c.due_at)
            ).all()
        return [
            Expectation(
                kind=ExpectationKind(row.kind),
                wait=row.wait,
                waits_for=row.waits_for,
                since=row.since,
                due_at=row.due_at,
                case_type=RULES[ExpectationKind(row.kind)].case_type,
            )
            for row in rows
        ]

    def standing_flags(self, order_id: str) -> Sequence[str]:
        """Return the ids of flags that nobody dismissed."""
        table = tables.flags
        with translated(), self._engine.connect() as connection:
            return list(
                connection.execute(
                    sa.select(table.c.flag_id)
                    .where(table.c.order_id == order_id, table.c.act != "DISMISSED")
                    .order_by(table.c.position)
                ).scalars()
            )

    def trace_ids(self, order_id: str) -> Sequence[str]:
        """Return the traces that changed an order, oldest first."""
        table = tables.journal
        with translated(), self._engine.connect() as connection:
            found = connection.execute(
                sa.select(table.c.trace_id)
                .where(table.c.order_id == order_id, table.c.trace_id != "")
                .order_by(table.c.sequence)
            ).scalars()
            return list(dict.fromkeys(found))

    def journal(
        self, order_id: str, *, after: int, page_size: int, page_token: str
    ) -> Page[JournalLine]:
        """List a journal, oldest first."""
        if page_token:
            (after,) = open_token("journal", page_token, int)
        table = tables.journal
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(table)
                .where(table.c.order_id == order_id, table.c.sequence > after)
                .order_by(table.c.sequence)
                .limit(page_size + 1)
            ).all()
        if not rows:
            self.order(order_id)
        page = rows[:page_size]
        more = len(rows) > page_size
        token = make_token("journal", page[-1].sequence) if more else ""
        return Page(tuple(journal_line(row) for row in page), token)

    def feed_start(self) -> str:
        """Return the cursor of the newest final change."""
        with translated(), self._engine.connect() as connection:
            horizon = connection.execute(sa.text(_HORIZON)).scalar_one()
        return make_token("feed", horizon - 1, 2**62)

    def feed(self, cursor: str, *, order_id: str, channel: str, most: int) -> Page[FeedItem]:
        """Return changes after the cursor that no transaction in flight can precede."""
        xid, position = open_token("feed", cursor, int, int)
        table = tables.journal
        where = [
            sa.tuple_(table.c.xid, table.c.position) > sa.tuple_(xid, position),
            table.c.xid < sa.text(f"({_HORIZON})"),
        ]
        if order_id:
            where.append(table.c.order_id == order_id)
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(table).where(*where).order_by(table.c.xid, table.c.position).limit(most)
            ).all()
        touched = {row.order_id for row in rows}
        found = self._orders(tables.orders.c.order_id.in_(touched)) if touched else []
        orders = {each.order_id: each for each in found}
        items = tuple(
            FeedItem(
                make_token("feed", row.xid, row.position),
                orders[row.order_id],
                journal_line(row),
            )
            for row in rows
            if not channel or orders[row.order_id].channel == channel
        )
        return Page(items, make_token("feed", rows[-1].xid, rows[-1].position) if rows else cursor)

    def _orders(
        self,
        *where: sa.ColumnElement[bool],
        order_by: Sequence[sa.ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list[Order]:
        wanted = sa.select(tables.orders).where(*where).order_by(*order_by).limit(limit)
        with translated(), self._engine.connect() as connection:
            return [order_from(row) for row in connection.execute(wanted).mappings()]


class _Snapshot(Dossiers):
    """Reads dossiers without locking."""

    _opening = READ

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection


# No transaction below it is still in flight: what stands below it is final and in order.
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


def journal_line(row: Any) -> JournalLine:  # noqa: ANN401  # a row of tables.journal
    """Return a journal row for reading."""
    return JournalLine(
        order_id=row.order_id,
        sequence=row.sequence,
        kind=row.kind,
        source=row.source,
        actor=row.actor,
        role=row.role,
        address=row.address,
        voucher=row.voucher,
        reason=row.reason,
        old_value=row.old_value,
        new_value=row.new_value,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        trace_id=row.trace_id,
        traceparent=row.traceparent,
        hash=bytes(row.hash),
        event=bytes(row.event),
    )


def _filters(query: OrderQuery, limits: Limits) -> list[sa.ColumnElement[bool]]:
    table = tables.orders
    where: list[sa.ColumnElement[bool]] = []
    if query.states:
        where.append(table.c.state.in_([each.value for each in query.states]))
    if query.channel:
        where.append(table.c.channel == query.channel)
    for asked, column in (
        (query.hold_reason, table.c.hold_reasons),
        (query.discrepancy, table.c.discrepancies),
    ):
        if asked:
            # In the words of the index of those that have any.
            where.append(sa.func.cardinality(column) > 0)
        if asked and asked != "*":
            where.append(column.contains([asked]))
    if query.tag:
        where.append(sa.func.cardinality(table.c.tags) > 0)
        where.append(table.c.tags.contains([query.tag]))
    if query.overdue_at is not None:
        where.append(
            sa.or_(
                *(
                    sa.and_(
                        table.c.state == state.value,
                        table.c.state_since < query.overdue_at - limit,
                    )
                    for state, limit in limits.items()
                )
            )
        )
    return where
