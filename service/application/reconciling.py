"""Compares days: begins when a statement is whole, goes through it in parts, keeps what differs.

What becomes of differences is `repairing`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Final

from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.reconciling_bills import compare_bill, lacking_in_bill
from service.application.reconciling_ports import Compared, KeptLine
from service.application.repairing import close_left, tell_when_over
from service.domain.facts import OrderRef
from service.domain.reconciling.comparing import (
    LINES_MISSING,
    OTHER_SHOPS_OUTSTANDING,
    TOO_MANY_MISSING,
    Phase,
    Reconciliation,
    begun,
)
from service.domain.reconciling.days import is_zone, zone_for
from service.domain.reconciling.differences import (
    FILE_ROW_APPLIED,
    Difference,
    DifferenceState,
    found,
)
from service.domain.reconciling.errors import StatementNotFoundError
from service.domain.reconciling.judging import (
    Finding,
    Pair,
    Scope,
    belongs_in_file,
    judge,
    missing_there,
)
from service.domain.reconciling.statements import (
    ShopDay,
    Statement,
    StatementKind,
    compared_kind,
)

# Two thousand lines with their orders and payments are a quarter of a second's work.
LINES_MOST: Final = 2_000
# Of one hour; beyond that the file is of another day or shop, and nobody reads on.
MISSING_MOST: Final = 5_000
LEFT_MOST: Final = 200
STATEMENTS_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Reconciling:
    """Compares days, a bounded part at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock

    def begin_due(self) -> int:
        """Begin the comparisons of statements that are whole; return how many were looked at."""

        def work(unit: Unit) -> int:
            now = self.clock()
            claimed = unit.claim_statements(now, most=STATEMENTS_MOST)
            for each in claimed:
                due_at = each.due_at()
                if due_at > now:
                    unit.look_again(each, due_at)
                else:
                    begin(unit, each, at=now)
                    unit.look_again(each, None)
            return len(claimed)

        return self.storage.transact(work)

    def compare(self) -> int:
        """Compare a part of one day that is under way; return how much was looked at."""

        def work(unit: Unit) -> int:
            reconciliation = unit.claim_reconciliation()
            if reconciliation is None:
                return 0
            steps = {
                Phase.LINES: self._lines,
                Phase.ORDERS: self._orders,
                Phase.LEFT: self._left,
            }
            after = steps[reconciliation.phase](unit, reconciliation)
            unit.save_reconciliation(after)
            # A day without differences, or whose differences are all known, is over with this.
            tell_when_over(unit, after, at=self.clock())
            return 1

        return self.storage.transact(work)

    def _lines(self, unit: Unit, so_far: Reconciliation) -> Reconciliation:
        kept = unit.lines_after(so_far.of, so_far.after, most=LINES_MOST)
        if not kept:
            outstanding = unit.has_shops_outstanding(so_far.of)
            after = so_far.noted(OTHER_SHOPS_OUTSTANDING) if outstanding else so_far
            # A bill without some of its rows seems to lack payments that it has.
            is_whole = LINES_MISSING not in so_far.notes or not _is_bill(so_far.of)
            return after.through_lines(judges_orders=not outstanding and is_whole)
        now = self.clock()
        compare = compare_bill if _is_bill(so_far.of) else self._compared
        compared = compare(unit, so_far, kept)
        note(unit, so_far, compared.findings, at=now)
        counted = so_far.counted(
            lines=len(kept),
            orders=compared.orders,
            payments=compared.payments,
            agreeing=compared.agreeing,
        )
        return replace(counted, after=kept[-1].line.ref)

    def _compared(self, unit: Unit, so_far: Reconciliation, kept: Sequence[KeptLine]) -> Compared:
        now = self.clock()
        statement = unit.find_statement(StatementKind.ORDERS, so_far.of)
        made_at = statement.line_at if statement else now
        scope = Scope(so_far.of.channel, so_far.of.day, so_far.zone, made_at)
        pairs, before = _pairs(unit, kept)
        findings: list[tuple[Finding, str]] = []
        for pair in pairs:
            findings += _judged(pair, before.get(pair.ref), scope)
        differing = {finding.ref for finding, _ in findings}
        return Compared(
            findings=findings,
            orders=sum(each.ours is not None for each in pairs),
            payments=sum(len(each.payments) for each in pairs),
            agreeing=sum(each.ref not in differing for each in pairs),
        )

    def _orders(self, unit: Unit, so_far: Reconciliation) -> Reconciliation:
        begin_at, end_at = so_far.next_slice()
        if _is_bill(so_far.of):
            findings = lacking_in_bill(unit, so_far, most=MISSING_MOST)
            is_cut = len(findings) == MISSING_MOST
        else:
            lacking = unit.unstated(so_far.of.channel, begin_at, end_at, most=MISSING_MOST)
            findings = [(missing_there(*each), "") for each in lacking if belongs_in_file(each[0])]
            is_cut = len(lacking) == MISSING_MOST
        note(unit, so_far, findings, at=self.clock())
        after = so_far.noted(TOO_MANY_MISSING) if is_cut else so_far
        return after.through_slice(end_at)

    def _left(self, unit: Unit, so_far: Reconciliation) -> Reconciliation:
        now = self.clock()
        left = unit.left_differences(so_far, most=LEFT_MOST)
        if left:
            close_left(unit, left, encoder=self.encoder, at=now)
            return so_far
        return so_far.done(at=now)


def begin(unit: Unit, statement: Statement, *, at: datetime) -> Reconciliation:
    """Begin to compare a day, or begin anew where it was compared, or is."""
    of = statement.of
    feeds = unit.feeds_of(of.channel, of.shop)
    registered = (each.zone for each in feeds if is_zone(each.zone))
    zone = statement.zone or next(registered, zone_for(of.channel))
    notes = (LINES_MISSING,) if statement.is_short else ()
    known = unit.find_reconciliation(statement.of)
    started = (
        begun(statement.of, zone, notes=notes, at=at)
        if known is None
        else known.begun_again(zone, notes=notes, at=at)
    )
    unit.save_reconciliation(started)
    return started


def begin_by_hand(unit: Unit, of: ShopDay, *, at: datetime) -> Reconciliation:
    """Begin to compare a day now, or raise `StatementNotFoundError`."""
    statement = unit.find_statement(compared_kind(of.channel), of)
    if statement is None:
        raise StatementNotFoundError(channel=of.channel, shop=of.shop, day=of.day.isoformat())
    # Statements before their comparisons, as whoever begins what is due locks them.
    unit.look_again(statement, None)
    return begin(unit, statement, at=at)


def note(
    unit: Unit,
    reconciliation: Reconciliation,
    findings: Sequence[tuple[Finding, str]],
    *,
    at: datetime,
) -> None:
    """Store what differs; what was known keeps what became of it."""
    fresh = [
        found(
            reconciliation.reconciliation_id,
            finding,
            revision=reconciliation.revision,
            at=at,
            repair=repair,
        )
        for finding, repair in findings
    ]
    known = unit.find_differences([each.difference_id for each in fresh])
    unit.save_differences([_joined(known.get(each.difference_id), each, at) for each in fresh])


def _is_bill(of: ShopDay) -> bool:
    return compared_kind(of.channel) is StatementKind.PAYMENTS


def _joined(known: Difference | None, fresh: Difference, at: datetime) -> Difference:
    if known is None:
        return fresh
    if not fresh.repair:
        return known.seen_again(fresh.finding, revision=fresh.revision, at=at)
    # The import put it right. What still stands of it is found to be gone, its case with it.
    stands = known.state not in {DifferenceState.REPAIRED, DifferenceState.GONE}
    return known if stands else replace(known, revision=fresh.revision)


def _judged(pair: Pair, before: KeptLine | None, scope: Scope) -> list[tuple[Finding, str]]:
    """Return what differs, and what differed before the file was applied."""
    standing = judge(pair, scope)
    told = [(each, "") for each in standing]
    if before is None:
        return told
    was = judge(replace(pair, ours=before.before), scope)
    kinds = {each.kind for each in standing}
    order_id = pair.ours.order_id if pair.ours else ""
    mended = (replace(each, order_id=order_id) for each in was if each.kind not in kinds)
    return told + [(each, FILE_ROW_APPLIED) for each in mended]


def _pairs(unit: Unit, kept: Sequence[KeptLine]) -> tuple[list[Pair], Mapping[OrderRef, KeptLine]]:
    """Return everything that is said of the orders of some lines."""
    by_ref = {ref: tuple(group) for ref, group in groupby(kept, key=lambda each: each.line.ref)}
    ours = unit.ours_of(list(by_ref))
    payments = unit.payments_of(sorted({each.order_id for each in ours.values()}))
    pairs = []
    before: dict[OrderRef, KeptLine] = {}
    for ref, lines in by_ref.items():
        held = ours.get(ref)
        came = payments.get(held.order_id, {}) if held else {}
        pairs.append(Pair(ref, tuple(each.line for each in lines), held, came))
        before.update((ref, each) for each in lines if each.is_fresh)
    return pairs, before
