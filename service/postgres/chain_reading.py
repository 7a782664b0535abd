"""Checks hash chains: rows against hashes, hashes against each other, heads against orders."""

from typing import Any, Final

import sqlalchemy as sa

from service.application.reading import ChainReport, JournalLine
from service.domain.changes import ChangeKind
from service.domain.journal import GENESIS, Origin, encode_record, link, micros
from service.postgres import tables
from service.postgres.engine import begin_snapshot
from service.postgres.order_reading import journal_line
from service.postgres.patience import HISTORY_S, take_time
from service.postgres.translating import translated

# Rows of about 1 KiB: 20 MB in flight at most.
FETCH_ROWS: Final = 20_000
# Rows whose new value is the order's state.
_MOVING: Final = frozenset({ChangeKind.PLACED.value, ChangeKind.MOVED.value})


class ChainReading:
    """The part of the reader that proves the journal."""

    _engine: sa.Engine

    def verify_chain(self, order_id: str) -> ChainReport:
        """Check the chain of one order, or of all when empty, as of one moment."""
        journal, orders = tables.journal, tables.orders
        rows_wanted = sa.select(journal).order_by(journal.c.order_id, journal.c.sequence)
        heads_wanted = sa.select(
            orders.c.order_id, orders.c.sequence, orders.c.chain_head, orders.c.state
        )
        if order_id:
            rows_wanted = rows_wanted.where(journal.c.order_id == order_id)
            heads_wanted = heads_wanted.where(orders.c.order_id == order_id)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            take_time(connection, HISTORY_S)
            heads = {row.order_id: row for row in connection.execute(heads_wanted)}
            found = connection.execution_options(yield_per=FETCH_ROWS).execute(rows_wanted)
            return _check(found, heads)


def _check(rows: Any, heads: dict[str, Any]) -> ChainReport:  # noqa: ANN401  # database rows
    count, last, state = 0, None, ""
    seen: set[str] = set()
    for row in rows:
        count += 1
        if last is None or last.order_id != row.order_id:
            problem = _head_problem(last, state, heads)
            if problem:
                return ChainReport(count, len(seen), _line(last), problem)
            last = None
            seen.add(row.order_id)
        problem = _row_problem(row, last)
        if problem:
            return ChainReport(count, len(seen), journal_line(row), problem)
        if row.kind in _MOVING:
            state = row.new_value
        last = row
    problem = _head_problem(last, state, heads)
    if problem:
        return ChainReport(count, len(seen), _line(last), problem)
    missing = sorted(set(heads) - seen)
    if missing:
        problem = f"order {missing[0]} has no journal at all"
        return ChainReport(count, len(seen), None, problem)
    return ChainReport(count, len(seen))


def _line(row: Any) -> JournalLine | None:  # noqa: ANN401  # a database row
    return journal_line(row) if row is not None else None


def _row_problem(row: Any, last: Any) -> str:  # noqa: ANN401  # database rows
    expected = last.sequence + 1 if last is not None else 1
    if row.sequence != expected:
        return f"row {expected} is missing: the next one has number {row.sequence}"
    previous = bytes(last.hash) if last is not None else GENESIS
    return broken_link(row, previous)


def broken_link(row: Any, previous: bytes | None) -> str:  # noqa: ANN401  # a database row
    """Return what is wrong with a row; `previous` is None where the row before is missing."""
    record = bytes(row.record)
    if previous is not None and link(previous, record) != bytes(row.hash):
        return "the hash does not follow from the row and the one before"
    if _columns_record(row) != record or _trace_id(row.traceparent) != row.trace_id:
        return "a column differs from what was hashed"
    return ""


def _trace_id(traceparent: str) -> str:
    return Origin("", "", traceparent=traceparent).trace_id


def _head_problem(last: Any, state: str, heads: dict[str, Any]) -> str:  # noqa: ANN401  # database rows
    if last is None:
        return ""
    head = heads.get(last.order_id)
    if head is None:
        return "the journal's order does not exist"
    if head.sequence != last.sequence or bytes(head.chain_head) != bytes(last.hash):
        return f"the journal ends at {last.sequence}, the order says {head.sequence}"
    if head.state != state:
        return f"the journal leads to {state}, the order says {head.state}"
    return ""


def _columns_record(row: Any) -> bytes:  # noqa: ANN401  # a database row
    return encode_record(
        (
            row.order_id,
            str(row.sequence),
            row.kind,
            row.source,
            row.actor,
            row.role,
            row.address,
            row.voucher,
            row.reason,
            row.old_value,
            row.new_value,
            micros(row.occurred_at),
            micros(row.recorded_at),
            row.trace_id,
            bytes(row.event),
        )
    )
