"""Compares providers' bills of a day with the payments and refunds that we hold."""

from collections.abc import Sequence
from itertools import groupby

from service.application.ports import Unit
from service.application.reconciling_ports import Compared, KeptLine
from service.domain.facts import OrderRef
from service.domain.reconciling.bills import Held, Moved, judge_bill, moved_by, unbilled
from service.domain.reconciling.comparing import Reconciliation
from service.domain.reconciling.differences import FILE_ROW_APPLIED, Difference
from service.domain.reconciling.judging import Finding


def compare_bill(unit: Unit, so_far: Reconciliation, kept: Sequence[KeptLine]) -> Compared:
    """Return what some lines of a bill say that we do not, and the other way round."""
    by_ref = {ref: [each.line for each in group] for ref, group in groupby(kept, _ref)}
    held = unit.moved_of(list(by_ref), so_far.of.channel)
    findings: list[tuple[Finding, str]] = []
    agreeing = 0
    for ref, lines in by_ref.items():
        judged = judge_bill(ref, lines, held.get(ref, {}))
        findings += [(each, "") for each in judged.standing]
        findings += [(each, FILE_ROW_APPLIED) for each in judged.mended]
        agreeing += not judged.standing and not judged.mended
    return Compared(
        findings=findings,
        orders=sum(bool(each) for each in held.values()),
        payments=sum(len(each) for each in held.values()),
        agreeing=agreeing,
    )


def lacking_in_bill(unit: Unit, of: Reconciliation, *, most: int) -> list[tuple[Finding, str]]:
    """Return payments of orders placed in a part of the day that no bill tells of."""
    begin, end = of.next_slice()
    found = unit.unbilled(of.of, begin, end, paid_before=of.window[1], most=most)
    return [(unbilled(ref, held.order_id, held.amount), "") for ref, held in found]


def is_here(unit: Unit, of: Reconciliation, difference: Difference) -> bool:
    """Tell whether all that a bill has of an order, and we had not, is here by now."""
    ref = difference.finding.ref
    held: dict[Moved, Held] = unit.moved_of([ref], of.of.channel).get(ref, {})
    told = (moved_by(each) for each in unit.lines_of(of.of, ref))
    return all(each[0] in held for each in told if each is not None)


def _ref(kept: KeptLine) -> OrderRef:
    return kept.line.ref
