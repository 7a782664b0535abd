"""Keeps statements, comparisons and differences within a transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from service.application.reconciling_ports import KeptLine
from service.domain.facts import OrderRef
from service.domain.money import Money
from service.domain.reconciling.comparing import Reconciliation, reconciliation_id_for
from service.domain.reconciling.differences import Difference, DifferenceState
from service.domain.reconciling.errors import ReconciliationNotFoundError
from service.domain.reconciling.judging import DifferenceKind, Ours
from service.domain.reconciling.statements import (
    BILLERS,
    QUIET,
    Line,
    ShopDay,
    Statement,
    StatementKind,
    compared_kind,
    statement_id_for,
)
from service.domain.reconciling.telling import Outcome
from service.postgres import bulk, driver
from service.postgres import reconciliation_tables as tables
from service.postgres.bill_rows import BillRows
from service.postgres.reconciliation_values import (
    OURS,
    difference_from,
    difference_row,
    line_from,
    line_row,
    ours_from,
    reconciliation_from,
    reconciliation_row,
    statement_from,
)
from service.postgres.tables import order_refs

# How long lines of a closed statement are waited for together: an import sends some a second.
TOGETHER: Final = timedelta(seconds=3)
# Shops of which nothing came for so long were given up.
SHOPS_DAYS: Final = 35

# Whoever keeps lines of one statement at the same time waits here, after all other locks.
_STATEMENT: Final = (
    "INSERT INTO statements AS s"
    " (statement_id, kind, channel, shop, day, zone, began_at, line_at, look_at)"
    " VALUES (%(id)s, %(kind)s, %(channel)s, %(shop)s, %(day)s, %(zone)s, %(at)s, %(at)s,"
    "  %(quiet)s)"
    " ON CONFLICT (statement_id) DO UPDATE SET line_at = excluded.line_at,"
    " zone = CASE WHEN excluded.zone = '' THEN s.zone ELSE excluded.zone END,"
    " look_at = CASE WHEN s.closed_at IS NULL THEN excluded.look_at ELSE %(soon)s END"
)
_CLOSE: Final = (
    "INSERT INTO statements AS s"
    " (statement_id, kind, channel, shop, day, zone, began_at, line_at, expected, closed_at,"
    "  look_at)"
    " VALUES (%(id)s, %(kind)s, %(channel)s, %(shop)s, %(day)s, %(zone)s, %(at)s, %(at)s,"
    "  %(expected)s, %(at)s, %(at)s)"
    " ON CONFLICT (statement_id) DO UPDATE SET expected = excluded.expected,"
    " closed_at = excluded.closed_at, look_at = excluded.look_at,"
    " zone = CASE WHEN excluded.zone = '' THEN s.zone ELSE excluded.zone END"
)
COUNTED: Final = (
    "SELECT s.*, (SELECT count(*) FROM statement_lines AS l WHERE l.statement_id = s.statement_id)"
    " AS lines FROM statements AS s"
)
_NAME: Final = ("namespace", "value")
_OURS: Final = (
    f"SELECT r.namespace AS at_namespace, r.value AS at_value, {OURS} FROM order_refs AS r"  # noqa: S608  # names of our own tables
    f" JOIN {bulk.told(order_refs, _NAME)} USING (namespace, value)"
    " JOIN orders AS o ON o.order_id = r.order_id"
)
_LINES: Final = (
    "SELECT * FROM statement_lines WHERE statement_id = %(id)s"
    " AND (namespace, value) > (%(namespace)s, %(value)s)"
    " ORDER BY namespace, value, key LIMIT %(most)s"
)
_PAYMENTS: Final = (
    "SELECT order_id, voucher, currency, amount_minor FROM facts WHERE order_id = ANY(%(orders)s)"
    " AND kind = 'PAYMENT_SUCCEEDED' AND voucher <> '' AND amount_minor IS NOT NULL"
    " UNION ALL SELECT r.order_id, l.voucher, l.currency, l.amount_minor FROM order_refs AS r"
    " JOIN statement_lines AS l ON (l.namespace, l.value) = (r.namespace, r.value)"
    " JOIN statements AS s ON s.statement_id = l.statement_id AND s.kind = 'PAYMENTS'"
    " WHERE r.order_id = ANY(%(orders)s) AND l.voucher <> '' AND l.amount_minor IS NOT NULL"
)
# An order changes after it was placed, so the index of what changed since finds those of a day;
# sources' clocks may be ahead of ours, by a day at most.
_UNSTATED: Final = (
    f"SELECT o.refs, {OURS} FROM orders AS o WHERE o.channel = %(channel)s"  # noqa: S608  # as above
    " AND o.updated_at >= %(since)s AND o.placed_at >= %(begin)s AND o.placed_at < %(end)s"
    " AND NOT EXISTS (SELECT FROM order_refs AS r"
    "  JOIN statement_lines AS l ON (l.namespace, l.value) = (r.namespace, r.value)"
    "  JOIN statements AS s ON s.statement_id = l.statement_id AND s.kind = 'ORDERS'"
    "  WHERE r.order_id = o.order_id)"
    " ORDER BY o.placed_at, o.order_id LIMIT %(most)s"
)
_OUTSTANDING: Final = (
    "SELECT EXISTS (SELECT FROM statements AS known WHERE known.kind = %(kind)s"
    " AND known.channel = %(channel)s AND known.day BETWEEN %(since)s AND %(day)s"
    " AND NOT EXISTS (SELECT FROM statements AS here WHERE here.kind = %(kind)s"
    "  AND here.channel = known.channel AND here.shop = known.shop AND here.day = %(day)s))"
)
_CLAIM_DUE: Final = (
    "SELECT d.* FROM differences AS d WHERE d.reconciliation_id = ("
    "  SELECT first.reconciliation_id FROM differences AS first"
    "  JOIN reconciliations AS r ON r.reconciliation_id = first.reconciliation_id"
    "   AND r.phase = 'DONE'"
    "  WHERE first.due_at <= %(now)s ORDER BY first.due_at LIMIT 1)"
    " AND d.due_at <= %(now)s ORDER BY d.due_at, d.difference_id LIMIT %(most)s"
    " FOR UPDATE SKIP LOCKED"
)
_OUTCOME: Final = (
    "SELECT count(*) FILTER (WHERE state IN ('OPEN', 'REPAIRING')),"
    " count(*) FILTER (WHERE state = 'REPAIRED'),"
    " count(*) FILTER (WHERE state = 'IN_CASE'),"
    " count(DISTINCT case_id) FILTER (WHERE state = 'IN_CASE')"
    " FROM differences WHERE reconciliation_id = %(id)s"
)
_BILLERS: Final = {"billers": sorted(BILLERS)}
_STANDING: Final = [
    each.value
    for each in (DifferenceState.OPEN, DifferenceState.REPAIRING, DifferenceState.IN_CASE)
]


class ReconciliationRows(BillRows):
    """The part of a transaction that knows statements and comparisons."""

    _connection: sa.Connection

    def keep_lines(
        self,
        kind: StatementKind,
        of: ShopDay,
        lines: Sequence[KeptLine],
        *,
        zone: str = "",
        at: datetime,
    ) -> None:
        """Store lines, each instead of the one of its order and key; what was before it stays."""
        statement_id = statement_id_for(kind, of)
        values = _of(kind, of) | {"zone": zone, "at": at, "quiet": at + QUIET}
        driver.change(self._connection, _STATEMENT, values | {"soon": at + TOGETHER})
        rows = {
            (each.line.ref, each.line.key): line_row(statement_id, each)
            for each in sorted(lines, key=lambda each: (each.line.ref, each.line.key))
        }
        bulk.insert(self._connection, tables.statement_lines, list(rows.values()), then=_REPLACING)

    def close_statement(
        self, kind: StatementKind, of: ShopDay, *, zone: str, expected: int, at: datetime
    ) -> None:
        """Write down that all lines were sent, and how many."""
        values = _of(kind, of) | {"zone": zone, "at": at, "expected": expected}
        driver.change(self._connection, _CLOSE, values)

    def find_statement(self, kind: StatementKind, of: ShopDay) -> Statement | None:
        """Return what a party said of a day, with the number of its lines."""
        values = {"id": statement_id_for(kind, of)}
        found = driver.named(self._connection, f"{COUNTED} WHERE s.statement_id = %(id)s", values)
        return statement_from(found[0]) if found else None

    def claim_statements(self, now: datetime, *, most: int) -> list[Statement]:
        """Lock and return statements of orders that must be looked at; passes over locked ones."""
        claim = (
            f"{COUNTED} WHERE s.look_at <= %(now)s AND s.kind ="
            " CASE WHEN s.channel = ANY(%(billers)s) THEN 'PAYMENTS' ELSE 'ORDERS' END"
            " ORDER BY s.look_at LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED"
        )
        found = driver.named(self._connection, claim, {"now": now, "most": most} | _BILLERS)
        return [statement_from(row) for row in found]

    def look_again(self, statement: Statement, at: datetime | None) -> None:
        """Write down when a statement must be looked at next; None: not before more comes."""
        change = "UPDATE statements SET look_at = %(at)s WHERE statement_id = %(id)s"
        driver.change(self._connection, change, {"at": at, "id": statement.statement_id})

    def ours_of(self, refs: Sequence[OrderRef]) -> dict[OrderRef, Ours]:
        """Return what we hold of the orders of these names, unlocked."""
        if not refs:
            return {}
        wanted = bulk.document([{"namespace": one.namespace, "value": one.value} for one in refs])
        found = driver.named(self._connection, _OURS, {"rows": wanted})
        return {OrderRef(row["at_namespace"], row["at_value"]): ours_from(row) for row in found}

    def lines_after(self, of: ShopDay, after: OrderRef | None, *, most: int) -> list[KeptLine]:
        """Return lines of a statement in the order of names, whole orders at a time."""
        behind = after or OrderRef("", "")
        values = {
            "id": statement_id_for(compared_kind(of.channel), of),
            "namespace": behind.namespace,
            "value": behind.value,
            "most": most + 1,
        }
        found = [line_from(row) for row in driver.named(self._connection, _LINES, values)]
        if len(found) <= most:
            return found
        # More of the last order may follow; unless a page holds nothing else, it waits.
        last = found[-1].line.ref
        return [each for each in found if each.line.ref != last] or found

    def lines_of(self, of: ShopDay, ref: OrderRef) -> list[Line]:
        """Return what a statement says of one order."""
        table = tables.statement_lines
        wanted = sa.select(table).where(
            table.c.statement_id == statement_id_for(compared_kind(of.channel), of),
            table.c.namespace == ref.namespace,
            table.c.value == ref.value,
        )
        return [line_from(row).line for row in self._connection.execute(wanted).mappings()]

    def payments_of(self, order_ids: Sequence[str]) -> dict[str, Mapping[str, Money]]:
        """Return what came for orders by number, as facts and statements of providers have it."""
        came: dict[str, dict[str, Money]] = defaultdict(dict)
        if not order_ids:
            return {}
        found = driver.rows(self._connection, _PAYMENTS, {"orders": list(order_ids)})
        for order_id, voucher, currency, minor in found:
            told = came[order_id].get(voucher)
            # Of two readings of one payment the larger counts, as everywhere.
            if told is None or told.minor < minor:
                came[order_id][voucher] = Money(minor, currency)
        return dict(came)

    def unstated(
        self, channel: str, begin: datetime, end: datetime, *, most: int
    ) -> list[tuple[Ours, OrderRef]]:
        """Return a channel's orders placed then of which no statement of orders tells."""
        values = {
            "channel": channel,
            "since": begin - timedelta(days=1),
            "begin": begin,
            "end": end,
            "most": most,
        }
        found = driver.named(self._connection, _UNSTATED, values)
        return [(ours_from(row), _best(row["refs"], channel)) for row in found]

    def has_shops_outstanding(self, of: ShopDay) -> bool:
        """Tell whether another shop of the channel, known of late, has no statement of the day."""
        since = of.day - timedelta(days=SHOPS_DAYS)
        kind = compared_kind(of.channel).value
        values = {"kind": kind, "channel": of.channel, "day": of.day, "since": since}
        return bool(driver.rows(self._connection, _OUTSTANDING, values)[0][0])

    def find_reconciliation(self, of: ShopDay) -> Reconciliation | None:
        """Return a day's comparison, locked; None where there was none."""
        table = tables.reconciliations
        wanted = sa.select(table).where(table.c.reconciliation_id == reconciliation_id_for(of))
        row = self._connection.execute(wanted.with_for_update()).mappings().first()
        return None if row is None else reconciliation_from(row)

    def save_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Store a comparison, or how far it is."""
        bulk.upsert(self._connection, tables.reconciliations, [reconciliation_row(reconciliation)])

    def claim_reconciliation(self) -> Reconciliation | None:
        """Lock and return a comparison that is under way; passes over locked ones."""
        table = tables.reconciliations
        wanted = sa.select(table).where(table.c.phase != "DONE").order_by(table.c.began_at).limit(1)
        row = self._connection.execute(wanted.with_for_update(skip_locked=True)).mappings().first()
        return None if row is None else reconciliation_from(row)

    def shop_day(self, reconciliation_id: str) -> ShopDay:
        """Return whose day a comparison is about."""
        table = tables.reconciliations
        wanted = sa.select(table.c.channel, table.c.shop, table.c.day)
        found = self._connection.execute(
            wanted.where(table.c.reconciliation_id == reconciliation_id)
        ).first()
        if found is None:
            raise ReconciliationNotFoundError(reconciliation=reconciliation_id)
        return ShopDay(*found)

    def find_differences(self, ids: Sequence[str]) -> dict[str, Difference]:
        """Return the differences that are known under these ids."""
        wanted = (
            "SELECT * FROM differences WHERE difference_id = ANY(%(ids)s)"
            " ORDER BY difference_id FOR UPDATE"
        )
        found = driver.named(self._connection, wanted, {"ids": sorted(ids)}) if ids else []
        return {row["difference_id"]: difference_from(row) for row in found}

    def save_differences(self, differences: Sequence[Difference]) -> None:
        """Store differences, or what became of them."""
        rows = {each.difference_id: difference_row(each) for each in differences}
        bulk.upsert(self._connection, tables.differences, list(rows.values()))

    def left_differences(self, reconciliation: Reconciliation, *, most: int) -> list[Difference]:
        """Return differences that the present comparison did not find, and that stand."""
        table = tables.differences
        wanted = (
            sa.select(table)
            .where(
                table.c.reconciliation_id == reconciliation.reconciliation_id,
                table.c.revision < reconciliation.revision,
                table.c.state.in_(_STANDING),
            )
            .order_by(table.c.difference_id)
            .limit(most)
            .with_for_update()
        )
        return [difference_from(row) for row in self._connection.execute(wanted).mappings()]

    def claim_differences(self, now: datetime, *, most: int) -> list[Difference]:
        """Lock and return due differences of one comparison that is done."""
        found = driver.named(self._connection, _CLAIM_DUE, {"now": now, "most": most})
        return [difference_from(row) for row in found]

    def standing_differences(self, reconciliation_id: str, kind: DifferenceKind) -> int:
        """Return how many differences of a kind wait or are in a case."""
        table = tables.differences
        wanted = sa.select(sa.func.count()).where(
            table.c.reconciliation_id == reconciliation_id,
            table.c.kind == kind.value,
            table.c.state.in_(_STANDING),
        )
        return int(self._connection.execute(wanted).scalar_one())

    def outcome_of(self, reconciliation_id: str) -> Outcome:
        """Return what became of the differences of a comparison."""
        values = {"id": reconciliation_id}
        ((under_way, repaired, in_case, cases),) = driver.rows(self._connection, _OUTCOME, values)
        return Outcome(under_way, repaired, in_case, cases)

    def in_case(self, case_id: str) -> int:
        """Return how many differences a case tells of that stand."""
        table = tables.differences
        wanted = sa.select(sa.func.count()).where(
            table.c.case_id == case_id,
            table.c.case_id != "",
            table.c.state == DifferenceState.IN_CASE.value,
        )
        return int(self._connection.execute(wanted).scalar_one())


def _of(kind: StatementKind, of: ShopDay) -> dict[str, Any]:
    return {
        "id": statement_id_for(kind, of),
        "kind": kind.value,
        "channel": of.channel,
        "shop": of.shop,
        "day": of.day,
    }


def _best(refs: list[list[str]], channel: str) -> OrderRef:
    """Return the name that the channel knows the order by, or else any."""
    names = [OrderRef(*each) for each in refs]
    return next((each for each in names if each.namespace == channel), names[0])


_TOLD: Final = tuple(
    column.name
    for column in tables.statement_lines.c
    if not column.primary_key and column.name != "held"
)
# What we held when its row first came stays: by a later file the order is there.
_REPLACING: Final = (
    "ON CONFLICT (statement_id, namespace, value, key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _TOLD)
    + ", held = coalesce(statement_lines.held, excluded.held)"
)
