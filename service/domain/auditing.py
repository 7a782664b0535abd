"""Holds one order against itself: journal, facts, sums, cases and deadlines must say the same.

Each check is about one thing, so that one thing broken violates one invariant: the journal's
end is compared with the stored state (I4) and with the facts (I5), sums are left to I11, and a
journal with a gap (I4) is not folded further.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from service.domain.cases import SETTLED, Case, case_id_for
from service.domain.changes import ChangeKind
from service.domain.closing import EVIDENCE_CAME
from service.domain.contradictions import POLICY, discrepancies
from service.domain.differences import sums
from service.domain.expectations import ExpectationKind, expectations
from service.domain.facts import Fact, Outcome
from service.domain.invariants import Violation
from service.domain.lifecycle import CORRECTIONS, LIFECYCLE, State
from service.domain.order import Order
from service.domain.recount import Measured
from service.domain.stages import Stage, measures
from service.domain.truth import RefundState, Truth, derive

# Every step that a journal may hold: those a command may ask for, and those evidence proves.
STEPS: Final = frozenset(
    (begin.value, end.value)
    for table in (LIFECYCLE, CORRECTIONS)
    for begin, moves in table.items()
    for end in moves.values()
)
_WEIGHED: Final = frozenset({Outcome.APPLIED, Outcome.CONFIRMED, Outcome.CONTRADICTING})
_US: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal row, as far as it is folded; `hold` is the id and whether it was released."""

    sequence: int
    kind: ChangeKind
    old: str
    new: str
    hold: tuple[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A stored timer."""

    kind: ExpectationKind
    wait: str
    due_at: datetime
    fired_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseLog:
    """A case, and what was done about it by number."""

    case: Case
    acts: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is stored of one order, as of one moment."""

    order_id: str
    order: Order | None = None
    facts: tuple[tuple[Fact, Outcome], ...] = ()
    journal: tuple[Entry, ...] = ()
    measured: tuple[Measured, ...] = ()
    cases: tuple[CaseLog, ...] = ()
    deadlines: tuple[Deadline, ...] = ()


@dataclass(frozen=True, slots=True)
class _Audited:
    """An order with what its facts prove."""

    order: Order
    kept: Kept
    truth: Truth
    facts: Sequence[Fact]
    cases: Mapping[str, Case] = field(default_factory=dict)

    def violates(self, invariant: str, problem: str) -> Violation:
        return Violation(invariant, self.order.order_id, problem)


def audit(kept: Kept, *, at: datetime, late: timedelta) -> Iterator[Violation]:
    """Yield what does not hold of an order; `late` is how long a deadline may stay undone."""
    order, facts = kept.order, [fact for fact, _ in kept.facts]
    if order is None:
        if kept.journal:
            yield Violation("I4", kept.order_id, "the journal's order does not exist")
        if facts:
            yield Violation("I5", kept.order_id, f"{len(facts)} facts of an order that is not kept")
        return
    gap = _gap(order, kept.journal)
    if gap:
        yield Violation("I4", order.order_id, gap)
    else:
        yield from _path(order, kept.journal)
    truth = derive(facts)
    if truth is None:
        yield Violation("I5", order.order_id, "no fact tells of its creation")
        return
    audited = _Audited(
        order, kept, truth, facts, {each.case.case_id: each.case for each in kept.cases}
    )
    if not gap:
        yield from _journal_follows(audited)
    yield from _order_follows(audited)
    yield from _cases_follow(audited)
    yield from _money(audited)
    yield from _awaited(audited)
    yield from _contradictions(audited)
    yield from _deadlines(audited, at, late)


def _gap(order: Order, journal: Sequence[Entry]) -> str:
    for expected, entry in enumerate(journal, 1):
        if entry.sequence != expected:
            return f"row {expected} is missing: the next one has number {entry.sequence}"
    if len(journal) != order.sequence:
        return f"the journal ends at {len(journal)}, the order says {order.sequence}"
    return ""


def _path(order: Order, journal: Sequence[Entry]) -> Iterator[Violation]:
    at = ""
    for entry in journal:
        if entry.kind is ChangeKind.PLACED:
            is_legal = not entry.old and entry.new == State.PENDING_PAYMENT.value
        elif entry.kind is ChangeKind.MOVED:
            is_legal = (entry.old, entry.new) in STEPS
        else:
            continue
        if not is_legal or entry.old != at:
            problem = f"row {entry.sequence} goes from {entry.old or 'nowhere'} to {entry.new}"
            yield Violation("I4", order.order_id, f"{problem}, it stood at {at or 'nowhere'}")
            return
        at = entry.new
    if at != order.state.value:
        problem = f"the journal leads to {at or 'nowhere'}, the order says {order.state.value}"
        yield Violation("I4", order.order_id, problem)


# What the newest row of such a kind says holds.
_LAST_SAID: Final = frozenset(
    {ChangeKind.MILESTONE_CHANGED, ChangeKind.TAGS_CHANGED, ChangeKind.MONEY_MOVED}
)


def _journal_follows(audited: _Audited) -> Iterator[Violation]:
    """Fold the journal: its end is what the facts prove, its holds are those that are placed."""
    order, state = audited.order, ""
    last: dict[ChangeKind, str] = {}
    holds: list[str] = []
    for entry in audited.kept.journal:
        if entry.kind in {ChangeKind.PLACED, ChangeKind.MOVED}:
            state = entry.new
        elif entry.kind in _LAST_SAID:
            last[entry.kind] = entry.new
        elif entry.hold is not None:
            name, is_released = entry.hold
            if not is_released:
                holds.append(name)
            elif name in holds:
                holds.remove(name)
    if state != audited.truth.state.value:
        problem = f"the facts prove {audited.truth.state.value}, the journal leads to {state}"
        yield audited.violates("I5", problem)
    if holds != [each.hold_id for each in order.holds]:
        problem = f"the journal leaves {len(holds)} holds, the order has {len(order.holds)}"
        yield audited.violates("I5", f"{problem}, or others")
    for kind, what, there in (
        (ChangeKind.MILESTONE_CHANGED, "milestone", order.milestone),
        (ChangeKind.TAGS_CHANGED, "tags", ",".join(order.tags)),
    ):
        if last.get(kind, "") != there:
            problem = f"the journal says {last.get(kind, '')!r} for {what}, the order {there!r}"
            yield audited.violates("I5", problem)
    money = last.get(ChangeKind.MONEY_MOVED, "")
    told = sums(order.paid, order.refunded, order.refund_state)
    nothing = not (order.paid.minor or order.refunded.minor)
    if money != told and (money or not nothing or order.refund_state is not RefundState.NONE):
        yield audited.violates("I11", f"the journal says {money or 'nothing'}, the order {told}")
    yield from _stages(audited)


def _stages(audited: _Audited) -> Iterator[Violation]:
    """Measure the stages anew; a cause may differ, because limits are settings."""
    told: dict[Stage, tuple[int, int, str]] = {}
    last: dict[Stage, int] = {}
    for each in audited.kept.measured:
        if each.sequence < last.get(each.stage, 0):
            continue
        last[each.stage] = each.sequence
        told.pop(each.stage, None)
        if each.value is not None:
            told[each.stage] = (each.value.duration_us, each.value.ended_us, each.channel)
    found = {
        stage: (each.duration // _US, _micros(each.ended_at), each.channel)
        for stage, each in measures(audited.truth).items()
    }
    for begin, end in sorted(told.keys() | found.keys(), key=str):
        if told.get((begin, end)) != found.get((begin, end)):
            problem = f"{begin.value} to {end.value}: the journal's time is not that of the facts"
            yield audited.violates("I10", problem)


def _order_follows(audited: _Audited) -> Iterator[Violation]:
    order, truth = audited.order, audited.truth
    pairs = {
        "state_since": (order.state_since, truth.since),
        "channel": (order.channel, truth.channel),
        "customer": (order.customer, truth.customer),
        "refs": (order.refs, truth.refs),
        "lines": (order.lines, truth.lines),
        "placed_at": (order.placed_at, truth.placed_at),
        "outbound_approved": (order.outbound_approved, truth.outbound_approved),
        "discrepancies": (
            order.discrepancies,
            tuple(each.kind for each in discrepancies(audited.facts)),
        ),
    }
    wrong = sorted(name for name, (stored, derived) in pairs.items() if stored != derived)
    if wrong:
        yield audited.violates("I5", f"not what the facts prove: {', '.join(wrong)}")


# What each act makes of a case; a note leaves it as it is.
_AFTER: Final[Mapping[str, str]] = {
    "OPENED": "OPEN",
    "ASSIGNED": "ASSIGNED",
    "RESOLVED": "RESOLVED",
    "REOPENED": "OPEN",
}


def _cases_follow(audited: _Audited) -> Iterator[Violation]:
    for each in audited.kept.cases:
        numbers = [number for number, _ in each.acts]
        state = ""
        for _, act in each.acts:
            state = _AFTER.get(act, state)
        case = each.case
        if numbers != list(range(1, case.version + 1)) or state != case.state.value:
            yield audited.violates("I5", f"{case.case_id} is not what its log says")


def _money(audited: _Audited) -> Iterator[Violation]:
    order, truth = audited.order, audited.truth
    pairs = {
        "paid": (order.paid, truth.paid),
        "refunded": (order.refunded, truth.refunded),
        "total": (order.total, truth.total),
        "list_total": (order.list_total, truth.list_total),
        "refund_state": (order.refund_state, truth.refund_state),
    }
    wrong = sorted(name for name, (stored, derived) in pairs.items() if stored != derived)
    if wrong:
        yield audited.violates("I11", f"not the sum of the facts: {', '.join(wrong)}")
    if truth.refunded.minor > truth.paid.minor and not _is_told(
        audited, ExpectationKind.PAYMENT_FOR_REFUND, "REFUND_EXCEEDS_PAYMENT"
    ):
        problem = f"{truth.refunded} went back of {truth.paid}, and nobody is told"
        yield audited.violates("I11", problem)


def _is_told(audited: _Audited, kind: ExpectationKind, case_type: str) -> bool:
    runs = any(each.kind is kind and each.fired_at is None for each in audited.kept.deadlines)
    return runs or any(each.type == case_type for each in audited.cases.values())


def _awaited(audited: _Audited) -> Iterator[Violation]:
    deadlines = {(each.kind, each.wait): each for each in audited.kept.deadlines}
    for awaited in expectations(audited.truth, at=audited.order.updated_at):
        what = f"{awaited.kind.value} in {audited.truth.state.value}"
        deadline = deadlines.get((awaited.kind, awaited.wait))
        if deadline is None:
            yield audited.violates("I12", f"{what} is awaited without a deadline")
            continue
        if deadline.fired_at is None:
            continue
        case = audited.cases.get(
            case_id_for(audited.order.order_id, awaited.case_type, awaited.wait)
        )
        if case is None:
            yield audited.violates("I12", f"{what}: its deadline passed without a case")
        elif case.is_resolved and case.outcome in {EVIDENCE_CAME, SETTLED}:
            yield audited.violates("I12", f"{what}: its deadline passed, {case.case_id} is closed")


def _contradictions(audited: _Audited) -> Iterator[Violation]:
    for fact, outcome in audited.kept.facts:
        if outcome not in _WEIGHED:
            problem = f"fact {fact.fact_id} of a known order is {outcome.value}"
            yield audited.violates("I13", problem)
    found = discrepancies(audited.facts)
    evidence = {fact_id for each in found for fact_id in each.evidence}
    for fact, outcome in audited.kept.facts:
        if outcome is Outcome.CONTRADICTING and fact.fact_id not in evidence:
            yield audited.violates("I13", f"fact {fact.fact_id} contradicts nothing")
    for each in found:
        kind = each.kind.value
        case = audited.cases.get(case_id_for(audited.order.order_id, kind))
        if case is None:
            yield audited.violates("I13", f"{kind} has no case")
        elif case.is_settled and not POLICY[each.kind].is_settled(audited.truth):
            yield audited.violates("I13", f"{kind} is not settled, and its case is closed")


def _deadlines(audited: _Audited, at: datetime, late: timedelta) -> Iterator[Violation]:
    awaited = {
        (each.kind, each.wait) for each in expectations(audited.truth, at=audited.order.updated_at)
    }
    for each in audited.kept.deadlines:
        if (each.kind, each.wait) not in awaited:
            yield audited.violates("I14", f"a deadline for {each.kind.value}, which nobody awaits")
        elif each.fired_at is None and each.due_at < at - late:
            past = (at - each.due_at).total_seconds()
            yield audited.violates("I14", f"{each.kind.value} has been due for {past:.0f} s")
        elif each.fired_at is not None and each.fired_at < each.due_at:
            yield audited.violates("I14", f"{each.kind.value} fired before its time")


def _micros(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, moment.tzinfo)) // _US
