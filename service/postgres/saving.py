"""Stores decisions: orders, journal rows, facts, timers and cases, in bulk."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.ports import Writes
from service.domain.cases import CaseAct
from service.domain.expectations import Expectation
from service.postgres import tables
from service.postgres.rows import case_row, fact_row, journal_row, order_row


class Saving:
    """The part of a transaction that writes what was decided."""

    _connection: sa.Connection
    saved: list[Writes]

    def save(self, writes: Sequence[Writes]) -> None:
        """Store orders, journal rows, facts, timers, cases."""
        self.saved.extend(writes)
        changed = [each for each in writes if each.rows]
        self._upsert(tables.orders, [order_row(each.order) for each in changed])
        self._insert(tables.journal, [journal_row(row) for each in changed for row in each.rows])
        self._upsert(
            tables.facts,
            [
                fact_row(fact, each.order.order_id, outcome)
                for each in writes
                for fact, outcome in each.added
            ],
        )
        self._sync_timers(writes)
        self.save_acts([act for each in writes for act in each.acts])

    def _sync_timers(self, writes: Sequence[Writes]) -> None:
        decided = [each for each in writes if each.awaited is not None]
        if not decided:
            return
        table = tables.timers
        rows = [
            _timer_row(each.order.order_id, awaited)
            for each in decided
            for awaited in each.awaited or ()
        ]
        kept = [(row["order_id"], row["kind"]) for row in rows]
        gone = sa.delete(table).where(
            table.c.order_id.in_([each.order.order_id for each in decided])
        )
        if kept:
            gone = gone.where(sa.tuple_(table.c.order_id, table.c.kind).not_in(kept))
        self._connection.execute(gone)
        if not rows:
            return
        fresh = insert(table)
        self._connection.execute(
            # The same wait keeps its deadline, however much news comes in meanwhile.
            fresh.on_conflict_do_update(
                index_elements=[table.c.order_id, table.c.kind],
                set_={
                    name: fresh.excluded[name]
                    for name in ("wait", "waits_for", "since", "due_at", "fired_at")
                },
                where=table.c.wait != fresh.excluded.wait,
            ),
            rows,
        )

    def save_acts(self, acts: Sequence[CaseAct]) -> None:
        """Store cases with their newest act."""
        newest = {act.case.case_id: act.case for act in acts}
        self._upsert(tables.cases, [case_row(each) for each in newest.values()])
        self._insert(
            tables.case_log,
            [
                {
                    "case_id": act.case.case_id,
                    "number": act.case.version,
                    "act": act.act,
                    "actor": act.actor,
                    "acted_at": act.at,
                    "text": act.text,
                }
                for act in acts
            ],
        )

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(sa.insert(table), rows)

    def _upsert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        fresh = insert(table)
        key = [column.name for column in table.primary_key]
        self._connection.execute(
            fresh.on_conflict_do_update(
                index_elements=key,
                set_={name: fresh.excluded[name] for name in rows[0] if name not in key},
            ),
            rows,
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
