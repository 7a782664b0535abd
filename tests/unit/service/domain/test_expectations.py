"""What the facts lack: from whom, until when, and which case opens when it does not come."""

from datetime import timedelta

import pytest

from service import catalogue
from service.domain.cases import case_id_for
from service.domain.deciding import Verdict, expire, weigh
from service.domain.expectations import (
    ARRIVAL_GRACE,
    RULES,
    STAGE_LIMITS,
    Expectation,
    ExpectationKind,
    expectations,
)
from service.domain.facts import Fact, FactKind
from service.domain.lifecycle import FINAL, State
from service.domain.money import Money
from tests.builders import EVENING, NOON, TOTAL, a_dossier, a_fact, a_truth, facts_to, kinds

CREATED, PAID = a_fact(), a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1)
SHIPPED = a_fact(FactKind.PARCEL_SHIPPED, minute=2)
CANCELLED = a_fact(FactKind.ORDER_CANCELLED, minute=2)
REQUESTED = a_fact(FactKind.REFUND_REQUESTED, minute=3)
REFUNDED = a_fact(FactKind.REFUND_SUCCEEDED, minute=4)

CATALOGUE = catalogue.load()


def awaited(*facts: Fact) -> dict[ExpectationKind, Expectation]:
    return {each.kind: each for each in expectations(a_truth(*facts), at=NOON)}


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        ((CREATED,), {"NEXT_STAGE"}),
        ((CREATED, PAID, SHIPPED), {"NEXT_STAGE"}),
        ((CREATED, SHIPPED), {"NEXT_STAGE", "PAYMENT_FOR_SHIPPED"}),
        ((CREATED, PAID, CANCELLED), {"REFUND_FOR_CANCELLED"}),
        ((CREATED, CANCELLED), set()),
        ((CREATED, PAID, CANCELLED, REFUNDED), set()),
        ((CREATED, REFUNDED), {"NEXT_STAGE", "PAYMENT_FOR_REFUND"}),
        ((CREATED, PAID, REQUESTED), {"NEXT_STAGE", "REFUND_RESULT"}),
        ((CREATED, PAID, REQUESTED, REFUNDED), {"NEXT_STAGE"}),
    ],
    ids=lambda each: " ".join(sorted(map(str, each))) if isinstance(each, set) else "",
)
def test_what_is_awaited_follows_from_what_is_known(
    facts: tuple[Fact, ...], kinds: set[str]
) -> None:
    assert {each.value for each in awaited(*facts)} == kinds


@pytest.mark.parametrize("state", sorted(set(State) - FINAL, key=lambda each: each.value))
def test_the_next_stage_is_due_when_the_limit_of_the_state_is_over(state: State) -> None:
    facts = facts_to(state)

    found = awaited(*facts)[ExpectationKind.NEXT_STAGE]

    assert found.since == facts[-1].occurred_at
    assert found.due_at == facts[-1].occurred_at + STAGE_LIMITS[state]
    assert found.wait == state.value


def test_news_from_long_ago_gets_the_grace_of_arrival() -> None:
    (found,) = expectations(a_truth(CREATED), at=EVENING)

    assert found.due_at == EVENING + ARRIVAL_GRACE


@pytest.mark.parametrize("kind", ExpectationKind)
def test_every_rule_opens_a_case_of_a_known_type(kind: ExpectationKind) -> None:
    assert RULES[kind].case_type in CATALOGUE.types


def overdue(*facts: Fact, kind: ExpectationKind, wait: str) -> Verdict:
    dossier = weigh(a_dossier(), facts, at=NOON).dossier
    return expire(dossier, kind, wait, at=EVENING)


def test_a_deadline_that_passed_opens_the_case_of_its_wait() -> None:
    verdict = overdue(CREATED, kind=ExpectationKind.NEXT_STAGE, wait="PENDING_PAYMENT")

    (act,) = verdict.acts
    assert act.case.type == "STAGE_OVERDUE"
    assert act.case.case_id == case_id_for("ord-1", "STAGE_OVERDUE", "PENDING_PAYMENT")
    assert kinds(verdict.changes) == ["CASE_CHANGED"]


@pytest.mark.parametrize("wait", ["PAYING", "PAID", ""])
def test_a_deadline_of_a_wait_that_is_over_opens_nothing(wait: str) -> None:
    verdict = overdue(CREATED, kind=ExpectationKind.NEXT_STAGE, wait=wait)

    assert not verdict.acts
    assert not verdict.changes


def test_a_deadline_of_an_order_that_nobody_knows_opens_nothing() -> None:
    verdict = expire(a_dossier(), ExpectationKind.NEXT_STAGE, "PAYING", at=EVENING)

    assert not verdict.acts


def test_what_was_awaited_ends_its_case_when_it_comes() -> None:
    kind = ExpectationKind.PAYMENT_FOR_SHIPPED
    opened = overdue(CREATED, SHIPPED, kind=kind, wait=kind.value).acts[0].case
    dossier = weigh(a_dossier(), [CREATED, SHIPPED], at=NOON).dossier
    dossier = type(dossier)("ord-1", dossier.order, dossier.facts, (opened,))

    verdict = weigh(dossier, [PAID], at=EVENING)

    (act,) = verdict.acts
    assert (act.act, act.case.outcome) == ("RESOLVED", "EVIDENCE_CAME")
    assert not verdict.dossier.open_cases
    assert kinds(verdict.changes)[-1] == "CASE_CHANGED"


def test_a_case_of_a_contradiction_is_settled_when_nothing_is_left_to_do() -> None:
    late = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=5)

    verdict = weigh(a_dossier(), [CREATED, CANCELLED, late], at=EVENING)
    assert [each.type for each in verdict.dossier.open_cases] == ["PAID_AFTER_CANCEL"]
    verdict = weigh(verdict.dossier, [REFUNDED], at=EVENING)

    (case,) = verdict.dossier.cases
    assert (case.type, case.outcome) == ("PAID_AFTER_CANCEL", "SETTLED")


def test_a_settled_case_opens_again_when_more_money_comes() -> None:
    late = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=5)
    later = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=9, voucher="pay-2")
    settled = weigh(a_dossier(), [CREATED, CANCELLED, late, REFUNDED], at=EVENING).dossier

    verdict = weigh(settled, [later], at=EVENING)

    assert {each.type for each in verdict.dossier.open_cases} == {"PAID_AFTER_CANCEL"}
    assert "REOPENED" in {act.act for act in verdict.acts}


def test_more_time_for_what_is_awaited_follows_the_limits_that_are_given() -> None:
    limits = {**STAGE_LIMITS, State.PENDING_PAYMENT: timedelta(days=3)}

    (found,) = expectations(a_truth(CREATED), at=NOON, limits=limits)

    assert found.due_at == NOON + timedelta(days=3)


def test_a_refund_of_less_than_was_paid_still_leaves_the_rest_owed_after_a_cancel() -> None:
    part = a_fact(FactKind.REFUND_SUCCEEDED, minute=4, amount=Money(TOTAL.minor - 1, "CNY"))

    assert ExpectationKind.REFUND_FOR_CANCELLED in awaited(CREATED, PAID, CANCELLED, part)
