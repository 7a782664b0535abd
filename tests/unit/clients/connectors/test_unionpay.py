"""UnionPay is asked with the original time; a query that worked is no payment yet."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from clients.connectors.amounts import Amount
from clients.connectors.inquiry import Question, Result
from clients.connectors.unionpay import UnionPay
from clients.providers.keys import is_signed
from tests.unit.clients.connectors.answering import (
    Provider,
    a_question,
    a_refund_question,
    a_web,
    an_html_page,
    found,
    of_unionpay,
    said,
)
from tests.unit.clients.providers.key_ring import NOW, rsa_key
from tests.unit.clients.providers.platforms import a_unionpay_account

UNREACHABLE, THROTTLED, REFUSED = Result.UNREACHABLE, Result.THROTTLED, Result.REFUSED
TRADE = {
    "txnType": "01",
    "orderId": "T1T1T1T1",
    "txnTime": "20261122115900",
    "queryId": "782609081322060674028",
    "respCode": "00",
    "origRespCode": "00",
    "txnAmt": "100",
}
QUESTION = a_question(trade="T1T1T1T1", handle="20261122115900")
REFUND_QUESTION = a_refund_question(
    refund="R1R1R1R1",
    payment="782609081322060674028",
    # 23:59:59.9 of the day before, in Beijing.
    since=datetime(2026, 11, 21, 15, 59, 59, 900_000, tzinfo=UTC),
)
REFUND = {"txnType": "04", "orderId": "R1R1R1R1", "respCode": "00", "queryId": "7"}


async def asked(answer: httpx2.Response, question: Question = QUESTION) -> tuple[Any, Provider]:
    provider = Provider([answer])
    connector = UnionPay(a_web(provider), clock=lambda: NOW)
    account = a_unionpay_account(callback_url="https://shop.example/callbacks/unionpay/main")
    return await found(connector, account, question), provider


def unsigned(text: str) -> httpx2.Response:
    return httpx2.Response(200, content=text.encode())


async def test_a_trade_is_asked_for_by_number_and_original_time_and_signed() -> None:
    _, provider = await asked(of_unionpay(TRADE))

    url, form = str(provider.requests[0].url), provider.form
    assert url == "https://gateway.95516.com/gateway/api/queryTrans.do"
    assert (form["orderId"], form["txnTime"]) == ("T1T1T1T1", "20261122115900")
    assert (form["txnType"], form["txnSubType"]) == ("00", "00")
    signature = form.pop("signature")
    text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
    digest = hashlib.sha256(text.encode()).hexdigest().encode()
    assert is_signed(rsa_key("ours").public_key(), digest, signature)


@pytest.mark.parametrize("code", ["00", "03", "05", "01"])
async def test_a_signed_answer_is_evidence_as_it_came_whatever_became_of_the_trade(
    code: str,
) -> None:
    answer = of_unionpay(TRADE | {"origRespCode": code})

    finding, _ = await asked(answer)

    assert finding.result is Result.ANSWERED
    assert finding.evidence.body == answer.content
    assert finding.evidence.template == "unionpay.query"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (of_unionpay(TRADE, key="somebody"), (UNREACHABLE, "SIGNATURE")),
        (of_unionpay(TRADE | {"merId": "777290058110049"}), (UNREACHABLE, "SIGNATURE")),
        (of_unionpay(TRADE | {"orderId": "T2T2T2T2"}), (UNREACHABLE, "OTHER_TRADE")),
        (unsigned("respCode=00&origRespCode=00"), (UNREACHABLE, "SIGNATURE")),
        (unsigned("respCode=34&respMsg=x"), (UNREACHABLE, "SIGNATURE")),
        (unsigned("respCode=11&respMsg=x"), (REFUSED, "11")),
        (unsigned("Invalid request."), (UNREACHABLE, "MALFORMED")),
        (an_html_page(), (UNREACHABLE, "MALFORMED")),
        (an_html_page(503), (UNREACHABLE, "503")),
        (httpx2.Response(429), (THROTTLED, "429")),
        (httpx2.Response(301, headers={"location": "https://x"}), (UNREACHABLE, "REDIRECT")),
        (of_unionpay({"respCode": "34"}), (Result.NOT_FOUND, "34")),
        (of_unionpay({"respCode": "06"}), (UNREACHABLE, "06")),
        (of_unionpay({"respCode": "37"}), (THROTTLED, "37")),
        (of_unionpay({"respCode": "31"}), (REFUSED, "31")),
        (of_unionpay({"respMsg": "x"}), (UNREACHABLE, "MALFORMED")),
    ],
)
async def test_what_is_no_proof_teaches_nothing(
    answer: httpx2.Response, result: tuple[Result, str]
) -> None:
    finding, _ = await asked(answer)

    assert said(finding) == result


@pytest.mark.parametrize("handle", ["", "2026-11-22 11:59:00", "pi_1"])
async def test_a_trade_without_its_time_cannot_be_asked_for(handle: str) -> None:
    finding, provider = await asked(of_unionpay(TRADE), a_question(handle=handle))

    assert said(finding) == (REFUSED, "HANDLE_MISSING")
    assert provider.requests == []


async def test_a_trade_without_its_time_is_asked_for_by_the_platforms_number() -> None:
    question = a_question(trade="T1T1T1T1", payment="782609081322060674028")

    finding, provider = await asked(of_unionpay(TRADE), question)

    assert provider.form["queryId"] == "782609081322060674028"
    assert "orderId" not in provider.form
    assert finding.result is Result.ANSWERED


async def test_money_is_asked_back_under_the_same_number_and_time_however_often() -> None:
    finding, provider = await asked(
        of_unionpay(REFUND), a_refund_question_of(REFUND_QUESTION, submit=True)
    )

    form = provider.form
    assert str(provider.requests[0].url).endswith("/backTransReq.do")
    assert (form["orderId"], form["txnTime"]) == ("R1R1R1R1", "20261121235959")
    assert (form["txnType"], form["origQryId"]) == ("04", "782609081322060674028")
    assert form["reqReserved"] == "T-1"
    assert (form["txnAmt"], form["backUrl"]) == (
        "40",
        "https://shop.example/callbacks/unionpay/main",
    )
    assert finding.result is Result.SUBMITTED
    assert finding.evidence.template == "unionpay.refund"


async def test_a_refund_is_asked_for_with_the_time_it_was_sent_with() -> None:
    finding, provider = await asked(of_unionpay(REFUND | {"origRespCode": "00"}), REFUND_QUESTION)

    assert provider.form["txnTime"] == "20261121235959"
    assert finding.evidence.template == "unionpay.query"


async def test_a_repeat_that_the_platform_knows_is_submitted_already() -> None:
    finding, _ = await asked(
        of_unionpay({"respCode": "12"}), a_refund_question_of(REFUND_QUESTION, submit=True)
    )

    assert said(finding) == (Result.SUBMITTED, "12")
    assert finding.evidence is None


@pytest.mark.parametrize(
    ("code", "result"), [("03", UNREACHABLE), ("33", REFUSED), ("36", REFUSED)]
)
async def test_money_that_does_not_go_back_is_not_submitted(code: str, result: Result) -> None:
    finding, _ = await asked(
        of_unionpay(REFUND | {"respCode": code}),
        a_refund_question_of(REFUND_QUESTION, submit=True),
    )

    assert said(finding) == (result, code)


@pytest.mark.parametrize(
    "changes",
    [{"refund": "R-1-R-1-R"}, {"refund": "short"}, {"amount": Amount(40, "USD")}, {"payment": ""}],
)
async def test_what_the_platform_would_not_take_is_not_sent(changes: dict[str, Any]) -> None:
    finding, provider = await asked(
        of_unionpay(REFUND), a_refund_question_of(REFUND_QUESTION, submit=True, **changes)
    )

    assert finding.result is REFUSED
    assert provider.requests == []


def a_refund_question_of(question: Question, **changes: object) -> Question:
    given = {name: getattr(question, name) for name in Question.__slots__}
    return Question(**(given | changes))
