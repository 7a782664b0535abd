"""Decides: facts are weighed against what is known, and out come the truth and every change.

1. Join the fact with those already known; a repeat changes nothing and is *confirmed*.
2. Derive the truth anew from the whole set, so that the order of arrival cannot matter.
3. Write the way from the old truth to the new as changes, one for each journal row.
4. Open a case for each contradiction that is found for the first time; end the cases whose
   expectation was met or whose contradiction is settled, and open a settled one again where
   the facts come to say otherwise. So the cases, too, are a function of the set of facts.

A fact whose order nobody has told of is *early*: it is kept, and weighed when the order comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain import order as orders
from service.domain.cases import Case, CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.closing import Standing, act_row, closing_acts, raised
from service.domain.contradictions import Discrepancy, discrepancies
from service.domain.differences import difference
from service.domain.expectations import Expectation, ExpectationKind, expectations
from service.domain.facts import Fact, FactKind, Outcome
from service.domain.inquiries import Inquiry, inquiries
from service.domain.order import Order
from service.domain.remedies import reinstatements
from service.domain.stages import changed, measures
from service.domain.terms import USUAL, Terms
from service.domain.truth import Truth, derive


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of one order before a decision; `order` is None while it is unknown.

    `truth` and `found` follow from the facts; they are kept where they were derived already.
    """

    order_id: str
    order: Order | None = None
    facts: tuple[Fact, ...] = ()
    cases: tuple[Case, ...] = ()
    truth: Truth | None = field(default=None, compare=False)
    found: tuple[Discrepancy, ...] | None = field(default=None, compare=False)

    @property
    def open_cases(self) -> tuple[Case, ...]:
        """The cases that somebody must still handle."""
        return tuple(each for each in self.cases if not each.is_resolved)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided: the dossier after it, and what must be written beside it."""

    dossier: Dossier
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    added: tuple[Fact, ...] = ()
    changes: tuple[Change, ...] = ()
    acts: tuple[CaseAct, ...] = ()
    awaited: tuple[Expectation, ...] = ()
    inquiries: tuple[Inquiry, ...] = ()
    terms: Terms = field(default=USUAL, compare=False, repr=False)


def weigh(
    dossier: Dossier, incoming: Sequence[Fact], *, at: datetime, terms: Terms = USUAL
) -> Verdict:
    """Weigh facts of one order, in the order given. Never refuses."""
    verdict = Verdict(dossier, terms=terms)
    for fact in incoming:
        verdict = _weigh_one(verdict, fact, at=at)
    if verdict.dossier.order is None:
        return verdict
    truth = verdict.dossier.truth or derive(verdict.dossier.facts)
    assert truth is not None, "an order exists only after its creation was told"  # noqa: S101
    awaited = expectations(truth, at=at, limits=terms.limits)
    asked = inquiries(verdict.dossier.facts, truth, terms)
    return _close(replace(verdict, awaited=awaited, inquiries=asked), truth, at=at)


def expire(
    dossier: Dossier,
    kind: ExpectationKind,
    wait: str,
    *,
    at: datetime,
    terms: Terms = USUAL,
    before: Case | None = None,
) -> Verdict:
    """Open the case of a wait whose deadline passed; nothing when it was met meanwhile.

    `before` is the case that the same wait had at an earlier time.
    """
    truth = derive(dossier.facts)
    if dossier.order is None or truth is None:
        return Verdict(dossier)
    awaited = expectations(truth, at=at, limits=terms.limits)
    missed = next((each for each in awaited if each.kind is kind and each.wait == wait), None)
    if missed is None:
        return Verdict(dossier, awaited=awaited)
    case_id = case_id_for(dossier.order_id, missed.case_type, missed.wait)
    opened = open_case(case_id, dossier.order_id, missed.case_type, at=at)
    # Who moves the order on from here is who must act.
    fresh = replace(opened, owner_role=missed.waits_for)
    act = raised(fresh, before, at=at, text=f"{kind.value} since {missed.since.isoformat()}")
    if act is None:
        return Verdict(dossier, awaited=awaited)
    row = Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(case_id, act.act),
        occurred_at=at,
        source="system",
        new=act.case.type,
        reason=f"{kind.value} overdue",
    )
    return Verdict(dossier, changes=(row,), acts=(act,), awaited=awaited)


def _weigh_one(verdict: Verdict, fact: Fact, *, at: datetime) -> Verdict:
    dossier = verdict.dossier
    if any(known.fact_id == fact.fact_id for known in dossier.facts):
        outcome = Outcome.CONFIRMED if dossier.order else Outcome.EARLY
        return replace(verdict, outcomes={fact.fact_id: outcome} | verdict.outcomes)
    if dossier.order is None and fact.kind is not FactKind.ORDER_CREATED:
        return replace(
            verdict,
            dossier=replace(dossier, facts=(*dossier.facts, fact)),
            outcomes={**verdict.outcomes, fact.fact_id: Outcome.EARLY},
            added=(*verdict.added, fact),
        )
    if dossier.order is None:
        return _place(verdict, fact, at=at)
    return _take(verdict, fact, at=at)


def _take(verdict: Verdict, fact: Fact, *, at: datetime) -> Verdict:
    """Join a fact, and then the facts that follow from it by the terms."""
    order = verdict.dossier.order
    assert order is not None, "facts are joined to an order that exists"  # noqa: S101
    verdict = _join(replace(verdict, added=(*verdict.added, fact)), order, fact, at=at)
    for following in reinstatements(verdict.dossier.facts, verdict.terms):
        verdict = _take(verdict, following, at=at)
    return verdict


def _place(verdict: Verdict, creation: Fact, *, at: datetime) -> Verdict:
    parked = sorted(verdict.dossier.facts, key=lambda each: each.when)
    truth = derive((creation,))
    assert truth is not None, "a creation proves that the order exists"  # noqa: S101
    order = orders.placed(verdict.dossier.order_id, truth, at=at)
    verdict = replace(verdict, dossier=replace(verdict.dossier, order=order, facts=()))
    verdict = _take(verdict, creation, at=at)
    for fact in parked:
        taken = _take(verdict, fact, at=at)
        # It is stored already and only finds its order now; what follows from it is new.
        following = taken.added[len(verdict.added) + 1 :]
        verdict = replace(taken, added=(*verdict.added, *following))
    return verdict


def _join(verdict: Verdict, order: Order, fact: Fact, *, at: datetime) -> Verdict:
    before = verdict.dossier
    facts = (*before.facts, fact)
    old, new = before.truth or derive(before.facts), derive(facts)
    assert new is not None, "the creation is in the set"  # noqa: S101
    was = discrepancies(before.facts) if before.found is None else before.found
    found = discrepancies(facts)
    limits = verdict.terms.limits
    timed = changed(measures(old, limits) if old else {}, measures(new, limits))
    changes = list(difference(old, new, fact))
    acts = []
    for each in found:
        if each in was:
            continue
        changes.append(_disagreement(each, fact))
        if each.kind not in {one.kind for one in was}:
            acts.append(_open(order.order_id, each.kind.value, fact, at=at))
            changes.append(_case_row(acts[-1], fact))
    after = order.reflecting(new, found, at=at)
    if not changes and (timed or replace(after, updated_at=order.updated_at) != order):
        # Without a row of its own it would be known to the facts and to nobody else.
        changes.append(_note(fact, "remeasured" if timed else "corrected"))
    if timed:
        changes[0] = changes[0].with_measures(timed)
    outcome = _outcome(fact, was, found, changes)
    return replace(
        verdict,
        dossier=replace(
            verdict.dossier,
            order=after,
            facts=facts,
            truth=new,
            found=found,
            cases=(*verdict.dossier.cases, *(act.case for act in acts)),
        ),
        outcomes={**verdict.outcomes, fact.fact_id: outcome},
        changes=(*verdict.changes, *(each.brought_by(fact.fact_id) for each in changes)),
        acts=(*verdict.acts, *acts),
    )


def _outcome(
    fact: Fact,
    was: Sequence[Discrepancy],
    found: Sequence[Discrepancy],
    changes: Sequence[Change],
) -> Outcome:
    if any(each not in was and fact.fact_id in each.evidence for each in found):
        return Outcome.CONTRADICTING
    return Outcome.APPLIED if changes else Outcome.CONFIRMED


def _disagreement(found: Discrepancy, fact: Fact) -> Change:
    return Change(
        kind=ChangeKind.DISCREPANCY_CHANGED,
        detail=Named(found.kind.value),
        occurred_at=fact.occurred_at,
        source=fact.source,
        new=found.kind.value,
        voucher=fact.voucher,
        reason=f"evidence: {len(found.evidence)} facts",
    )


def _open(order_id: str, case_type: str, fact: Fact, *, at: datetime) -> CaseAct:
    case = open_case(case_id_for(order_id, case_type), order_id, case_type, at=at)
    return CaseAct(case, "OPENED", "system", at, case_type, fact.fact_id)


def _case_row(act: CaseAct, fact: Fact) -> Change:
    return Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(act.case.case_id, act.act),
        occurred_at=act.at,
        source="system",
        new=act.case.type,
        voucher=fact.voucher,
    )


def _note(fact: Fact, note: str) -> Change:
    return Change(
        kind=ChangeKind.NOTED,
        detail=Named(note),
        occurred_at=fact.occurred_at,
        source=fact.source,
        new=note,
        voucher=fact.voucher,
    )


def _close(verdict: Verdict, truth: Truth, *, at: datetime) -> Verdict:
    dossier = verdict.dossier
    found = discrepancies(dossier.facts) if dossier.found is None else dossier.found
    standing = Standing(dossier.order_id, truth, found, verdict.awaited, verdict.inquiries)
    acts = closing_acts(dossier.cases, standing, at=at)
    if not acts:
        return verdict
    after = {act.case.case_id: act.case for act in acts}
    return replace(
        verdict,
        dossier=replace(
            dossier, cases=tuple(after.get(each.case_id, each) for each in dossier.cases)
        ),
        changes=(*verdict.changes, *(act_row(act) for act in acts)),
        acts=(*verdict.acts, *acts),
    )
