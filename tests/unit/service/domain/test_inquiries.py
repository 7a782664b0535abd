"""What must be asked of providers follows from the facts, and only the provider's word ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.domain.expectations import ARRIVAL_GRACE
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.inquiries import InquiryKind
from service.domain.money import Money
from service.domain.terms import Remedy, Route, Terms
from tests.builders import NOON, TOTAL, a_fact
from tests.unit.service.domain.asking import (
    TRADE,
    asked,
    by,
    created,
    keys,
    paid,
    refund_ordered,
    started,
)

PAYMENT = f"payment|alipay|{TRADE.value}"
CANCELLED = a_fact(FactKind.ORDER_CANCELLED, minute=3)
QUERIED = frozenset({Circumstance.LEARNT_BY_QUERY})


# Payments.


def test_a_payment_that_began_is_asked_for() -> None:
    (inquiry,) = asked([created(), started()])

    assert (inquiry.key, inquiry.kind) == (PAYMENT, InquiryKind.PAYMENT)
    assert (inquiry.provider, inquiry.account) == ("alipay", "alipay-main")
    assert (inquiry.trade, inquiry.amount) == (TRADE.value, TOTAL)
    assert inquiry.since == NOON + timedelta(minutes=1)


def test_the_provider_itself_may_tell_that_it_began() -> None:
    assert keys([created(), by("wechatpay", FactKind.PAYMENT_STARTED)]) == [
        f"payment|wechatpay|{TRADE.value}"
    ]


def test_nobody_is_asked_who_cannot_answer() -> None:
    assert keys([created(), started(1, "adyen")]) == []
    assert keys([created(), started(1, "")]) == []
    assert keys([created(more_refs=()), started()]) == []


def test_each_number_of_the_order_is_a_trade_of_its_own() -> None:
    second = OrderRef("merchant", "M2")
    both = created(more_refs=(TRADE, second))

    assert keys([both, started()]) == ["payment|alipay|M2", PAYMENT]
    assert keys([both, started(ref=second)]) == ["payment|alipay|M2"]
    assert keys([both, started(), paid(ref=second)]) == [PAYMENT]


@pytest.mark.parametrize(
    "outcome",
    [
        paid(),
        by("alipay", FactKind.PAYMENT_CLOSED),
        # Where no number of ours is told, the provider's name is enough.
        paid(ref=OrderRef("douyin", "4705288465508532862")),
        # Somebody else's word, with the number of the payment.
        paid(source="operator", provider="alipay"),
    ],
    ids=["paid", "closed", "paid-by-another-name", "confirmed-by-hand"],
)
def test_the_trades_own_outcome_ends_it(outcome: Fact) -> None:
    assert keys([created(), started(), outcome]) == []


@pytest.mark.parametrize(
    "other",
    [
        CANCELLED,
        by("alipay", FactKind.PAYMENT_FAILED),
        paid(2, "wechatpay"),
        paid(ref=OrderRef("merchant", "M2")),
        a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="mini", voucher=""),
        a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="mini", provider="alipay", voucher=""),
        by("alipay", FactKind.PAYMENT_CLOSED, source="mini", provider="alipay"),
    ],
    ids=[
        "cancelled",
        "failed",
        "paid-with-another",
        "paid-by-another-trade",
        "a-channels-word",
        "a-shops-word",
        "a-shops-word-that-it-is-closed",
    ],
)
def test_nothing_else_ends_it(other: Fact) -> None:
    assert PAYMENT in keys([created(), started(), other])


def test_another_attempt_counts_from_its_own_time() -> None:
    facts = [created(), started(1), started(50)]
    answer = by("alipay", FactKind.PAYMENT_STARTED, minute=70, circumstances=QUERIED)

    (inquiry,) = asked([*facts, answer])

    assert inquiry.since == NOON + timedelta(minutes=50)


def test_two_payment_intents_of_one_trade_are_asked_for_apart() -> None:
    facts = [
        created(),
        started(1, "stripe", voucher="pi_1"),
        started(2, "stripe", voucher="pi_2"),
    ]
    closed = by("stripe", FactKind.PAYMENT_CLOSED, voucher="pi_1")

    assert [each.handle for each in asked(facts)] == ["pi_1", "pi_2"]
    assert [each.handle for each in asked([*facts, closed])] == ["pi_2"]
    assert asked([*facts, closed, paid(3, "stripe", voucher="pi_2")]) == ()


def test_what_the_provider_needs_beside_the_number_is_kept() -> None:
    (inquiry,) = asked([created(), started(1, "unionpay", voucher="20261122200100")])

    assert inquiry.handle == "20261122200100"


def test_where_nobody_named_a_provider_the_channels_routes_are_asked() -> None:
    routes = {"mini": (Route("wechatpay", "wx-main"), Route("alipay"), Route("adyen"))}
    terms = Terms(routes=routes)

    wanted = [f"payment|{each}|{TRADE.value}" for each in ("alipay", "wechatpay")]
    assert keys([created()], terms) == wanted
    assert [each.account for each in asked([created()], terms)] == ["", "wx-main"]
    assert keys([created(), started()], terms) == [PAYMENT]
    assert keys([created(), paid()], terms) == []
    assert keys([created(channel="jd", source="jd")], terms) == []


def test_the_end_of_one_routes_trade_tells_nothing_of_the_other() -> None:
    terms = Terms(routes={"mini": (Route("wechatpay"), Route("alipay"))})
    closed = by("wechatpay", FactKind.PAYMENT_CLOSED, circumstances=QUERIED)
    waiting = by("alipay", FactKind.PAYMENT_STARTED, circumstances=QUERIED)

    assert keys([created(), closed], terms) == [PAYMENT]
    assert len(keys([created(), waiting], terms)) == 2


# What is asked at once.


def test_shipped_and_unpaid_is_asked_at_once() -> None:
    shipped = a_fact(FactKind.PARCEL_SHIPPED, minute=3)

    assert [each.urgent for each in asked([created(), started()])] == [False]
    assert [each.urgent for each in asked([created(), started(), shipped])] == [True]


def test_closed_there_and_paid_here_is_asked_once_more_at_once() -> None:
    closed = by("alipay", FactKind.PAYMENT_CLOSED, minute=3)
    word = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=4, source="mini", voucher="")
    again = by("alipay", FactKind.PAYMENT_CLOSED, minute=5, circumstances=QUERIED)

    assert asked([created(), started(), closed]) == ()
    assert [each.urgent for each in asked([created(), started(), closed, word])] == [True]
    assert asked([created(), started(), closed, word, again]) == ()
    assert asked([created(), started(), closed, word, paid(6, "wechatpay")]) == ()


# Captures.


def test_money_that_is_reserved_is_asked_for_until_it_is_captured() -> None:
    reserved = by("stripe", FactKind.PAYMENT_AUTHORISED, amount=TOTAL, voucher="pi_1")
    facts = [created(), started(1, "stripe", voucher="pi_1"), reserved]

    (inquiry,) = asked(facts)

    assert (inquiry.kind, inquiry.payment) == (InquiryKind.CAPTURE, "pi_1")
    assert asked([*facts, paid(9, "stripe", voucher="pi_1")]) == ()
    assert asked([*facts, by("stripe", FactKind.PAYMENT_CLOSED, minute=9)]) == ()


# Refunds.

REFUND = "refund|alipay|R20261122"


def refund(kind: FactKind, minute: float = 6, **given: object) -> Fact:
    return by("alipay", kind, minute, **{"voucher": "R20261122", **given})


def test_an_ordered_refund_is_submitted_and_then_asked_for() -> None:
    facts = [created(), paid(), refund_ordered()]

    (ordered,) = asked(facts)
    assert (ordered.key, ordered.submit) == (REFUND, True)
    assert (ordered.amount, ordered.total) == (Money(1_000, "CNY"), TOTAL)
    assert (ordered.payment, ordered.trade) == ("pay-alipay-2", TRADE.value)
    assert (ordered.account, ordered.since) == ("alipay-main", NOON + timedelta(minutes=5))

    (taken,) = asked([*facts, refund(FactKind.REFUND_REQUESTED)])
    assert (taken.key, taken.submit, taken.since) == (REFUND, False, ordered.since)


@pytest.mark.parametrize("kind", [FactKind.REFUND_SUCCEEDED, FactKind.REFUND_CLOSED])
def test_the_refunds_own_outcome_ends_it(kind: FactKind) -> None:
    assert asked([created(), paid(), refund_ordered(), refund(kind)]) == ()


def test_a_refund_that_failed_is_asked_for_seldom() -> None:
    facts = [created(), paid(), refund_ordered(), refund(FactKind.REFUND_FAILED)]

    (inquiry,) = asked(facts)

    assert (inquiry.slow, inquiry.submit) == (True, False)


def test_a_refund_by_hand_is_asked_of_nobody() -> None:
    assert asked([created(), paid(), refund_ordered(provider="")]) == ()


def test_a_refund_that_the_provider_tells_of_is_followed() -> None:
    begun = refund(FactKind.REFUND_REQUESTED)

    (inquiry,) = asked([created(), paid(), begun])

    assert (inquiry.submit, inquiry.payment) == (False, "pay-alipay-2")


# Refunds that are made by themselves.

GIVES_BACK = Terms(paid_after_cancel=Remedy.REFUND, duplicate_charge=Remedy.REFUND)


def test_money_after_a_cancel_goes_back_where_the_terms_say_so() -> None:
    facts = [created(), started(), CANCELLED, paid(9)]

    (inquiry,) = asked(facts, GIVES_BACK)

    assert inquiry.submit
    assert inquiry.settles == ARRIVAL_GRACE
    assert (inquiry.payment, inquiry.amount, inquiry.total) == ("pay-alipay-9", TOTAL, TOTAL)
    assert inquiry.refund.isalnum()
    assert len(inquiry.refund) == 32
    assert asked(facts) == ()


def test_money_before_the_cancel_is_for_a_person_to_decide() -> None:
    assert asked([created(), started(), paid(), CANCELLED], GIVES_BACK) == ()


def test_nothing_goes_back_once_the_order_goes_on_after_all() -> None:
    facts = [created(), started(), CANCELLED, paid(9)]
    reinstated = a_fact(FactKind.ORDER_REINSTATED, minute=10)
    shipped = a_fact(FactKind.PARCEL_SHIPPED, minute=10)

    assert asked([*facts, reinstated], GIVES_BACK) == ()
    assert asked([*facts, shipped], GIVES_BACK) == ()


def test_what_came_beyond_the_total_goes_back() -> None:
    half = Money(TOTAL.minor // 2, "CNY")
    facts = [
        created(),
        paid(2, amount=half),
        paid(3, "wechatpay", amount=half),
        paid(4, "unionpay"),
        paid(5, "stripe"),
    ]

    found = asked(facts, GIVES_BACK)

    assert {each.payment for each in found} == {"pay-unionpay-4", "pay-stripe-5"}
    assert len({each.refund for each in found}) == 2


def test_two_tellings_of_one_payment_are_one_payment() -> None:
    told = paid(2), paid(3, voucher="pay-alipay-2", fact_id="again")

    assert asked([created(), *told], GIVES_BACK) == ()


def test_a_payment_on_the_word_of_a_shop_is_not_given_back() -> None:
    word = paid(5, source="mini", provider="alipay")

    assert asked([created(), paid(2), word], GIVES_BACK) == ()


@pytest.mark.parametrize("payment", ["pay-wechatpay-3", ""])
def test_a_refund_that_a_person_began_is_not_made_twice(payment: str) -> None:
    facts = [created(), paid(2), paid(3, "wechatpay")]
    by_hand = refund_ordered(provider="", payment=payment)

    assert len(asked(facts, GIVES_BACK)) == 1
    assert asked([*facts, by_hand], GIVES_BACK) == ()


def test_the_same_refund_is_followed_once_the_provider_took_it() -> None:
    facts = [created(), paid(2), paid(3, "wechatpay")]
    (before,) = asked(facts, GIVES_BACK)
    taken = by("wechatpay", FactKind.REFUND_REQUESTED, 9, voucher=before.refund, amount=TOTAL)
    done = by("wechatpay", FactKind.REFUND_SUCCEEDED, 10, voucher=before.refund, amount=TOTAL)

    (after,) = asked([*facts, taken], GIVES_BACK)

    assert (after.key, after.since) == (before.key, before.since)
    assert (after.submit, after.payment) == (False, before.payment)
    assert asked([*facts, taken, done], GIVES_BACK) == ()
    assert asked([*facts, done], GIVES_BACK) == ()
