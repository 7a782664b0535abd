"""What each source holds an order to be, and the sentence that a person reads."""

from datetime import timedelta

import pytest

from service.domain.claims import Claim, Standing, claims
from service.domain.contradictions import POLICY, DiscrepancyKind, discrepancies
from service.domain.expectations import ExpectationKind, expectations
from service.domain.facts import Fact, FactKind
from service.domain.lifecycle import State
from service.domain.sentences import AWAITED, ROLES_ZH, summary
from tests.builders import NOON, a_fact, a_truth, an_order

CREATED = a_fact()
PAID = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1, source="wechatpay")
SHIPPED = a_fact(FactKind.PARCEL_SHIPPED, minute=3)
CANCELLED = a_fact(FactKind.ORDER_CANCELLED, minute=2)


def told(*facts: Fact) -> dict[str, Claim]:
    found = claims(facts, a_truth(*facts), discrepancies(facts))
    return {each.source: each for each in found}


def test_each_source_makes_one_claim_of_the_furthest_state_it_told() -> None:
    found = told(CREATED, PAID, SHIPPED, a_fact(FactKind.PAYMENT_STARTED, minute=9))

    assert {source: claim.state for source, claim in found.items()} == {
        "douyin": State.PAYING,
        "wechatpay": State.PAID,
        "wms": State.SHIPPING,
    }


def test_a_source_that_told_of_the_present_state_agrees() -> None:
    assert told(CREATED, PAID)["wechatpay"].standing is Standing.AGREES


def test_a_source_that_told_of_an_earlier_state_is_behind() -> None:
    assert told(CREATED, PAID)["douyin"].standing is Standing.BEHIND


def test_a_source_whose_word_is_disputed_contradicts() -> None:
    found = told(CREATED, PAID, CANCELLED, SHIPPED)

    assert found["douyin"].standing is Standing.CONTRADICTS
    assert found["wms"].standing is Standing.AGREES


def test_a_source_that_only_noted_something_claims_nothing() -> None:
    assert "erp" not in told(CREATED, a_fact(FactKind.NOTED, source="erp"))


def sentences(*facts: Fact) -> tuple[str, str]:
    truth, found = a_truth(*facts), discrepancies(facts)
    order = an_order(state=truth.state, state_since=truth.since)
    return summary(order, claims(facts, truth, found), found, expectations(truth, at=NOON))


def test_the_sentence_tells_state_evidence_dispute_and_deadline_in_two_languages() -> None:
    english, chinese = sentences(CREATED, PAID, CANCELLED)

    assert english == (
        "CANCELLED since 2026-11-22 12:02:00 UTC; by the word of douyin; "
        "wechatpay told of earlier stages only; "
        "the refund of what was cancelled is awaited from finance until "
        "2026-11-22 14:02:00 UTC."
    )
    assert chinese == (
        "自 2026-11-22 12:02:00 UTC 起已取消;依据:douyin;wechatpay 只报告了更早的阶段;"
        "等待财务:已取消订单的退款,期限 2026-11-22 14:02:00 UTC。"
    )


def test_the_sentence_names_who_must_act_on_a_contradiction() -> None:
    english, chinese = sentences(CREATED, CANCELLED, SHIPPED)

    assert "SHIPPED_AFTER_CANCEL: warehouse must act" in english
    assert "取消之后仓库仍发货:请拦截包裹或恢复订单(责任:仓库)" in chinese


@pytest.mark.parametrize("kind", DiscrepancyKind)
def test_every_contradiction_has_an_owner_and_both_languages(kind: DiscrepancyKind) -> None:
    policy = POLICY[kind]

    assert policy.owner_role in ROLES_ZH
    assert policy.text_en.endswith(".")
    assert policy.text_zh.endswith("。")


def test_everything_that_can_be_awaited_has_words() -> None:
    assert set(AWAITED) == set(ExpectationKind)


def test_events_at_one_moment_are_told_in_the_same_order_everywhere() -> None:
    first = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1, fact_id="a")
    second = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1, fact_id="b", voucher="pay-2")

    assert told(CREATED, first, second) == told(CREATED, second, first)
    assert first.occurred_at - NOON == timedelta(minutes=1)
