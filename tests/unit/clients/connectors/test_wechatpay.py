"""WeChat Pay is asked as it wants to be, and believed only where it has signed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from clients.connectors.amounts import Amount
from clients.connectors.inquiry import Kind, Question, Result
from clients.connectors.wechatpay import WechatPay
from clients.providers.accounts.account import WechatPayAccount
from clients.providers.keys import is_signed
from tests.unit.clients.connectors.answering import (
    Answer,
    Provider,
    a_question,
    a_refund_question,
    a_web,
    an_html_page,
    found,
    of_wechatpay,
    said,
)
from tests.unit.clients.providers.key_ring import NOW, rsa_key
from tests.unit.clients.providers.platforms import (
    a_refund,
    a_transaction,
    a_wechatpay_account,
)

UNREACHABLE, THROTTLED, REFUSED = Result.UNREACHABLE, Result.THROTTLED, Result.REFUSED
REFUND_ANSWER = {**a_refund(), "status": "PROCESSING"}


async def asked(
    *answers: Answer, question: Question | None = None, account: WechatPayAccount | None = None
) -> tuple[Any, Provider]:
    provider = Provider(list(answers))
    connector = WechatPay(a_web(provider), clock=lambda: NOW, nonce=lambda: "0" * 32)
    finding = await found(connector, account or a_wechatpay_account(), question or a_question())
    return finding, provider


async def test_a_payment_is_asked_for_by_our_number_and_signed() -> None:
    _, provider = await asked(
        of_wechatpay(a_transaction(out_trade_no="a/b c")), question=a_question(trade="a/b c")
    )

    [request] = provider.requests
    target = "/v3/pay/transactions/out-trade-no/a%2Fb%20c?mchid=1900000109"
    assert (request.method, str(request.url)) == ("GET", f"https://api.mch.weixin.qq.com{target}")
    parts = dict(re.findall(r'(\w+)="([^"]+)"', request.headers["authorization"]))
    text = f"GET\n{target}\n{int(NOW.timestamp())}\n{'0' * 32}\n\n"
    assert is_signed(rsa_key("ours").public_key(), text.encode(), parts["signature"])
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("state", ["SUCCESS", "NOTPAY", "CLOSED", "REFUND"])
async def test_a_signed_answer_is_evidence_as_it_came_whatever_it_says(state: str) -> None:
    body = json.dumps(a_transaction(trade_state=state), indent=1).encode()

    finding, _ = await asked(of_wechatpay(body))

    assert said(finding) == (Result.ANSWERED, "")
    assert finding.evidence is not None
    assert finding.evidence.body == body
    assert finding.evidence.template == "wechatpay.v3.transaction.query"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (of_wechatpay(a_transaction(), key="somebody"), (UNREACHABLE, "SIGNATURE")),
        (of_wechatpay(a_transaction(), at=NOW - timedelta(300)), (UNREACHABLE, "SIGNATURE")),
        (httpx2.Response(200, json=a_transaction()), (UNREACHABLE, "SIGNATURE")),
        (of_wechatpay(a_transaction(out_trade_no="T-2")), (UNREACHABLE, "OTHER_TRADE")),
        (of_wechatpay(a_transaction(mchid="1900000110")), (UNREACHABLE, "OTHER_TRADE")),
        (of_wechatpay(b"[]"), (UNREACHABLE, "MALFORMED")),
        (an_html_page(), (UNREACHABLE, "SIGNATURE")),
        (an_html_page(502), (UNREACHABLE, "502")),
        (an_html_page(403), (UNREACHABLE, "403")),
        (httpx2.Response(302, headers={"location": "https://x"}), (UNREACHABLE, "REDIRECT")),
        (of_wechatpay({"code": "SYSTEM_ERROR"}, 500), (UNREACHABLE, "SYSTEM_ERROR")),
        (of_wechatpay({"code": "FREQUENCY_LIMITED"}, 429), (THROTTLED, "FREQUENCY_LIMITED")),
        (of_wechatpay({"code": "SIGN_ERROR"}, 401), (REFUSED, "SIGN_ERROR")),
        (httpx2.Response(403, json={"code": "NO_AUTH"}), (REFUSED, "NO_AUTH")),
        (of_wechatpay({"code": "ORDER_NOT_EXIST"}, 404), (Result.NOT_FOUND, "ORDER_NOT_EXIST")),
        (
            httpx2.Response(404, json={"code": "ORDER_NOT_EXIST"}),
            (Result.NOT_FOUND, "ORDER_NOT_EXIST"),
        ),
        (
            of_wechatpay({"code": "ORDER_NOT_EXIST"}, 404, key="somebody"),
            (UNREACHABLE, "SIGNATURE"),
        ),
    ],
)
async def test_what_is_no_proof_teaches_nothing(
    answer: httpx2.Response, result: tuple[Result, str]
) -> None:
    finding, _ = await asked(answer)

    assert said(finding) == result


async def test_a_pause_that_the_platform_asks_for_is_told() -> None:
    finding, _ = await asked(
        of_wechatpay({"code": "FREQUENCY_LIMITED"}, 429, **{"Retry-After": "17"})
    )

    assert finding.retry_after_s == 17


async def test_the_other_address_is_tried_where_the_first_does_not_answer() -> None:
    finding, provider = await asked(httpx2.ConnectError("refused"), of_wechatpay(a_transaction()))

    assert finding.result is Result.ANSWERED
    assert [each.url.host for each in provider.requests] == [
        "api.mch.weixin.qq.com",
        "api2.mch.weixin.qq.com",
    ]


async def test_the_other_address_is_not_tried_where_the_first_fails() -> None:
    _, provider = await asked(of_wechatpay({"code": "SYSTEM_ERROR"}, 500))

    assert len(provider.requests) == 1


async def test_a_refund_is_asked_for_by_its_number() -> None:
    finding, provider = await asked(
        of_wechatpay(REFUND_ANSWER | {"status": "SUCCESS"}), question=a_refund_question()
    )

    assert provider.requests[0].url.path == "/v3/refund/domestic/refunds/R-1"
    assert finding.result is Result.ANSWERED
    assert finding.evidence.template == "wechatpay.v3.refund.query"


async def test_a_refund_that_is_not_there_is_not_found() -> None:
    finding, _ = await asked(
        of_wechatpay({"code": "RESOURCE_NOT_EXISTS"}, 404), question=a_refund_question()
    )

    assert said(finding) == (Result.NOT_FOUND, "RESOURCE_NOT_EXISTS")


async def test_another_refund_is_no_answer() -> None:
    finding, _ = await asked(
        of_wechatpay(REFUND_ANSWER | {"out_refund_no": "R-2"}), question=a_refund_question()
    )

    assert said(finding) == (UNREACHABLE, "OTHER_TRADE")


async def test_money_is_asked_back_by_its_number_in_whole_fen() -> None:
    account = a_wechatpay_account(callback_url="https://shop.example/callbacks/wechatpay/main")
    finding, provider = await asked(
        of_wechatpay(REFUND_ANSWER), question=a_refund_question(submit=True), account=account
    )

    [request] = provider.requests
    assert (request.method, request.url.path) == ("POST", "/v3/refund/domestic/refunds")
    assert json.loads(request.content) == {
        "transaction_id": "4200000000000000000000000001",
        "out_refund_no": "R-1",
        "notify_url": "https://shop.example/callbacks/wechatpay/main",
        "amount": {"refund": 40, "total": 100, "currency": "CNY"},
    }
    parts = dict(re.findall(r'(\w+)="([^"]+)"', request.headers["authorization"]))
    text = f"POST\n{request.url.path}\n{int(NOW.timestamp())}\n{'0' * 32}\n"
    signed_text = text.encode() + request.content + b"\n"
    assert is_signed(rsa_key("ours").public_key(), signed_text, parts["signature"])
    assert finding.result is Result.SUBMITTED
    assert finding.evidence.template == "wechatpay.v3.refund"


@pytest.mark.parametrize("code", ["NOT_ENOUGH", "INVALID_REQUEST", "PARAM_ERROR"])
async def test_money_that_the_platform_will_not_give_back_is_for_a_person(code: str) -> None:
    finding, _ = await asked(
        of_wechatpay({"code": code}, 403), question=a_refund_question(submit=True)
    )

    assert said(finding) == (REFUSED, code)


@pytest.mark.parametrize(
    "question",
    [
        a_refund_question(submit=True, amount=None),
        a_refund_question(submit=True, total=Amount(100, "USD")),
    ],
)
async def test_money_back_without_its_amounts_is_not_asked_for(question: Question) -> None:
    finding, provider = await asked(of_wechatpay(REFUND_ANSWER), question=question)

    assert said(finding) == (REFUSED, "REFUND_UNFIT")
    assert provider.requests == []


async def test_a_capture_is_asked_for_like_a_payment() -> None:
    finding, _ = await asked(of_wechatpay(a_transaction()), question=a_question(kind=Kind.CAPTURE))

    assert finding.evidence.template == "wechatpay.v3.transaction.query"
