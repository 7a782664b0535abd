"""Reads statements, comparisons and differences for callers, without locks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from service.application.pages import Page
from service.application.reconciling_reading import (
    Compared,
    DifferenceQuery,
    ReconciliationQuery,
)
from service.domain.errors import CursorInvalidError
from service.domain.reconciling.comparing import KindCount
from service.domain.reconciling.differences import Difference, DifferenceState
from service.domain.reconciling.errors import (
    DifferenceNotFoundError,
    ReconciliationNotFoundError,
)
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import Statement
from service.postgres import reconciliation_tables as tables
from service.postgres.engine import begin_snapshot
from service.postgres.reconciliation_values import (
    difference_from,
    reconciliation_from,
    statement_from,
)
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

_OVER: Final = [DifferenceState.REPAIRED.value, DifferenceState.GONE.value]


class PostgresReconciliationReader:
    """Implements `service.application.reconciling_ports.ReconciliationReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def statements(self, query: ReconciliationQuery) -> Page[Statement]:
        """List statements, the newest day first; or raise `CursorInvalidError`."""
        table, lines = tables.statements, tables.statement_lines
        count = (
            sa.select(sa.func.count())
            .where(lines.c.statement_id == table.c.statement_id)
            .scalar_subquery()
            .label("lines")
        )
        wanted = _paged(sa.select(table, count), table, table.c.statement_id, query, "statements")
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        return Page(
            tuple(statement_from(row) for row in rows[: query.page_size]),
            _token("statements", rows, "statement_id", query.page_size),
        )

    def reconciliation(self, reconciliation_id: str) -> Compared:
        """Return a comparison with its counts, or raise `ReconciliationNotFoundError`."""
        table = tables.reconciliations
        wanted = sa.select(table).where(table.c.reconciliation_id == reconciliation_id)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            row = connection.execute(wanted).mappings().first()
            if row is None:
                raise ReconciliationNotFoundError(reconciliation=reconciliation_id)
            counts = _counts(connection, [reconciliation_id])
        return reconciliation_from(row), counts[reconciliation_id]

    def reconciliations(self, query: ReconciliationQuery) -> Page[Compared]:
        """List comparisons, the newest day first; or raise `CursorInvalidError`."""
        table = tables.reconciliations
        key = table.c.reconciliation_id
        wanted = _paged(sa.select(table), table, key, query, "reconciliations")
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            rows = connection.execute(wanted).mappings().all()
            found = [reconciliation_from(row) for row in rows[: query.page_size]]
            counts = _counts(connection, [each.reconciliation_id for each in found])
        return Page(
            tuple((each, counts[each.reconciliation_id]) for each in found),
            _token("reconciliations", rows, "reconciliation_id", query.page_size),
        )

    def difference(self, difference_id: str) -> Difference:
        """Return a difference, or raise `DifferenceNotFoundError`."""
        table = tables.differences
        wanted = sa.select(table).where(table.c.difference_id == difference_id)
        with translated(), self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise DifferenceNotFoundError(difference=difference_id)
        return difference_from(row)

    def differences(self, query: DifferenceQuery) -> Page[Difference]:
        """List differences; or raise `CursorInvalidError`."""
        table = tables.differences
        wanted = (
            sa.select(table)
            .order_by(table.c.kind, table.c.difference_id)
            .limit(query.page_size + 1)
        )
        if query.reconciliation_id:
            wanted = wanted.where(table.c.reconciliation_id == query.reconciliation_id)
        if query.order_id:
            wanted = wanted.where(table.c.order_id == query.order_id, table.c.order_id != "")
        if query.kinds:
            wanted = wanted.where(table.c.kind.in_([each.value for each in query.kinds]))
        if query.states:
            wanted = wanted.where(table.c.state.in_([each.value for each in query.states]))
        if query.page_token:
            after = open_token("differences", query.page_token, str, str)
            key = sa.tuple_(table.c.kind, table.c.difference_id)
            wanted = wanted.where(key > sa.tuple_(*map(sa.literal, after)))
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        found = tuple(difference_from(row) for row in rows[: query.page_size])
        if len(rows) <= query.page_size:
            return Page(found, "")
        last = found[-1]
        return Page(found, make_token("differences", last.finding.kind.value, last.difference_id))


def _paged(
    wanted: sa.Select[Any],
    table: sa.Table,
    key: sa.Column[Any],
    query: ReconciliationQuery,
    kind: str,
) -> sa.Select[Any]:
    wanted = wanted.order_by(table.c.day.desc(), key.desc()).limit(query.page_size + 1)
    if query.channel:
        wanted = wanted.where(table.c.channel == query.channel)
    if query.day is not None:
        wanted = wanted.where(table.c.day == query.day)
    if query.page_token:
        day, name = open_token(kind, query.page_token, str, str)
        try:
            before = date.fromisoformat(day)
        except ValueError as error:
            raise CursorInvalidError(token=query.page_token[:40]) from error
        behind = sa.tuple_(sa.literal(before), sa.literal(name))
        wanted = wanted.where(sa.tuple_(table.c.day, key) < behind)
    return wanted


def _token(kind: str, rows: Sequence[Any], key: str, size: int) -> str:
    if len(rows) <= size:
        return ""
    last = rows[size - 1]
    return make_token(kind, last["day"].isoformat(), last[key])


def _counts(connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[KindCount, ...]]:
    """Return how many differences there are, by comparison and kind."""
    table = tables.differences
    is_over = table.c.state.in_(_OVER)
    wanted = (
        sa.select(
            table.c.reconciliation_id,
            table.c.kind,
            sa.func.count(),
            sa.func.count().filter(is_over),
        )
        .where(table.c.reconciliation_id.in_(ids))
        .group_by(table.c.reconciliation_id, table.c.kind)
    )
    found: dict[str, dict[str, KindCount]] = defaultdict(dict)
    for reconciliation_id, kind, count, over in connection.execute(wanted):
        told = KindCount(DifferenceKind(kind), count, over, count - over)
        found[reconciliation_id][kind] = told
    return {
        each: tuple(found[each][kind.value] for kind in DifferenceKind if kind.value in found[each])
        for each in ids
    }
