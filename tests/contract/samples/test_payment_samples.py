"""What Alipay, UnionPay, Stripe, Adyen and Douyin really sent becomes the facts of their tables.

Alipay writes yuan and Beijing times, UnionPay 分 and Beijing times, Adyen minor units and times
with an offset, Douyin 分 and epoch seconds.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.logic.normalising import (
    Circumstance,
    Fact,
    FactKind,
    Money,
    OrderRef,
    RejectionReason,
)
from tests.contract.samples.conformance import RECEIVED, facts_of, reading_of, utc, vector

Sample = Callable[[str], bytes]
BY_QUERY = (Circumstance.LEARNT_BY_QUERY,)

EXPECTED = {
    ("alipay/notify_trade_success_signed_vector.json", "alipay.notice"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "1703147160"),
        source="alipay",
        occurred_at=utc("2023-12-21 08:26:43"),
        amount=Money(1, "CNY"),
        voucher="2023122122001499160501589436",
    ),
    ("alipay/query_trade_success_response.json", "alipay.trade.query"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "1703141270"),
        source="alipay",
        occurred_at=utc("2023-12-21 06:48:36"),
        amount=Money(1, "CNY"),
        voucher="2023122122001499160501586202",
        circumstances=BY_QUERY,
    ),
    # Names no refund number, and of money the sum of all refunds: it counts none.
    ("alipay/refund_response.json", "alipay.refund"): Fact(
        fact_id="",
        kind=FactKind.NOTED,
        ref=OrderRef("merchant", "1703141270"),
        source="alipay",
        occurred_at=RECEIVED,
        amount=Money(1, "CNY"),
        payment="2023122122001499160501586202",
        note="refund_accepted",
    ),
    ("unionpay/notify_pay_success_signed_vector.json", "unionpay.notice"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "yansongda20220908132206"),
        source="unionpay",
        occurred_at=utc("2022-09-08 05:22:06"),
        amount=Money(1, "CNY"),
        voucher="782209081322060674028",
    ),
    ("unionpay/query_response_signed_vector.json", "unionpay.query"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "pay20240105145046"),
        source="unionpay",
        occurred_at=utc("2024-01-05 06:50:46"),
        amount=Money(1, "CNY"),
        voucher="442401051450467846498",
        circumstances=BY_QUERY,
    ),
    ("douyin/miniapp_pay_callback_signed_vector.json", "douyin_pay.notice"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "202408041111312119"),
        source="douyin_pay",
        occurred_at=utc("2024-08-04 11:13:06"),
        amount=Money(1, "CNY"),
        voucher="7398108028895054107",
    ),
}


@pytest.mark.parametrize(
    ("name", "template", "expected"),
    [(name, template, fact) for (name, template), fact in EXPECTED.items()],
    ids=[template for _, template in EXPECTED],
)
def test_what_was_sent_is_the_fact_of_its_state(
    sample: Sample, name: str, template: str, expected: Fact
) -> None:
    body, content_type = vector(sample(name))

    assert facts_of(template, body, content_type) == (expected,)


def test_adyens_item_is_the_money_at_its_time(sample: Sample) -> None:
    recorded = json.loads(sample("adyen/notify_authorisation_signed_vector.json"))

    assert facts_of("adyen.notice", json.dumps(recorded["body"]).encode()) == (
        Fact(
            fact_id="",
            kind=FactKind.PAYMENT_SUCCEEDED,
            ref=OrderRef("merchant", "TestPayment-1407325143704"),
            source="adyen",
            occurred_at=utc("2019-05-06 15:15:34.121"),
            amount=Money(1130, "EUR"),
            voucher="7914073381342284",
        ),
    )


def test_stripes_intent_is_not_paid_and_names_no_order_until_we_give_it_one(
    sample: Sample,
) -> None:
    body = sample("stripe/payment_intent.json")
    rejection = reading_of("stripe.payment_intent.query", body).rejection
    ours = json.dumps({**json.loads(body), "metadata": {"order": "T-1"}}).encode()

    assert rejection is not None
    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_MISSING, "metadata.order")
    unpaid = Fact(
        fact_id="",
        kind=FactKind.NOTED,
        ref=OrderRef("merchant", "T-1"),
        source="stripe",
        occurred_at=RECEIVED,
        voucher="pi_1PgafyB7WZ01zgkWSjxsAJo3",
        note="not_paid",
        circumstances=BY_QUERY,
    )
    assert facts_of("stripe.payment_intent.query", ours) == (unpaid,)


def test_stripes_event_of_a_price_plan_means_nothing(sample: Sample) -> None:
    assert facts_of("stripe.event", sample("stripe/event.json")) == ()


def test_stripes_charge_without_refunds_tells_of_none(sample: Sample) -> None:
    charge = {**json.loads(sample("stripe/charge.json")), "metadata": {"order": "T-1"}}
    event = {"type": "charge.refunded", "created": 1_767_225_600, "data": {"object": charge}}

    (fact,) = facts_of("stripe.event", json.dumps(event).encode())

    assert (fact.kind, fact.amount, fact.note) == (
        FactKind.REFUND_REQUESTED,
        None,
        "amount_unknown",
    )


def test_a_notice_for_an_account_says_so_in_each_fact(sample: Sample) -> None:
    body, content_type = vector(sample("alipay/notify_trade_success_signed_vector.json"))

    (named,) = facts_of("alipay.notice", body, content_type, account="alipay-main")
    (bare,) = facts_of("alipay.notice", body, content_type)

    assert named == replace(bare, account="alipay-main")


@pytest.mark.parametrize(
    ("name", "template"),
    [each for each in EXPECTED if each[1] not in {"unionpay.notice", "alipay.notice"}],
)
def test_an_answer_is_no_form_and_a_form_is_no_answer(
    sample: Sample, name: str, template: str
) -> None:
    body, content_type = vector(sample(name))
    other = "alipay.notice" if template == "unionpay.query" else "unionpay.query"

    reading = reading_of(other, body, content_type)

    assert reading.facts == ()
    assert reading.rejection is not None


def test_the_buyer_does_not_reach_a_fact(sample: Sample) -> None:
    for name, template in EXPECTED:
        body, content_type = vector(sample(name))
        told = repr(reading_of(template, body, content_type))
        for person in ("ifv***", "2088722003899169", "yansongda+", "ORRSXWY", "737442424951"):
            assert person not in told
