"""What changes of an order without moving it has a journal row of its own, and so is stored."""

from __future__ import annotations

from dataclasses import replace

from service.domain.deciding import Dossier, weigh
from service.domain.facts import Fact, FactKind, OrderLine, Outcome
from service.domain.terms import Remedy, Terms
from tests.builders import EVENING, a_dossier, a_fact, kinds


def a_dossier_of(*facts: Fact) -> Dossier:
    return weigh(a_dossier(), facts, at=EVENING).dossier


def test_an_earlier_proof_of_the_present_state_is_written_down() -> None:
    known = a_dossier_of(a_fact(occurred_at=EVENING), a_fact(FactKind.PAYMENT_STARTED, minute=5))
    earlier = a_fact(FactKind.PAYMENT_STARTED, minute=3)

    verdict = weigh(known, [earlier], at=EVENING)

    assert verdict.dossier.order is not None
    assert verdict.dossier.order.state_since == earlier.occurred_at
    assert [(each.kind.value, each.new) for each in verdict.changes] == [("NOTED", "corrected")]
    assert verdict.outcomes[earlier.fact_id] is Outcome.APPLIED


def test_a_second_creation_that_brings_the_lines_is_written_down() -> None:
    known = a_dossier_of(a_fact())
    lines = (OrderLine("sku-1", 2),)

    verdict = weigh(known, [a_fact(minute=1, source="erp", lines=lines)], at=EVENING)

    assert verdict.dossier.order is not None
    assert verdict.dossier.order.lines == lines
    assert kinds(verdict.changes) == ["NOTED"]


def test_what_brings_nothing_leaves_no_row() -> None:
    known = a_dossier_of(a_fact(), a_fact(FactKind.PAYMENT_STARTED, minute=3))
    again = replace(a_fact(FactKind.PAYMENT_STARTED, minute=4), source="wechatpay")

    verdict = weigh(known, [again], at=EVENING)

    assert verdict.changes == ()
    assert verdict.outcomes[again.fact_id] is Outcome.CONFIRMED


def test_a_cancel_that_comes_late_is_lifted_once_for_each_payment_after_it() -> None:
    terms = Terms(paid_after_cancel=Remedy.REINSTATE)
    told = (
        a_fact(),
        *(a_fact(FactKind.PAYMENT_SUCCEEDED, minute=at, voucher=f"pay-{at}") for at in (2, 3)),
    )
    known = weigh(a_dossier(), told, at=EVENING).dossier

    verdict = weigh(known, [a_fact(FactKind.ORDER_CANCELLED, minute=1)], at=EVENING, terms=terms)

    cancel, *lifted = verdict.added
    assert cancel.kind is FactKind.ORDER_CANCELLED
    assert [each.occurred_at.minute for each in lifted] == [2, 3]
    assert verdict.dossier.facts == (*known.facts, cancel, *lifted)
