"""Repairs what differs where that is safe; for the rest, opens the cases of those who must act.

Each claim is one transaction: what an order got, its case, and what is told of the difference.
Killed anywhere, all of it is taken back, and done anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.application.asking_again import AskAgain, nobody
from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.reconciling_bills import is_here
from service.application.recording import Decided, record, record_acts
from service.application.weighing import weigh_facts
from service.domain.cases import Case, CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.closing import EVIDENCE_CAME, raised
from service.domain.journal import Origin
from service.domain.reconciling.bills import is_of_bill
from service.domain.reconciling.comparing import Phase, Reconciliation
from service.domain.reconciling.differences import (
    ASKED_AGAIN,
    CASES_MOST,
    FILE_ROW_APPLIED,
    LOOKS,
    STATE_APPLIED,
    Difference,
    DifferenceState,
    case_type_of,
    fact_of,
)
from service.domain.reconciling.explaining import explanation
from service.domain.reconciling.judging import DifferenceKind, Pair, Scope, judge
from service.domain.reconciling.statements import Line, ShopDay, compared_kind
from service.domain.reconciling.telling import notice_of
from service.domain.terms import USUAL, Terms

# Each may lock an order and write its journal: half a second's work.
CLAIM_MOST: Final = 50

_SYSTEM: Final = Origin("system", "system")


@dataclass(frozen=True, slots=True)
class Repairing:
    """Deals with differences of days that were compared, a bounded claim at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms = USUAL
    ask_again: AskAgain = nobody

    def settle(self) -> int:
        """Repair what is due of one day, or open its cases; return how many were dealt with."""

        def work(unit: Unit) -> int:
            now = self.clock()
            due = unit.claim_differences(now, most=CLAIM_MOST)
            if not due:
                return 0
            of = unit.shop_day(due[0].reconciliation_id)
            reconciliation = unit.find_reconciliation(of)
            assert reconciliation is not None, "its differences are kept with it"  # noqa: S101
            desk = _Desk(self, unit, reconciliation, now)
            unit.save_differences([desk.dealt_with(each) for each in due])
            tell_when_over(unit, reconciliation, at=now)
            return len(due)

        return self.storage.transact(work)


class _Desk:
    """What is done about the differences of one day, within one transaction."""

    def __init__(
        self, repairing: Repairing, unit: Unit, reconciliation: Reconciliation, at: datetime
    ) -> None:
        self._repairing, self._unit = repairing, unit
        self._reconciliation, self._at = reconciliation, at

    def dealt_with(self, each: Difference) -> Difference:
        """Return a difference after it was repaired, or brought before somebody."""
        if each.finding.kind is DifferenceKind.MISSING_HERE:
            return self._missing(each)
        if each.finding.kind is DifferenceKind.STATE and self._applied(each):
            return each.repaired(STATE_APPLIED, at=self._at)
        return self._brought(each)

    def _missing(self, each: Difference) -> Difference:
        if is_of_bill(each.finding):
            return self._not_booked(each)
        if self._unit.ours_of([each.finding.ref]):
            return each.repaired(ASKED_AGAIN if each.looks else "", at=self._at)
        if each.looks >= LOOKS or not (each.looks or self._asked()):
            return self._brought(each)
        return each.asked(at=self._at)

    def _not_booked(self, each: Difference) -> Difference:
        """Wait for the bill's own receipts, which take the way of all others, before a person."""
        if is_here(self._unit, self._reconciliation, each):
            return each.repaired(FILE_ROW_APPLIED, at=self._at)
        return self._brought(each) if each.looks >= LOOKS else each.awaited(at=self._at)

    def _asked(self) -> bool:
        """Let the channel be asked for the whole day, once for a comparison."""
        known = self._reconciliation
        if known.asked_at is not None and known.asked_at >= known.began_at:
            return True
        begin, end = known.window
        if not self._repairing.ask_again(self._unit, known.of, begin, end, self._at):
            return False
        self._reconciliation = replace(known, asked_at=self._at)
        self._unit.save_reconciliation(self._reconciliation)
        return True

    def _applied(self, each: Difference) -> bool:
        """Take the file's state where that is safe; tell whether the order is there now."""
        unit, known, ref = self._unit, self._reconciliation, each.finding.ref
        ours = unit.ours_of([ref]).get(ref)
        line = self._line(each)
        fact = fact_of(line, ours, known.of) if ours and line else None
        if fact is None or line is None:
            return False
        weigh_facts(
            unit,
            [replace(fact, recorded_at=self._at)],
            encoder=self._repairing.encoder,
            at=self._at,
            terms=self._repairing.terms,
        )
        scope = Scope(known.of.channel, known.of.day, known.zone, self._at)
        left = judge(Pair(ref, (line,), unit.ours_of([ref]).get(ref)), scope)
        return all(one.kind is not DifferenceKind.STATE for one in left)

    def _line(self, each: Difference) -> Line | None:
        lines = self._unit.lines_of(self._reconciliation.of, each.finding.ref)
        return max(lines, key=lambda one: (one.told_at is not None, one.told_at), default=None)

    def _brought(self, each: Difference) -> Difference:
        """Bring a difference before who must act; many of one kind in one case."""
        kind = each.finding.kind
        many = self._unit.standing_differences(each.reconciliation_id, kind) > CASES_MOST
        order_id = "" if many else each.finding.order_id
        subject = "" if order_id else _subject(self._reconciliation.of, kind)
        wait = each.reconciliation_id if not order_id else each.difference_id
        case_type = case_type_of(each.finding)
        case_id = case_id_for(order_id or subject, case_type, f"{wait}|{kind.value}")
        fresh = open_case(
            case_id,
            order_id,
            case_type,
            at=self._at,
            catalogue=self._repairing.terms.catalogue,
        )
        before = self._unit.lock_case(case_id) if self._unit.case_exists(case_id) else None
        brought = each.in_case(case_id, at=self._at)
        text = subject or explanation(brought).en
        act = raised(replace(fresh, subject=subject), before, at=self._at, text=text)
        if act is not None:
            _record(self._unit, act, encoder=self._repairing.encoder, at=self._at)
        return brought


def tell_when_over(unit: Unit, of: Reconciliation, *, at: datetime) -> None:
    """Let finance be told of a (locked) day, once ever, if nothing of it is under way any more.

    Who deals with the last of it holds the day, so of several at work exactly one sees the end.
    """
    if of.phase is not Phase.DONE:
        return
    outcome = unit.outcome_of(of.reconciliation_id)
    if outcome.under_way:
        return
    statement = unit.find_statement(compared_kind(of.of.channel), of.of)
    short = statement.missing if statement else 0
    unit.queue_notices([notice_of(of, outcome, short=short)], at=at)


def close_left(unit: Unit, left: Sequence[Difference], *, encoder: Encoder, at: datetime) -> None:
    """Write down that differences are gone, and end the cases that told of nothing else."""
    unit.save_differences([each.gone(at=at) for each in left])
    cases = {each.case_id for each in left if each.state is DifferenceState.IN_CASE}
    for case_id in sorted(cases - {""}):
        if unit.in_case(case_id):
            continue
        case = unit.lock_case(case_id)
        if not case.is_resolved:
            ended = case.resolve(EVIDENCE_CAME, at=at)
            _record(unit, CaseAct(ended, "RESOLVED", "system", at), encoder=encoder, at=at)


def _record(unit: Unit, act: CaseAct, *, encoder: Encoder, at: datetime) -> None:
    """Store an act on a case, in the journal of its order where it has one."""
    case = act.case
    order = unit.open_dossiers([case.order_id])[case.order_id].order if case.order_id else None
    if order is None:
        record_acts(unit, [(act, _SYSTEM)], encoder=encoder)
        return
    row = _row(act, case)
    decided = Decided(order=order, changes=((row, _SYSTEM),), acts=((act, _SYSTEM),))
    record(unit, [decided], encoder=encoder, at=at)


def _row(act: CaseAct, case: Case) -> Change:
    return Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(case.case_id, act.act),
        occurred_at=act.at,
        source="system",
        new=case.outcome or case.type,
        reason="reconciliation",
    )


def _subject(of: ShopDay, kind: DifferenceKind) -> str:
    return "/".join(each for each in (of.channel, of.shop, of.day.isoformat(), kind.value) if each)
