"""WeChat Pay's own examples become the facts that its tables say.

Money is 分, `amount.total` (of a refund `amount.refund`) counts, times are RFC 3339 in Beijing.
"""

import json
from collections.abc import Callable

import pytest

from streams.logic.normalising import (
    Circumstance,
    Fact,
    FactKind,
    Money,
    OrderRef,
    RejectionReason,
)
from tests.contract.samples.conformance import facts_of, reading_of, utc

Sample = Callable[[str], bytes]
BY_QUERY = (Circumstance.LEARNT_BY_QUERY,)

EXPECTED = {
    ("v3_resource_transaction_success.json", "wechatpay.v3.transaction"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "1217752501201407033233368018"),
        source="wechatpay",
        occurred_at=utc("2018-06-08 02:34:56"),
        amount=Money(100, "CNY"),
        voucher="1217752501201407033233368018",
    ),
    ("v3_query_transaction_response.json", "wechatpay.v3.transaction.query"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "44_2126281063_5504"),
        source="wechatpay",
        occurred_at=utc("2021-03-22 02:29:05"),
        amount=Money(1, "CNY"),
        voucher="4200000891202103228088184743",
        circumstances=BY_QUERY,
    ),
    # The notice names no currency; refunds of this template are in yuan then.
    ("v3_resource_refund_success.json", "wechatpay.v3.refund"): Fact(
        fact_id="",
        kind=FactKind.REFUND_SUCCEEDED,
        ref=OrderRef("merchant", "20150806125346"),
        source="wechatpay",
        occurred_at=utc("2018-06-08 02:34:56"),
        amount=Money(999, "CNY"),
        voucher="7752501201407033233368018",
        payment="1008450740201411110005820873",
    ),
    ("v3_query_refund_response.json", "wechatpay.v3.refund.query"): Fact(
        fact_id="",
        kind=FactKind.REFUND_SUCCEEDED,
        ref=OrderRef("merchant", "sdk12345678920210326145039"),
        source="wechatpay",
        occurred_at=utc("2021-03-26 06:52:11"),
        amount=Money(1, "CNY"),
        voucher="sdk12345678920210326145039",
        payment="4200000991202103266853086457",
        circumstances=BY_QUERY,
    ),
    ("v2_notify_order_success.xml", "wechatpay.v2.transaction"): Fact(
        fact_id="",
        kind=FactKind.PAYMENT_SUCCEEDED,
        ref=OrderRef("merchant", "1409811653"),
        source="wechatpay",
        occurred_at=utc("2014-09-03 05:15:40"),
        amount=Money(1, "CNY"),
        voucher="1004400740201409030005092168",
    ),
    ("v2_refund_reqinfo_plain.xml", "wechatpay.v2.refund"): Fact(
        fact_id="",
        kind=FactKind.REFUND_SUCCEEDED,
        ref=OrderRef("merchant", "201707260201501501005710775"),
        source="wechatpay",
        occurred_at=utc("2017-07-25 18:45:49"),
        amount=Money(15, "CNY"),
        voucher="R4001312001201707262674894706_4",
        payment="4001312001201707262674894706",
    ),
}


@pytest.mark.parametrize(
    ("name", "template", "expected"),
    [(name, template, fact) for (name, template), fact in EXPECTED.items()],
    ids=[name for name, _ in EXPECTED],
)
def test_a_message_is_the_fact_of_its_state(
    sample: Sample, name: str, template: str, expected: Fact
) -> None:
    assert facts_of(template, sample(f"wechatpay/{name}")) == (expected,)


def test_the_answer_to_a_query_is_the_fact_that_a_notice_would_have_told(sample: Sample) -> None:
    for name, template in EXPECTED:
        body = sample(f"wechatpay/{name}")
        (noticed,) = reading_of(template.removesuffix(".query"), body).facts
        (asked,) = reading_of(template, body).facts
        assert noticed.fact_id == asked.fact_id


def test_a_sealed_envelope_is_refused_with_the_remedy(sample: Sample) -> None:
    bodies = [
        sample("wechatpay/v3_notify_envelope_example.json"),
        json.loads(sample("wechatpay/v3_notify_signed_vector_go.json"))["request"][
            "body_raw"
        ].encode(),
    ]
    for body in bodies:
        for template in ("wechatpay.v3.transaction", "wechatpay.v3.refund"):
            rejection = reading_of(template, body).rejection
            assert rejection is not None
            assert rejection.field == "resource.ciphertext"


def test_a_notice_that_is_no_payment_is_refused(sample: Sample) -> None:
    vector = json.loads(sample("wechatpay/v3_notify_signed_vector_go.json"))
    plaintext = vector["expected"]["plaintext"].encode()

    rejection = reading_of("wechatpay.v3.transaction", plaintext).rejection

    assert rejection is not None
    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_MISSING, "trade_state")


@pytest.mark.parametrize(
    "name",
    ["v2_notify_order_success.xml", "v2_refund_reqinfo_plain.xml", "v2_refundquery_response.xml"],
)
def test_the_xml_of_version_2_is_none_of_version_3(sample: Sample, name: str) -> None:
    rejection = reading_of("wechatpay.v3.transaction", sample(f"wechatpay/{name}")).rejection

    assert rejection is not None
    assert rejection.reason is RejectionReason.SYNTAX_INVALID


def test_a_list_of_refunds_is_no_refund_notice(sample: Sample) -> None:
    answer = sample("wechatpay/v2_refundquery_response.xml")

    rejection = reading_of("wechatpay.v2.refund", answer).rejection

    assert rejection is not None
    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_MISSING, "refund_status")


def test_the_payer_does_not_reach_a_fact(sample: Sample) -> None:
    for name, template in EXPECTED:
        told = repr(reading_of(template, sample(f"wechatpay/{name}")))
        for person in ("oUpF8uM", "o4GgauJP", "0403", "招商银行", "用户零钱"):
            assert person not in told
