"""Facts arriving in every order, and what is left when all have arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from service.domain.cases import CaseState
from service.domain.changes import Change, Moved
from service.domain.contradictions import Discrepancy
from service.domain.deciding import Dossier, weigh
from service.domain.facts import Fact, Outcome
from service.domain.lifecycle import CORRECTIONS, LIFECYCLE, State
from service.domain.money import Money
from service.domain.order import Order
from service.domain.stages import Measure, Stage
from service.domain.terms import USUAL, Terms
from tests.builders import EVENING, a_dossier


@dataclass(frozen=True, slots=True)
class Left:
    """Everything about an order that must not depend on the order of arrival."""

    state: State
    since: object
    refund_state: object
    money: tuple[Money, Money, Money]
    placed: tuple[object, ...]
    discrepancies: tuple[Discrepancy, ...]
    cases: frozenset[tuple[str, str, CaseState, str]]
    measures: frozenset[tuple[Stage, Measure]]


@dataclass(slots=True)
class Arrival:
    """An order while its facts arrive one by one, each in a decision of its own."""

    dossier: Dossier = field(default_factory=a_dossier)
    terms: Terms = USUAL
    changes: list[Change] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def arrive(self, facts: Iterable[Fact]) -> Arrival:
        """Weigh facts one after another, a second apart."""
        for fact in facts:
            at = EVENING + timedelta(seconds=len(self.outcomes))
            verdict = weigh(self.dossier, [fact], at=at, terms=self.terms)
            self.dossier = verdict.dossier
            self.changes += verdict.changes
            self.opened += [
                (act.case.case_id, act.case.type) for act in verdict.acts if act.act == "OPENED"
            ]
            self.outcomes.append(verdict.outcomes[fact.fact_id])
        return self

    @property
    def order(self) -> Order:
        """The order, which must have been created."""
        assert self.dossier.order is not None, "nobody told of a creation"
        return self.dossier.order

    def left(self) -> Left:
        """Return what is left, the measures summed up from the changes as consumers do."""
        order = self.order
        assert len(self.opened) == len(set(self.opened)), "a case was opened twice"
        return Left(
            state=order.state,
            since=order.state_since,
            refund_state=order.refund_state,
            money=(order.total, order.paid, order.refunded),
            placed=(
                order.channel,
                order.customer,
                order.refs,
                order.lines,
                order.list_total,
                order.placed_at,
                order.outbound_approved,
                order.discrepancies,
            ),
            discrepancies=self.dossier.found or (),
            cases=frozenset(
                (case.case_id, case.type, case.state, case.outcome) for case in self.dossier.cases
            ),
            measures=frozenset(summed(self.changes).items()),
        )


def summed(changes: Iterable[Change]) -> dict[Stage, Measure]:
    """Add up measures: each change subtracts what stood, and adds what stands."""
    standing: dict[Stage, Measure] = {}
    for change in changes:
        for each in change.measures:
            assert standing.get(each.stage) == each.old, "it subtracts what never was added"
            if each.new is None:
                del standing[each.stage]
            else:
                standing[each.stage] = each.new
    return standing


def assert_walks_the_table(changes: Sequence[Change]) -> State:
    """Follow the moves through the declared table; return where they end."""
    at = State.PENDING_PAYMENT
    for change in changes:
        if isinstance(change.detail, Moved):
            moved = change.detail
            assert moved.begin is at
            assert {**LIFECYCLE[at], **CORRECTIONS.get(at, {})}[moved.action] is moved.end
            assert (change.old, change.new) == (moved.begin.value, moved.end.value)
            at = moved.end
    return at
