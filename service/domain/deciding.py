"""Decides: facts are weighed against what is known, and out come the truth and every change.

1. Join the fact with those already known; a repeat changes nothing and is *confirmed*.
2. Derive the truth anew from the whole set, so that the order of arrival cannot matter.
3. Write the way from the old truth to the new as changes, one for each journal row.
4. Open a case for each contradiction that is found for the first time; end the cases whose
   expectation was met or whose contradiction is settled, and open a settled one again where
   the facts come to say otherwise. So the cases, too, are a function of the set of facts.

A fact whose order nobody has told of is *early*: it is kept, and weighed when the order comes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain import order as orders
from service.domain.cases import Case, CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.closing import Standing, act_row, closing_acts, raised
from service.domain.contradictions import Discrepancy, discrepancies
from service.domain.desk.catalogue import Catalogue
from service.domain.differences import difference
from service.domain.expectations import Expectation, ExpectationKind, expectations
from service.domain.fact_sets import FactSet
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


def weigh(
    dossier: Dossier, incoming: Iterable[Fact], *, at: datetime, terms: Terms = USUAL
) -> Verdict:
    """Weigh facts of one order, in the order given. Never refuses."""
    weighing = _Weighing(dossier, at, terms)
    for fact in incoming:
        weighing.hear(fact)
    return weighing.verdict()


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
    opened = open_case(
        case_id, dossier.order_id, missed.case_type, at=at, catalogue=terms.catalogue
    )
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


class _Weighing:
    """A decision while it is made: what is known by now, and what has come of it."""

    def __init__(self, dossier: Dossier, at: datetime, terms: Terms) -> None:
        self._at, self._terms = at, terms
        self._order_id, self._order = dossier.order_id, dossier.order
        self._facts, self._cases = list(dossier.facts), list(dossier.cases)
        # What the facts are worth, without those that wait for the order.
        self._told = FactSet(dossier.facts if dossier.order else ())
        self._truth, self._found = dossier.truth, dossier.found
        self._outcomes: dict[str, Outcome] = {}
        self._added: list[Fact] = []
        self._changes: list[Change] = []
        self._acts: list[CaseAct] = []

    def hear(self, fact: Fact) -> None:
        """Weigh one fact more."""
        if fact.fact_id in {each.fact_id for each in self._facts}:
            outcome = Outcome.CONFIRMED if self._order else Outcome.EARLY
            self._outcomes.setdefault(fact.fact_id, outcome)
        elif self._order is None and fact.kind is not FactKind.ORDER_CREATED:
            self._facts.append(fact)
            self._added.append(fact)
            self._outcomes[fact.fact_id] = Outcome.EARLY
        elif self._order is None:
            self._place(fact)
        else:
            self._take(fact)

    def verdict(self) -> Verdict:
        """Return what was decided, with what is awaited and asked from here on."""
        awaited: tuple[Expectation, ...] = ()
        asked: tuple[Inquiry, ...] = ()
        if self._order is not None:
            truth = self._truth or derive(self._told)
            assert truth is not None, "an order exists only after its creation was told"  # noqa: S101
            awaited = expectations(truth, at=self._at, limits=self._terms.limits)
            asked = inquiries(self._told, truth, self._terms)
            if self._cases:
                self._close(Standing(self._order_id, truth, self._disputes(), awaited, asked))
        return Verdict(
            Dossier(
                self._order_id,
                self._order,
                tuple(self._facts),
                tuple(self._cases),
                self._truth,
                self._found,
            ),
            self._outcomes,
            tuple(self._added),
            tuple(self._changes),
            tuple(self._acts),
            awaited,
            asked,
        )

    def _place(self, creation: Fact) -> None:
        """Begin with the creation; what waited for it is joined in order of events."""
        parked, self._facts = FactSet(self._facts), []
        self._take(creation)
        for fact in parked:
            # It is stored already and only finds its order now; what follows from it is new.
            self._join(fact)
            self._follow()

    def _take(self, fact: Fact) -> None:
        """Join a fact, and then the facts that follow from it by the terms."""
        self._added.append(fact)
        self._join(fact)
        self._follow()

    def _follow(self) -> None:
        # One by one: a cancel that comes late may be followed by several, each of them once.
        while following := reinstatements(self._told, self._terms):
            self._added.append(following[0])
            self._join(following[0])

    def _join(self, fact: Fact) -> None:
        before, old = self._told, self._truth or derive(self._told)
        told = before.joined(fact)
        new, found = derive(told), discrepancies(told)
        assert new is not None, "the creation is in the set"  # noqa: S101
        # What nothing contradicts now, nothing contradicted before: every predicate is monotone.
        was = self._disputes() if found else ()
        order = self._order or orders.placed(self._order_id, new, at=self._at)
        limits = self._terms.limits
        timed = changed(measures(old, limits) if old else {}, measures(new, limits))
        changes = list(difference(old, new, fact))
        for each in found:
            if each in was:
                continue
            changes.append(_disagreement(each, fact))
            if each.kind not in {one.kind for one in was}:
                act = _open(
                    order.order_id, each.kind.value, fact, self._terms.catalogue, at=self._at
                )
                self._acts.append(act)
                self._cases.append(act.case)
                changes.append(_case_row(act, fact))
        if not changes and (timed or order.reflecting(new, found, at=order.updated_at) != order):
            # Without a row of its own it would be known to the facts and to nobody else.
            changes.append(_note(fact, "remeasured" if timed else "corrected"))
        if timed:
            changes[0] = changes[0].with_measures(timed)
        self._outcomes[fact.fact_id] = _outcome(fact, was, found, changes)
        self._changes += changes
        self._facts.append(fact)
        self._order = order.reflecting(new, found, at=self._at)
        self._told, self._truth, self._found = told, new, found

    def _disputes(self) -> tuple[Discrepancy, ...]:
        if self._found is None:
            self._found = discrepancies(self._told)
        return self._found

    def _close(self, standing: Standing) -> None:
        acts = closing_acts(self._cases, standing, at=self._at)
        after = {act.case.case_id: act.case for act in acts}
        self._cases = [after.get(each.case_id, each) for each in self._cases]
        self._changes += [act_row(act) for act in acts]
        self._acts += acts


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
        fact_id=fact.fact_id,
    )


def _open(
    order_id: str, case_type: str, fact: Fact, catalogue: Catalogue, *, at: datetime
) -> CaseAct:
    case_id = case_id_for(order_id, case_type)
    case = open_case(case_id, order_id, case_type, at=at, catalogue=catalogue)
    return CaseAct(case, "OPENED", "system", at, case_type, fact.fact_id)


def _case_row(act: CaseAct, fact: Fact) -> Change:
    return Change(
        kind=ChangeKind.CASE_CHANGED,
        detail=Named(act.case.case_id, act.act),
        occurred_at=act.at,
        source="system",
        new=act.case.type,
        voucher=fact.voucher,
        fact_id=fact.fact_id,
    )


def _note(fact: Fact, note: str) -> Change:
    return Change(
        kind=ChangeKind.NOTED,
        detail=Named(note),
        occurred_at=fact.occurred_at,
        source=fact.source,
        new=note,
        voucher=fact.voucher,
        fact_id=fact.fact_id,
    )
