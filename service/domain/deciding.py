"""Decides: facts are weighed against what is known, and out come the truth and every change.

1. Join the fact with those already known; a repeat changes nothing and is *confirmed*.
2. Derive the truth anew from the whole set, so that the order of arrival cannot matter.
3. Write the way from the old truth to the new as changes, one for each journal row.
4. Open a case for each contradiction that is found for the first time, and end the cases
   whose expectation has been met.

A fact whose order nobody has told of is *early*: it is kept, and weighed when the order comes.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from service.domain import order as orders
from service.domain.cases import Case, CaseAct, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.contradictions import Discrepancy, discrepancies
from service.domain.differences import difference
from service.domain.expectations import (
    RULES,
    Expectation,
    ExpectationKind,
    expectations,
)
from service.domain.facts import Fact, FactKind, Outcome
from service.domain.inquiries import Inquiry, inquiries
from service.domain.order import Order
from service.domain.stages import changed, measures
from service.domain.terms import USUAL, Terms
from service.domain.truth import Truth, derive

CASE_NAMESPACE: Final = uuid.UUID("5a0e3c0e-6c1d-5d0a-9f0e-0d3b5c7a9e11")


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of one order before a decision; `order` is None while it is unknown.

    `truth` and `found` follow from the facts; they are kept where they were derived already.
    """

    order_id: str
    order: Order | None = None
    facts: tuple[Fact, ...] = ()
    open_cases: tuple[Case, ...] = ()
    truth: Truth | None = field(default=None, compare=False)
    found: tuple[Discrepancy, ...] | None = field(default=None, compare=False)


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
    return _end_met_cases(replace(verdict, awaited=awaited, inquiries=asked), at=at)


def case_id_for(order_id: str, case_type: str, wait: str = "") -> str:
    """Return the id of the one case of a type (and of a wait) on an order."""
    return f"case-{uuid.uuid5(CASE_NAMESPACE, f'{order_id}|{case_type}|{wait}')}"


def expire(
    dossier: Dossier,
    kind: ExpectationKind,
    wait: str,
    *,
    at: datetime,
    terms: Terms = USUAL,
) -> Verdict:
    """Open the case of a wait whose deadline passed; nothing when it was met meanwhile."""
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
    case = replace(opened, owner_role=missed.waits_for)
    act = CaseAct(case, "OPENED", "system", at, f"{kind.value} since {missed.since.isoformat()}")
    row = Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(case_id, act.act),
        occurred_at=at,
        source="system",
        new=case.type,
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
    return _join(replace(verdict, added=(*verdict.added, fact)), dossier.order, fact, at=at)


def _place(verdict: Verdict, creation: Fact, *, at: datetime) -> Verdict:
    parked = sorted(verdict.dossier.facts, key=lambda each: each.when)
    truth = derive((creation,))
    assert truth is not None, "a creation proves that the order exists"  # noqa: S101
    order = orders.placed(verdict.dossier.order_id, truth, at=at)
    verdict = replace(
        verdict,
        dossier=replace(verdict.dossier, facts=()),
        added=(*verdict.added, creation),
    )
    verdict = _join(verdict, order, creation, at=at)
    for fact in parked:
        assert verdict.dossier.order is not None, "it was placed above"  # noqa: S101
        verdict = _join(verdict, verdict.dossier.order, fact, at=at)
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
    if timed and not changes:
        changes.append(_note(fact, "remeasured"))
    if timed:
        changes[0] = changes[0].with_measures(timed)
    outcome = _outcome(fact, was, found, changes)
    return replace(
        verdict,
        dossier=replace(
            verdict.dossier,
            order=order.reflecting(new, found, at=at),
            facts=facts,
            truth=new,
            found=found,
            open_cases=(*verdict.dossier.open_cases, *(act.case for act in acts)),
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


def _end_met_cases(verdict: Verdict, *, at: datetime) -> Verdict:
    order_id = verdict.dossier.order_id
    standing = {case_id_for(order_id, each.case_type, each.wait) for each in verdict.awaited}
    met = [
        case
        for case in verdict.dossier.open_cases
        if case.type in _OPENED_BY_WAITING and case.case_id not in standing
    ]
    if not met:
        return verdict
    acts = tuple(
        CaseAct(case.resolve("EVIDENCE_CAME", at=at), "RESOLVED", "system", at, "") for case in met
    )
    rows = tuple(
        Change(
            kind=ChangeKind.CASE_CHANGED,
            detail=Named(act.case.case_id, act.act),
            occurred_at=at,
            source="system",
            old=act.case.type,
            new="RESOLVED",
            reason="EVIDENCE_CAME",
        )
        for act in acts
    )
    rest = tuple(case for case in verdict.dossier.open_cases if case not in met)
    return replace(
        verdict,
        dossier=replace(verdict.dossier, open_cases=rest),
        changes=verdict.changes + rows,
        acts=verdict.acts + acts,
    )


# Cases that a deadline opened; the fact that was waited for ends them.
_OPENED_BY_WAITING: Final = frozenset(rule.case_type for rule in RULES.values())
