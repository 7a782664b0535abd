"""Weighs facts of many orders in one transaction: finds the orders, decides, writes down.

1. Lock every reference in the batch, sorted, unknown ones too: who waits for a creation and
   who brings it meet at that lock, so that no fact is parked past its order.
2. Give a new order its id, and fetch the facts that were parked under its references.
3. Lock the orders, sorted; weigh each fact; park those whose order nobody has told of.
4. Store all decisions together, and tell the receipts of parked facts what became of them.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from service.application.ports import Encoder, Unit
from service.application.recording import Decided, record
from service.domain.cases import Case
from service.domain.deciding import Dossier, Verdict, weigh
from service.domain.facts import Fact, FactKind, OrderRef, Outcome
from service.domain.journal import Origin
from service.domain.naming import named
from service.domain.order import Order
from service.domain.terms import USUAL, Terms

ORDER_NAMESPACE: Final = uuid.UUID("8d0b7c1e-95a4-5b7e-a7a1-2c5f0e9d4b02")


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of facts: outcome and order of each by fact id, and the orders decided on."""

    outcomes: Mapping[str, Outcome]
    owners: Mapping[str, str]
    orders: Mapping[str, Order]


@dataclass
class _Desk:
    """The orders that one batch is about, while it is weighed."""

    owners: dict[OrderRef, str | None]
    origins: Mapping[str, Origin]
    terms: Terms
    dossiers: dict[str, Dossier] = field(default_factory=dict)
    decided: dict[str, list[tuple[Verdict, Origin]]] = field(default_factory=dict)
    parked: list[Fact] = field(default_factory=list)

    def owner(self, fact: Fact) -> str | None:
        for ref in fact.refs:
            if owner := self.owners.get(ref):
                return owner
        return None

    def origin(self, fact: Fact) -> Origin:
        told = self.origins.get(fact.fact_id)
        return told or Origin(fact.source, "source", fact.address, fact.traceparent)


def weigh_facts(
    unit: Unit,
    facts: Sequence[Fact],
    *,
    encoder: Encoder,
    at: datetime,
    origins: Mapping[str, Origin] | None = None,
    terms: Terms = USUAL,
) -> Weighed:
    """Weigh facts, and store what was decided."""
    if not facts:
        return Weighed({}, {}, {})
    refs = sorted({ref for fact in facts for ref in fact.refs})
    desk = _Desk(dict(unit.lock_refs(refs)), origins or {}, terms)
    unknown = [ref for ref in refs if desk.owners[ref] is None]
    parked = unit.parked(unknown) if unknown else {}
    fresh = _name_orders(desk, facts)
    known = sorted({owner for owner in desk.owners.values() if owner})
    desk.dossiers = unit.open_dossiers(known)
    _adopt_cases(desk, unit.orphan_cases(fresh) if fresh else {})
    waiting = {each.fact_id: each for ref in fresh for each in parked.get(ref, ())}
    still_parked = {each.fact_id for group in parked.values() for each in group} - set(waiting)
    outcomes: dict[str, Outcome] = {}
    for fact in (*waiting.values(), *facts):
        outcomes |= _weigh_one(desk, fact, still_parked, at=at)
    unit.park(desk.parked, at=at)
    if fresh:
        unit.own_refs({ref: owner for ref in fresh if (owner := desk.owners[ref])})
    decided = [_sum_up(desk, order_id) for order_id in sorted(desk.decided)]
    orders = record(unit, decided, encoder=encoder, at=at)
    unit.refresh_receipts(sorted({each.receipt_id for each in waiting.values()}))
    return Weighed(
        outcomes,
        {fact.fact_id: owner for fact in facts if (owner := desk.owner(fact))},
        {each.order_id: each for each in orders},
    )


def order_id_for(ref: OrderRef) -> str:
    """Return the id of the order that this reference first named."""
    return f"ord-{named(ORDER_NAMESPACE, f'{ref.namespace}|{ref.value}')}"


def _name_orders(desk: _Desk, facts: Sequence[Fact]) -> list[OrderRef]:
    fresh: list[OrderRef] = []
    for fact in facts:
        if fact.kind is not FactKind.ORDER_CREATED:
            continue
        owner = desk.owner(fact) or order_id_for(fact.ref)
        for ref in fact.refs:
            if desk.owners.get(ref) is None:
                desk.owners[ref] = owner
                fresh.append(ref)
    return fresh


def _adopt_cases(desk: _Desk, orphaned: Mapping[OrderRef, Case]) -> None:
    """Give cases of money without an order to the order that came for it."""
    for ref, case in orphaned.items():
        owner = desk.owners[ref]
        if owner is not None:
            dossier, own = desk.dossiers[owner], replace(case, order_id=owner)
            desk.dossiers[owner] = replace(dossier, cases=(*dossier.cases, own))


def _weigh_one(
    desk: _Desk, fact: Fact, still_parked: set[str], *, at: datetime
) -> dict[str, Outcome]:
    owner = desk.owner(fact)
    if owner is None:
        if fact.fact_id not in still_parked:
            still_parked.add(fact.fact_id)
            desk.parked.append(fact)
        return {fact.fact_id: Outcome.EARLY}
    verdict = weigh(desk.dossiers[owner], [fact], at=at, terms=desk.terms)
    desk.dossiers[owner] = verdict.dossier
    desk.decided.setdefault(owner, []).append((verdict, desk.origin(fact)))
    return verdict.outcomes


def _sum_up(desk: _Desk, order_id: str) -> Decided:
    dossier, verdicts = desk.dossiers[order_id], desk.decided[order_id]
    assert dossier.order is not None, "only an order that exists is decided on"  # noqa: S101
    outcomes = {key: each for verdict, _ in verdicts for key, each in verdict.outcomes.items()}
    # A parked fact's changes belong to its own trace, not to that of the order's creation.
    brought = {
        *(change.fact_id for verdict, _ in verdicts for change in verdict.changes),
        *(act.fact_id for verdict, _ in verdicts for act in verdict.acts),
    }
    told = {fact.fact_id: desk.origin(fact) for fact in dossier.facts if fact.fact_id in brought}
    return Decided(
        order=dossier.order,
        changes=tuple(
            [
                (change, told.get(change.fact_id, origin))
                for verdict, origin in verdicts
                for change in verdict.changes
            ]
        ),
        acts=tuple(
            [
                (act, told.get(act.fact_id, origin))
                for verdict, origin in verdicts
                for act in verdict.acts
            ]
        ),
        added=tuple(
            [(fact, outcomes[fact.fact_id]) for verdict, _ in verdicts for fact in verdict.added]
        ),
        outcomes=tuple(outcomes.items()),
        awaited=verdicts[-1][0].awaited,
        inquiries=verdicts[-1][0].inquiries,
        schedules=desk.terms.schedules,
    )
