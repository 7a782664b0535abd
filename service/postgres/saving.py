"""Stores decisions: orders, journal rows, facts, timers and cases, in bulk."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from service.application.ports import Writes
from service.domain.cases import CaseAct
from service.domain.expectations import Expectation
from service.postgres import bulk, driver, tables
from service.postgres.case_values import act_row, case_row
from service.postgres.rows import fact_row, journal_row, order_row

_TIMER: Final = ("order_id", "kind", "wait", "waits_for", "since", "due_at", "fired_at")
# The same wait keeps its deadline, however much news comes in meanwhile.
_SYNC_TIMERS: Final = (
    f"WITH told AS MATERIALIZED (SELECT * FROM {bulk.told(tables.timers, _TIMER)}),"  # noqa: S608  # names of our own tables
    " gone AS ("
    "  DELETE FROM timers WHERE order_id = ANY(%(orders)s)"
    "  AND (order_id, kind) NOT IN (SELECT order_id, kind FROM told))"
    f" INSERT INTO timers ({', '.join(_TIMER)}) SELECT {', '.join(_TIMER)} FROM told"
    " ON CONFLICT (order_id, kind) DO UPDATE SET"
    " wait = excluded.wait, waits_for = excluded.waits_for, since = excluded.since,"
    " due_at = excluded.due_at, fired_at = excluded.fired_at"
    " WHERE timers.wait <> excluded.wait"
)


class Saving:
    """The part of a transaction that writes what was decided."""

    _connection: sa.Connection
    saved: list[Writes]

    def save(self, writes: Sequence[Writes]) -> None:
        """Store orders, journal rows, facts, timers, cases."""
        self.saved.extend(writes)
        connection = self._connection
        changed = [each for each in writes if each.rows]
        bulk.upsert(connection, tables.orders, [order_row(each.order) for each in changed])
        rows = [journal_row(row) for each in changed for row in each.rows]
        bulk.insert(connection, tables.journal, rows)
        # A fact that comes twice in one batch is told by the last, as if each came by itself.
        facts = {
            fact.fact_id: fact_row(fact, each.order.order_id, outcome)
            for each in writes
            for fact, outcome in each.added
        }
        bulk.upsert(connection, tables.facts, list(facts.values()))
        self._sync_timers(writes)
        self.save_acts([act for each in writes for act in each.acts])

    def _sync_timers(self, writes: Sequence[Writes]) -> None:
        decided = [each for each in writes if each.awaited is not None]
        if not decided:
            return
        rows = [
            _timer_row(each.order.order_id, awaited)
            for each in decided
            for awaited in each.awaited or ()
        ]
        orders = [each.order.order_id for each in decided]
        told = {"rows": bulk.document(rows), "orders": orders}
        driver.change(self._connection, _SYNC_TIMERS, told)

    def save_acts(self, acts: Sequence[CaseAct]) -> None:
        """Store cases with their newest act."""
        newest = {act.case.case_id: act.case for act in acts}
        bulk.upsert(self._connection, tables.cases, [case_row(each) for each in newest.values()])
        bulk.insert(
            self._connection,
            tables.case_log,
            [act_row(act) for act in acts],
        )


def _timer_row(order_id: str, awaited: Expectation) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "kind": awaited.kind.value,
        "wait": awaited.wait,
        "waits_for": awaited.waits_for,
        "since": awaited.since,
        "due_at": awaited.due_at,
        "fired_at": None,
    }
