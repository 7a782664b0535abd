"""Reads queues of cases, the desk's numbers and what was done about orders, without locks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from service.application.queues import QueueCount, StatisticsQuery, StepTimes, TypeTimes
from service.application.reading import CaseQuery, HandlingLine, Page
from service.domain.cases import Case, CaseState
from service.domain.desk.taxonomy import Side
from service.postgres import tables
from service.postgres.case_tables import case_steps
from service.postgres.case_values import case_from
from service.postgres.moments import to_text
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

# An order that people talk about for weeks gathers hundreds of lines; an answer stays small.
HANDLING_MAX: Final = 500
# A step whose condition did not hold: it took no time and nobody.
_SKIPPED: Final = "SKIPPED"


class QueueReading:
    """The part of the reader that knows queues."""

    _engine: sa.Engine

    def cases(self, query: CaseQuery) -> Page[Case]:
        """List cases, most urgent first."""
        table = tables.cases
        where = _filters(query)
        if query.page_token:
            at, case_id = open_token("cases", query.page_token, datetime, str)
            after = sa.tuple_(sa.literal(at), sa.literal(case_id))
            where.append(sa.tuple_(table.c.due_at, table.c.case_id) > after)
        with translated(), self._engine.connect() as connection:
            rows = (
                connection.execute(
                    sa.select(table)
                    .where(*where)
                    .order_by(table.c.due_at, table.c.case_id)
                    .limit(query.page_size + 1)
                )
                .mappings()
                .all()
            )
        page = [case_from(row) for row in rows[: query.page_size]]
        more = len(rows) > query.page_size
        token = make_token("cases", to_text(page[-1].due_at), page[-1].case_id) if more else ""
        return Page(tuple(page), token)

    def counts(self, query: CaseQuery) -> Sequence[QueueCount]:
        """Count open cases by role and type."""
        table, count = tables.cases, sa.func.count()
        at = sa.literal(query.at)
        paused, breached = table.c.paused_at.is_not(None), _in_breach(at)
        near = sa.and_(sa.not_(paused), sa.not_(breached), table.c.warn_at <= at)
        runs = sa.and_(sa.not_(paused), sa.not_(breached))
        wanted = (
            sa.select(
                table.c.owner_role,
                table.c.side,
                table.c.type,
                count.label("open"),
                count.filter(table.c.assignee == "").label("unassigned"),
                count.filter(paused).label("paused"),
                count.filter(near).label("near_breach"),
                count.filter(breached).label("in_breach"),
                sa.func.min(table.c.opened_at).label("oldest_at"),
                sa.func.min(table.c.due_at).filter(runs).label("next_due_at"),
            )
            .where(*_filters(query))
            .group_by(table.c.owner_role, table.c.side, table.c.type)
        )
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [QueueCount(**{**row, "side": Side(row["side"])}) for row in rows]

    def type_times(self, query: StatisticsQuery) -> Sequence[TypeTimes]:
        """Return what became of cases, by type."""
        table, count = tables.cases, sa.func.count()
        ended = _within(table.c.resolved_at, query)
        is_open = table.c.state != CaseState.RESOLVED.value
        opened = _within(table.c.opened_at, query)
        took = table.c.resolved_at - table.c.opened_at
        wanted = sa.select(
            table.c.type,
            # A type may come to another side; its open cases keep theirs.
            sa.func.max(table.c.side).label("side"),
            count.filter(opened).label("opened"),
            count.filter(ended).label("resolved"),
            count.filter(is_open).label("open"),
            *_percentiles(took, ended),
            count.filter(sa.and_(ended, table.c.breached_at.is_not(None))).label("breached"),
        ).where(sa.or_(is_open, opened, ended), *_of(query, table))
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted.group_by(table.c.type)).mappings().all()
        return [TypeTimes(**{**row, "side": Side(row["side"])}) for row in rows]

    def step_times(self, query: StatisticsQuery, *, at: datetime) -> Sequence[StepTimes]:
        """Return how long steps take and who waits at them at that moment."""
        table, steps, count = tables.cases, case_steps, sa.func.count()
        waits = steps.c.ended_at.is_(None)
        ended = _within(steps.c.ended_at, query)
        breached = sa.and_(
            table.c.breached_at >= steps.c.begun_at, table.c.breached_at < steps.c.ended_at
        )
        long_ago = sa.literal(at) - query.long_wait
        where = [sa.or_(waits, ended), steps.c.act != _SKIPPED]
        if query.type:
            where.append(table.c.type == query.type)
        if query.owner_role:
            where.append(steps.c.role == query.owner_role)
        wanted = (
            sa.select(
                table.c.type,
                steps.c.step,
                steps.c.role,
                count.filter(ended).label("count"),
                *_percentiles(steps.c.ended_at - steps.c.begun_at, ended),
                count.filter(sa.and_(ended, breached)).label("breached"),
                count.filter(waits).label("waiting"),
                count.filter(sa.and_(waits, steps.c.begun_at <= long_ago)).label("waiting_long"),
                sa.func.min(steps.c.begun_at).filter(waits).label("waiting_since"),
            )
            .join(table, table.c.case_id == steps.c.case_id)
            .where(*where)
            .group_by(table.c.type, steps.c.step, steps.c.role)
        )
        with translated(), self._engine.connect() as connection:
            return [StepTimes(**row) for row in connection.execute(wanted).mappings()]

    def handling(self, order_id: str) -> Sequence[HandlingLine]:
        """Return what was done about an order at the desk: the newest lines, oldest first."""
        cases, log = tables.cases, tables.case_log
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(log, cases.c.type.label("case_type"))
                .join(cases, cases.c.case_id == log.c.case_id)
                .where(cases.c.order_id == order_id)
                .order_by(log.c.acted_at.desc(), log.c.case_id, log.c.number.desc())
                .limit(HANDLING_MAX)
            ).all()
        return [_line(row) for row in reversed(rows)]


def _filters(query: CaseQuery) -> list[sa.ColumnElement[bool]]:
    table = tables.cases
    where: list[sa.ColumnElement[bool]] = []
    wants_ended = query.include_resolved or CaseState.RESOLVED in query.states
    if not wants_ended:
        # In the words of the index of those that are open.
        where.append(table.c.state != CaseState.RESOLVED.value)
    for column, wanted in (
        (table.c.order_id, query.order_id),
        (table.c.type, query.type),
        (table.c.assignee, query.assignee),
    ):
        if wanted:
            where.append(column == wanted)
    if query.owner_role:
        where.append(sa.or_(table.c.owner_role == query.owner_role, _must_act(query.owner_role)))
    if query.states:
        where.append(table.c.state.in_([each.value for each in query.states]))
    if query.side:
        where.append(table.c.side == query.side.value)
    if query.is_unassigned:
        where.append(table.c.assignee == "")
    if query.channel:
        orders = tables.orders
        where.append(
            sa.exists().where(
                orders.c.order_id == table.c.order_id, orders.c.channel == query.channel
            )
        )
    if query.due_by is not None:
        where.append(table.c.state != CaseState.RESOLVED.value)
        where.append(_in_breach(sa.literal(query.due_by)))
    if query.opened_by is not None:
        where.append(table.c.opened_at <= query.opened_by)
    return where


def _must_act(role: str) -> sa.ColumnElement[bool]:
    """Is at a step of the role, whoever owns the case."""
    steps = case_steps
    return sa.exists().where(
        steps.c.case_id == tables.cases.c.case_id,
        steps.c.ended_at.is_(None),
        steps.c.role == role,
    )


def _in_breach(at: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Came into breach, or will by then; a clock that stands still breaches nothing."""
    table = tables.cases
    return sa.or_(
        table.c.breached_at.is_not(None),
        sa.and_(table.c.paused_at.is_(None), table.c.due_at <= at),
    )


def _within(column: sa.ColumnElement[Any], query: StatisticsQuery) -> sa.ColumnElement[bool]:
    return sa.and_(column >= query.start, column < query.end)


def _of(query: StatisticsQuery, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if query.type:
        where.append(table.c.type == query.type)
    if query.owner_role:
        where.append(table.c.owner_role == query.owner_role)
    return where


def _percentiles(
    took: sa.ColumnElement[Any], ended: sa.ColumnElement[bool]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    p50, p95 = (
        sa.func.percentile_disc(share).within_group(took).filter(ended) for share in (0.5, 0.95)
    )
    return p50.label("p50"), p95.label("p95")


def _line(row: Any) -> HandlingLine:  # noqa: ANN401  # a row of tables.case_log
    return HandlingLine(
        case_id=row.case_id,
        case_type=row.case_type,
        act=row.act,
        actor=row.actor,
        at=row.acted_at,
        step=row.step,
        role=row.role,
        address=row.address,
        text=row.text,
        document=row.document,
        is_automatic=row.automatic,
    )
