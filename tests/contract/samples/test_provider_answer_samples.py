"""Recorded answers of providers, given to the connectors as they would come over the wire.

Those of Alipay and UnionPay are signed by the platforms' own sandboxes. Those of WeChat Pay and
Stripe are examples of their documentation; WeChat Pay's are signed here by a key of the tests'.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from clients.connectors.alipay import Alipay
from clients.connectors.inquiry import Finding, Kind, Question, Result
from clients.connectors.stripe import Stripe
from clients.connectors.unionpay import UnionPay
from clients.connectors.wechatpay import WechatPay
from clients.providers import keys
from clients.providers.parsing import fields_of_plain
from tests.unit.clients.connectors.answering import (
    Provider,
    a_question,
    a_refund_question,
    a_web,
    found,
    of_wechatpay,
    said,
)
from tests.unit.clients.providers.hashing_platforms import a_stripe_account
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import (
    a_unionpay_account,
    a_wechatpay_account,
    an_alipay_account,
)

Sample = Callable[[str], bytes]
TRADE = "1703141270"
# When the answer was recorded; the certificate in it has run out since.
THEN = datetime(2024, 1, 5, 7, 0, tzinfo=UTC)


def a_vector(sample: Sample, name: str) -> tuple[bytes, dict[str, Any]]:
    vector = json.loads(sample(name))
    return vector["http_body_raw"].encode(), vector


TRADE_QUERY = ("query_trade_success_response", a_question(trade=TRADE))
REFUND = ("refund_response", a_refund_question(trade=TRADE, submit=True))


async def asked_of_alipay(body: bytes, vector: dict[str, Any], question: Question) -> Finding:
    key = keys.platform_key(vector["alipay_public_key_pem"].encode())
    connector = Alipay(a_web(Provider([httpx2.Response(200, content=body)])), clock=lambda: NOW)
    return await found(connector, an_alipay_account(platform_keys=(key,)), question)


@pytest.mark.parametrize(
    ("named", "result", "template"),
    [
        (TRADE_QUERY, Result.ANSWERED, "alipay.trade.query"),
        (REFUND, Result.SUBMITTED, "alipay.refund"),
    ],
)
async def test_answers_of_alipays_sandbox_are_believed(
    sample: Sample, named: tuple[str, Question], result: Result, template: str
) -> None:
    body, vector = a_vector(sample, f"alipay/{named[0]}.json")

    finding = await asked_of_alipay(body, vector, named[1])

    assert finding.result is result
    assert finding.evidence is not None
    assert (finding.evidence.template, finding.evidence.body) == (template, body)


@pytest.mark.parametrize("named", [TRADE_QUERY, REFUND])
async def test_answers_of_alipays_sandbox_that_were_changed_are_not_believed(
    sample: Sample, named: tuple[str, Question]
) -> None:
    body, vector = a_vector(sample, f"alipay/{named[0]}.json")
    other = body.replace(b'"0.01"', b'"9.01"')
    assert other != body

    finding = await asked_of_alipay(other, vector, named[1])

    assert said(finding) == (Result.UNREACHABLE, "SIGNATURE")


@pytest.mark.parametrize(
    ("at", "expected"),
    [(THEN, (Result.ANSWERED, "00")), (NOW, (Result.UNREACHABLE, "SIGNATURE"))],
)
async def test_an_answer_of_unionpays_test_environment_is_believed_at_its_time(
    sample: Sample, at: datetime, expected: tuple[Result, str]
) -> None:
    body, _ = a_vector(sample, "unionpay/query_response_signed_vector.json")
    brought = keys.certificate(fields_of_plain(body)["signPubKeyCert"])
    account = a_unionpay_account(merchant="777290058167151", root_certificates=(brought,))
    provider = Provider([httpx2.Response(200, content=body)])
    connector = UnionPay(a_web(provider), clock=lambda: at)
    question = a_question(trade="pay20240105145046", handle="20240105145046")

    finding = await found(connector, account, question)

    assert said(finding) == expected
    if finding.evidence is not None:
        assert finding.evidence.body == body


async def test_an_answer_of_unionpay_that_was_changed_is_not_believed(sample: Sample) -> None:
    body, _ = a_vector(sample, "unionpay/query_response_signed_vector.json")
    brought = keys.certificate(fields_of_plain(body)["signPubKeyCert"])
    account = a_unionpay_account(merchant="777290058167151", root_certificates=(brought,))
    other = body.replace(b"&txnAmt=1&", b"&txnAmt=9&")
    assert other != body
    connector = UnionPay(a_web(Provider([httpx2.Response(200, content=other)])), clock=lambda: THEN)

    finding = await found(
        connector, account, a_question(trade="pay20240105145046", handle="20240105145046")
    )

    assert said(finding) == (Result.UNREACHABLE, "SIGNATURE")


@pytest.mark.parametrize(
    ("name", "kind", "template"),
    [
        ("v3_query_transaction_response", Kind.PAYMENT, "wechatpay.v3.transaction.query"),
        ("v3_query_refund_response", Kind.REFUND, "wechatpay.v3.refund.query"),
    ],
)
async def test_wechat_pays_documented_answers_are_evidence(
    sample: Sample, name: str, kind: Kind, template: str
) -> None:
    body = sample(f"wechatpay/{name}.json")
    told = json.loads(body)
    account = a_wechatpay_account(merchant=told.get("mchid", "1900000109"))
    question = a_question(
        kind=kind, trade=told["out_trade_no"], refund=told.get("out_refund_no", "")
    )
    connector = WechatPay(
        a_web(Provider([of_wechatpay(body)])), clock=lambda: NOW, nonce=lambda: "0" * 32
    )

    finding = await found(connector, account, question)

    assert finding.result is Result.ANSWERED
    assert finding.evidence is not None
    assert (finding.evidence.template, finding.evidence.body) == (template, body)


async def test_stripes_documented_intent_is_evidence(sample: Sample) -> None:
    body = sample("stripe/payment_intent.json")
    connector = Stripe(a_web(Provider([httpx2.Response(200, content=body)])))

    finding = await found(connector, a_stripe_account(), a_question(handle=json.loads(body)["id"]))

    assert finding.result is Result.ANSWERED
    assert finding.evidence is not None
    assert finding.evidence.body == body
