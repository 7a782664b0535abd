"""Reads for insights: stage measures, overdue orders, arrivals, flags. Nothing here writes.

Measures are read from the published events that the journal keeps, so that the recount sees the
same bytes as the streams.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.dialects.postgresql import distinct_on

from concord.intake.v1.fact_pb2 import Outcome
from concord.intake.v1.receipt_pb2 import ReceiptWeighed
from concord.orders.v1.order_event_pb2 import OrderEvent, StageMeasure
from concord.orders.v1.order_pb2 import Order
from service.application.ports import StoredFlag
from service.application.reading import Page
from service.domain.cases import CaseState
from service.domain.channel_health import ArrivedReceipt, WeighedReceipt
from service.domain.facts import Circumstance, FactKind
from service.domain.lifecycle import State
from service.domain.overdue import Evidence, OpenCase, Stuck
from service.domain.recount import Measured, Value
from service.postgres import tables
from service.postgres.moments import to_text
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

# 2,000 events of about 300 bytes: well under a second of work between two fetches, and no more
# than 1 MiB in memory.
ROWS_AT_ONCE: Final = 2000
_OVERDUE: Final = "overdue"
_FLAGS: Final = "flags"

_STATES: Final[Mapping[int, State]] = {
    Order.State.Value(f"STATE_{each.value}"): each for each in State
}


class _Reader:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def _rows(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> Sequence[sa.Row[Any]]:
        with translated(), self._engine.connect() as connection:
            return connection.execute(statement).all()

    def _stream(self, statement: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
        with translated(), self._engine.connect() as connection:
            streaming = connection.execution_options(yield_per=ROWS_AT_ONCE)
            yield from streaming.execute(statement)


class JournalMeasures(_Reader):
    """Stage measures, from the journal."""

    def horizon(self) -> int:
        """Return the oldest transaction that may still commit rows."""
        mark = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        with translated(), self._engine.connect() as connection:
            return int(connection.execute(mark).scalar_one())

    def since(self, horizon: int) -> Iterator[Measured]:
        """Iterate over what transactions from the horizon on recorded."""
        return self._measured(tables.journal.c.xid >= horizon)

    def recorded_since(self, moment: datetime | None) -> Iterator[Measured]:
        """Iterate over what was recorded since then, or over all there is."""
        recorded_at = tables.journal.c.recorded_at
        return self._measured(sa.true() if moment is None else recorded_at >= moment)

    def _measured(self, condition: sa.ColumnElement[bool]) -> Iterator[Measured]:
        journal = tables.journal
        rows = self._stream(
            sa.select(journal.c.order_id, journal.c.sequence, journal.c.event).where(
                journal.c.measured, condition
            )
        )
        for row in rows:
            yield from measured_in(row.order_id, row.sequence, OrderEvent.FromString(row.event))


class OverdueRows(_Reader):
    """Orders that sit in one state."""

    def page(
        self, entered_before: Mapping[State, datetime], *, page_size: int, page_token: str
    ) -> Page[Stuck]:
        """List orders that entered their state before then, longest in it first."""
        after = _overdue_place(page_token) if page_token else None
        # One short scan of the index (state, state_since) for each state.
        parts = [
            _sitting(state, before, after, page_size + 1)
            for state, before in entered_before.items()
        ]
        if not parts:
            return Page(())
        found = sa.union_all(*parts).subquery()
        rows = self._rows(
            sa.select(found).order_by(found.c.state_since, found.c.order_id).limit(page_size + 1)
        )
        page = rows[:page_size]
        names = [row.order_id for row in page]
        facts, cases = self._facts(names), self._cases(names)
        stuck = (
            Stuck(
                order_id=row.order_id,
                since=row.state_since,
                evidence=_evidence(row, facts.get(row.order_id, ())),
                case=cases.get(row.order_id),
            )
            for row in page
        )
        last = page[-1] if len(rows) > len(page) else None
        token = make_token(_OVERDUE, to_text(last.state_since), last.order_id) if last else ""
        return Page(tuple(stuck), token)

    def _facts(self, names: Sequence[str]) -> dict[str, list[sa.Row[Any]]]:
        facts, orders = tables.facts, tables.orders
        rows = self._rows(
            sa.select(facts.c.order_id, facts.c.kind, facts.c.circumstances, facts.c.note)
            .join(orders, orders.c.order_id == facts.c.order_id)
            # The fact that began the state explains the stage before it.
            .where(facts.c.order_id.in_(names), facts.c.occurred_at > orders.c.state_since)
            .order_by(facts.c.occurred_at, facts.c.fact_id)
        )
        found: dict[str, list[sa.Row[Any]]] = {}
        for row in rows:
            found.setdefault(row.order_id, []).append(row)
        return found

    def _cases(self, names: Sequence[str]) -> dict[str, OpenCase]:
        cases = tables.cases
        rows = self._rows(
            sa.select(cases.c.order_id, cases.c.case_id, cases.c.owner_role)
            .where(cases.c.order_id.in_(names), cases.c.state != CaseState.RESOLVED.value)
            .order_by(
                cases.c.order_id,
                cases.c.type != "STAGE_OVERDUE",
                cases.c.due_at,
                cases.c.case_id,
            )
            .ext(distinct_on(cases.c.order_id))
        )
        return {row.order_id: OpenCase(row.case_id, row.owner_role) for row in rows}


class ArrivalRows(_Reader):
    """Receipts with what became of them last."""

    def within(self, start: datetime, end: datetime) -> Iterable[ArrivedReceipt]:
        """Iterate over receipts that arrived in [start, end)."""
        receipts, outcomes = tables.receipts, tables.receipt_outcomes
        last = (
            sa.select(outcomes.c.event)
            .where(outcomes.c.receipt_id == receipts.c.receipt_id)
            .order_by(outcomes.c.revision.desc())
            .limit(1)
            .lateral()
        )
        rows = self._stream(
            sa.select(receipts.c.channel, receipts.c.source, receipts.c.repeats, last.c.event)
            .select_from(receipts.outerjoin(last, sa.true()))
            .where(receipts.c.received_at >= start, receipts.c.received_at < end)
        )
        for row in rows:
            weighed = row.event and _weighed(ReceiptWeighed.FromString(row.event))
            yield ArrivedReceipt(row.channel or row.source, row.repeats, weighed)


class FlagRows(_Reader):
    """Stored flags."""

    def page(
        self, *, order_id: str, is_review_pool: bool, page_size: int, page_token: str
    ) -> Page[StoredFlag]:
        """List flags, newest first."""
        flags = tables.flags
        statement = sa.select(flags).order_by(flags.c.position.desc()).limit(page_size + 1)
        if order_id:
            statement = statement.where(flags.c.order_id == order_id)
        if is_review_pool:
            statement = statement.where(flags.c.act == "SENT_TO_REVIEW")
        if page_token:
            statement = statement.where(flags.c.position < _flag_place(page_token))
        rows = self._rows(statement)
        page = rows[:page_size]
        token = make_token(_FLAGS, page[-1].position) if len(rows) > len(page) else ""
        return Page(tuple(_flag(row) for row in page), token)


def _overdue_place(token: str) -> tuple[datetime, str]:
    since, order_id = open_token(_OVERDUE, token, datetime, str)
    return since, order_id


def _flag_place(token: str) -> int:
    (position,) = open_token(_FLAGS, token, int)
    return int(position)


def _sitting(
    state: State, before: datetime, after: tuple[datetime, str] | None, limit: int
) -> sa.Select[Any]:
    orders = tables.orders
    found = (
        sa.select(
            orders.c.order_id,
            orders.c.state,
            orders.c.state_since,
            orders.c.hold_reasons,
            orders.c.discrepancies,
            orders.c.outbound_approved,
        )
        .where(orders.c.state == state.value, orders.c.state_since < before)
        .order_by(orders.c.state_since, orders.c.order_id)
        .limit(limit)
    )
    if after is not None:
        found = found.where(sa.tuple_(orders.c.state_since, orders.c.order_id) > sa.tuple_(*after))
    # UNION takes no part with an ORDER BY of its own, unless it is a table.
    return sa.select(found.subquery())


def _evidence(row: sa.Row[Any], facts: Sequence[sa.Row[Any]]) -> Evidence:
    told = {each for fact in facts for each in fact.circumstances}
    return Evidence(
        state=State(row.state),
        is_outbound_approved=row.outbound_approved,
        hold_reasons=tuple(row.hold_reasons),
        discrepancies=tuple(row.discrepancies),
        circumstances=frozenset(Circumstance(each) for each in told),
        kinds=frozenset(FactKind(fact.kind) for fact in facts),
        note=next((fact.note for fact in reversed(facts) if fact.note), ""),
    )


def measured_in(order_id: str, sequence: int, event: OrderEvent) -> Iterator[Measured]:
    """Iterate over the stage measures that an event carries."""
    for measure in event.measures:
        stage = _STATES[measure.from_state], _STATES[measure.to_state]
        value = _value(measure.current) if measure.HasField("current") else None
        yield Measured(order_id, sequence, measure.current.channel or event.channel, stage, value)


def _value(value: StageMeasure.Value) -> Value:
    return Value(_micros(value.duration), _micros(value.end_time), value.cause)


def _micros(time: Duration | Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1000


def _weighed(event: ReceiptWeighed) -> WeighedReceipt:
    outcomes = [each.outcome for each in event.facts]
    has_time = event.HasField("event_time")
    return WeighedReceipt(
        received_at=event.receive_time.ToDatetime(tzinfo=UTC),
        event_at=event.event_time.ToDatetime(tzinfo=UTC) if has_time else None,
        facts=len(outcomes),
        contradictions=outcomes.count(Outcome.OUTCOME_CONTRADICTING),
        is_rejected=event.outcome == Outcome.OUTCOME_REJECTED,
    )


def _flag(row: sa.Row[Any]) -> StoredFlag:
    return StoredFlag(
        flag_id=row.flag_id,
        order_id=row.order_id,
        customer=row.customer,
        rule=row.rule,
        rule_version=row.rule_version,
        action=row.action,
        inputs=tuple((name, value) for name, value in row.inputs),
        occurred_at=row.occurred_at,
        act=row.act,
    )
