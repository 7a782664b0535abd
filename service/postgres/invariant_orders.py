"""Reads all that is stored of some orders, and holds each against itself."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa

from concord.orders.v1.order_event_pb2 import OrderEvent
from service.domain.auditing import CaseLog, Deadline, Entry, Kept, audit
from service.domain.changes import ChangeKind
from service.domain.expectations import ExpectationKind
from service.domain.facts import Fact, Outcome
from service.domain.invariants import Tally, Violation
from service.domain.journal import GENESIS
from service.domain.recount import Measured
from service.postgres import tables
from service.postgres.case_values import case_from
from service.postgres.chain_reading import broken_link
from service.postgres.insights import measured_in
from service.postgres.invariant_bounds import Bounds
from service.postgres.outbox_history import KEPT_SHARD
from service.postgres.rows import fact_from, order_from

# What this tells of each order.
TOLD: Final = ("I4", "I5", "I7", "I10", "I11", "I12", "I13", "I14", "I15")

# The ids that follow, of orders and of what is kept of orders that are not there.
_FOLLOWING: Final = sa.text(
    """
SELECT order_id FROM (
    (SELECT order_id FROM orders WHERE order_id > :after ORDER BY order_id LIMIT :size)
    UNION
    (SELECT DISTINCT order_id FROM journal WHERE order_id > :after ORDER BY order_id LIMIT :size)
    UNION
    (SELECT DISTINCT order_id FROM facts WHERE order_id > :after ORDER BY order_id LIMIT :size)
) AS known ORDER BY order_id LIMIT :size
"""
)

_KNOWN: Final = sa.text(
    "SELECT EXISTS (SELECT FROM orders WHERE order_id = :order)"
    " OR EXISTS (SELECT FROM journal WHERE order_id = :order)"
)

# Published rows of one shard are kept for an hour: of the last 50 minutes every change must have
# its own there, and in every shard of which no relay has ever published anything.
_UNTOLD: Final = sa.text(
    """
SELECT order_id, min(sequence) AS first, count(*) AS missing FROM journal
WHERE order_id = ANY(:orders)
  AND recorded_at BETWEEN CAST(:at AS timestamptz) - interval '50 minutes' AND :at
  AND NOT EXISTS (
      SELECT FROM outbox AS o
      WHERE o.topic = :topic AND o.key = journal.order_id AND o.n = journal.sequence
  )
  AND NOT EXISTS (
      SELECT FROM relay_epochs
      WHERE shard = get_byte(sha256(convert_to(order_id, 'UTF8')), 0) % 16 AND shard <> :kept
  )
GROUP BY order_id
"""
)


class OrderWalk:
    """Goes over all orders, by id."""

    name: Final = "orders"
    size: Final = 200

    def __init__(self, topic: str) -> None:
        """Take the topic of orders' events."""
        self._topic = topic

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        """Look at the orders behind `after`; return how far it came, None at the end."""
        found = connection.execute(_FOLLOWING, {"after": after, "size": size}).scalars().all()
        tally.look(*TOLD, at=0)
        if found:
            self.look(connection, found, bounds, tally)
        return found[-1] if len(found) == size else None

    def knows(self, connection: sa.Connection, order_id: str) -> bool:
        """Tell whether anything is stored of an order."""
        found = connection.execute(_KNOWN, {"order": order_id}).scalar_one()
        return bool(found)

    def look(
        self, connection: sa.Connection, orders: Sequence[str], bounds: Bounds, tally: Tally
    ) -> None:
        """Look at these orders."""
        tally.look(*TOLD, at=len(orders))
        stored = _Stored(connection, orders)
        for each in orders:
            tally.violate(_audited(stored, each, bounds))
            tally.violate(_chain(stored.journal[each], stored.orders.get(each)))
        named = {"orders": list(orders), "at": bounds.at, "topic": self._topic, "kept": KEPT_SHARD}
        for row in connection.execute(_UNTOLD, named):
            problem = f"{row.missing} changes from {row.first} on were never put into the outbox"
            tally.violate([Violation("I7", row.order_id, problem)])


class _Stored:
    """What is stored of some orders, by order."""

    def __init__(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        self._connection = connection
        self._ids = ids
        orders = tables.orders
        wanted = sa.select(orders).where(orders.c.order_id.in_(ids))
        self.orders: Mapping[str, Any] = {row.order_id: row for row in connection.execute(wanted)}
        self.facts = self._of(tables.facts, "fact_id")
        self.journal = self._of(tables.journal, "sequence")
        self.timers = self._of(tables.timers, "kind")
        self.cases = self._of(tables.cases, "case_id")
        self.acts = self._acts()

    def _of(self, table: sa.Table, by: str) -> Mapping[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        wanted = sa.select(table).where(table.c.order_id.in_(self._ids))
        # Sorted here: the index that finds an order's rows has no order among them, and PostgreSQL,
        # told to keep to indexes, would go through the whole table by the one that has.
        for row in sorted(self._connection.execute(wanted), key=attrgetter(by)):
            found[row.order_id].append(row)
        return found

    def _acts(self) -> Mapping[str, list[tuple[int, str]]]:
        log = tables.case_log
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        ids = [each.case_id for kept in self.cases.values() for each in kept]
        wanted = sa.select(log.c.case_id, log.c.number, log.c.act).where(log.c.case_id.in_(ids))
        for row in sorted(self._connection.execute(wanted)):
            found[row.case_id].append((row.number, row.act))
        return found

    def kept(self, order_id: str) -> Kept:
        """Return what is kept of an order; ValueError and the like where it cannot be read."""
        row = self.orders.get(order_id)
        entries, measured = _journal(self.journal[order_id])
        return Kept(
            order_id,
            order_from(row._mapping) if row is not None else None,
            tuple(_fact(each) for each in self.facts[order_id]),
            entries,
            measured,
            tuple(
                CaseLog(case_from(each._mapping), tuple(self.acts[each.case_id]))
                for each in self.cases[order_id]
            ),
            tuple(_deadline(each) for each in self.timers[order_id]),
        )


def _audited(stored: _Stored, order_id: str, bounds: Bounds) -> Iterable[Violation]:
    try:
        return list(audit(stored.kept(order_id), at=bounds.at, late=bounds.late))
    # Whoever writes past the service may write anything; its text is not repeated here.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return [Violation("I5", order_id, f"cannot be read: {type(error).__name__}")]


def _chain(journal: Sequence[Any], order: Any) -> Iterator[Violation]:  # noqa: ANN401  # rows
    """Yield the first row that the hashes do not bear out; gaps are told of elsewhere."""
    last = None
    for row in journal:
        previous = GENESIS if row.sequence == 1 else None
        if last is not None and last.sequence == row.sequence - 1:
            previous = bytes(last.hash)
        problem = broken_link(row, previous)
        if problem:
            yield Violation("I15", row.order_id, f"row {row.sequence}: {problem}")
            return
        last = row
    if last is None or order is None or last.sequence != order.sequence:
        return
    if bytes(last.hash) != bytes(order.chain_head):
        yield Violation("I15", order.order_id, "the order's head is not the journal's last hash")


def _journal(rows: Iterable[Any]) -> tuple[tuple[Entry, ...], tuple[Measured, ...]]:
    entries: list[Entry] = []
    measured: list[Measured] = []
    for row in rows:
        kind, hold = ChangeKind(row.kind), None
        if row.measured or kind is ChangeKind.HOLD_CHANGED:
            event = OrderEvent.FromString(bytes(row.event))
            measured += measured_in(row.order_id, row.sequence, event)
            if event.HasField("hold_changed"):
                hold = event.hold_changed.hold.hold_id, event.hold_changed.released
        entries.append(Entry(row.sequence, kind, row.old_value, row.new_value, hold))
    return tuple(entries), tuple(measured)


def _fact(row: Any) -> tuple[Fact, Outcome]:  # noqa: ANN401  # a row
    return fact_from(row._mapping), Outcome(row.outcome)


def _deadline(row: Any) -> Deadline:  # noqa: ANN401  # a row
    return Deadline(ExpectationKind(row.kind), row.wait, row.due_at, row.fired_at)
