"""Alipay says 200 to everything; what it has signed is told apart from what it merely says."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from clients.connectors.alipay import REFUND, REFUND_QUERY, TRADE_QUERY, Alipay
from clients.connectors.amounts import Amount
from clients.connectors.inquiry import Question, Result
from clients.providers.accounts.account import AlipayAccount
from clients.providers.keys import is_signed
from tests.unit.clients.connectors.answering import (
    Provider,
    a_question,
    a_refund_question,
    a_web,
    an_html_page,
    found,
    of_alipay,
    said,
)
from tests.unit.clients.providers.key_ring import NOW, rsa_key
from tests.unit.clients.providers.platforms import an_alipay_account

UNREACHABLE, THROTTLED, REFUSED = Result.UNREACHABLE, Result.THROTTLED, Result.REFUSED
TRADE = {
    "code": "10000",
    "msg": "Success",
    "out_trade_no": "T-1",
    "trade_no": "2026112222001400000000000001",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "1.00",
}
REFUNDED = {**TRADE, "out_request_no": "R-1", "refund_status": "REFUND_SUCCESS"}


def failing(code: str, sub_code: str = "", method: str = TRADE_QUERY) -> httpx2.Response:
    return of_alipay(method, {"code": code, "msg": "x", "sub_code": sub_code})


def unsigned(code: str, sub_code: str = "") -> httpx2.Response:
    told = {"code": code, "msg": "x", "sub_code": sub_code}
    return httpx2.Response(200, json={"alipay_trade_query_response": told})


async def asked(
    answer: httpx2.Response,
    question: Question | None = None,
    account: AlipayAccount | None = None,
) -> tuple[Any, Provider]:
    provider = Provider([answer])
    connector = Alipay(a_web(provider), clock=lambda: NOW)
    finding = await found(connector, account or an_alipay_account(), question or a_question())
    return finding, provider


async def test_a_trade_is_asked_for_by_our_number_and_signed() -> None:
    account = an_alipay_account(app_certificate_sn="a1", root_certificate_sn="b2")
    _, provider = await asked(of_alipay(TRADE_QUERY, TRADE), account=account)

    form = provider.form
    assert str(provider.requests[0].url) == "https://openapi.alipay.com/gateway.do"
    assert form["method"] == "alipay.trade.query"
    assert json.loads(form["biz_content"]) == {"out_trade_no": "T-1"}
    assert form["timestamp"] == "2026-11-22 12:00:00"
    assert (form["app_cert_sn"], form["alipay_root_cert_sn"]) == ("a1", "b2")
    signature = form.pop("sign")
    text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
    assert is_signed(rsa_key("ours").public_key(), text.encode(), signature)


async def test_a_signed_answer_is_evidence_as_it_came() -> None:
    answer = of_alipay(TRADE_QUERY, TRADE | {"trade_status": "WAIT_BUYER_PAY"})

    finding, _ = await asked(answer)

    assert finding.result is Result.ANSWERED
    assert finding.evidence is not None
    assert finding.evidence.body == answer.content
    assert finding.evidence.template == "alipay.trade.query"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (of_alipay(TRADE_QUERY, TRADE, key="somebody"), (UNREACHABLE, "SIGNATURE")),
        (
            httpx2.Response(200, json={"alipay_trade_query_response": TRADE}),
            (UNREACHABLE, "SIGNATURE"),
        ),
        (unsigned("40004", "ACQ.TRADE_NOT_EXIST"), (UNREACHABLE, "SIGNATURE")),
        (of_alipay(TRADE_QUERY, TRADE | {"out_trade_no": "T-2"}), (UNREACHABLE, "OTHER_TRADE")),
        (of_alipay(REFUND, TRADE), (UNREACHABLE, "MALFORMED")),
        (an_html_page(), (UNREACHABLE, "MALFORMED")),
        (an_html_page(500), (UNREACHABLE, "500")),
        (httpx2.Response(302, headers={"location": "https://x"}), (UNREACHABLE, "REDIRECT")),
        (httpx2.Response(429), (THROTTLED, "429")),
        (failing("20000", "isp.unknow-error"), (UNREACHABLE, "isp.unknow-error")),
        (failing("40004", "ACQ.SYSTEM_ERROR"), (UNREACHABLE, "ACQ.SYSTEM_ERROR")),
        (
            failing("40004", "ACQ.TRADE_NOT_EXIST"),
            (Result.NOT_FOUND, "ACQ.TRADE_NOT_EXIST"),
        ),
        (failing("40004", "ACQ.ACCESS_FORBIDDEN"), (REFUSED, "ACQ.ACCESS_FORBIDDEN")),
        (failing("40005", "isv.app-call-limited"), (THROTTLED, "isv.app-call-limited")),
        (unsigned("40002", "isv.invalid-app-id"), (REFUSED, "isv.invalid-app-id")),
        (failing("40006"), (REFUSED, "40006")),
        (failing(""), (UNREACHABLE, "MALFORMED")),
    ],
)
async def test_what_is_no_proof_teaches_nothing(
    answer: httpx2.Response, result: tuple[Result, str]
) -> None:
    finding, _ = await asked(answer)

    assert said(finding) == result


async def test_one_changed_byte_spoils_an_answer() -> None:
    whole = of_alipay(TRADE_QUERY, TRADE).content

    finding, _ = await asked(httpx2.Response(200, content=whole.replace(b'"1.00"', b'"1.01"')))

    assert said(finding) == (UNREACHABLE, "SIGNATURE")


async def test_a_refund_is_asked_for_by_both_numbers() -> None:
    finding, provider = await asked(of_alipay(REFUND_QUERY, REFUNDED), a_refund_question())

    assert provider.form["method"] == "alipay.trade.fastpay.refund.query"
    assert json.loads(provider.form["biz_content"]) == {
        "out_trade_no": "T-1",
        "out_request_no": "R-1",
    }
    assert finding.evidence.template == "alipay.refund.query"


async def test_an_empty_success_is_no_refund() -> None:
    finding, _ = await asked(
        of_alipay(REFUND_QUERY, {"code": "10000", "msg": "Success"}), a_refund_question()
    )

    assert finding.result is Result.NOT_FOUND
    assert finding.evidence is None


async def test_another_refund_is_no_answer() -> None:
    finding, _ = await asked(
        of_alipay(REFUND_QUERY, REFUNDED | {"out_request_no": "R-2"}), a_refund_question()
    )

    assert said(finding) == (UNREACHABLE, "OTHER_TRADE")


async def test_money_is_asked_back_by_its_number_in_yuan() -> None:
    finding, provider = await asked(
        of_alipay(REFUND, TRADE | {"fund_change": "Y", "refund_fee": "0.40"}),
        a_refund_question(submit=True),
    )

    assert provider.form["method"] == "alipay.trade.refund"
    assert json.loads(provider.form["biz_content"]) == {
        "out_trade_no": "T-1",
        "refund_amount": "0.40",
        "out_request_no": "R-1",
    }
    assert finding.result is Result.SUBMITTED
    assert finding.evidence.template == "alipay.refund"


async def test_money_that_the_platform_will_not_give_back_is_for_a_person() -> None:
    answer = failing("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", REFUND)

    finding, _ = await asked(answer, a_refund_question(submit=True))

    assert said(finding) == (REFUSED, "ACQ.SELLER_BALANCE_NOT_ENOUGH")


async def test_only_yuan_go_back() -> None:
    finding, provider = await asked(
        of_alipay(REFUND, TRADE), a_refund_question(submit=True, amount=Amount(40, "USD"))
    )

    assert said(finding) == (REFUSED, "REFUND_UNFIT")
    assert provider.requests == []
