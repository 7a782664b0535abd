"""Stripe is asked by payment intent; a refund is looked for before it is asked for."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from clients.connectors.amounts import Amount
from clients.connectors.inquiry import Question, Result
from clients.connectors.stripe import Stripe
from tests.unit.clients.connectors.answering import (
    Answer,
    Provider,
    a_question,
    a_refund_question,
    a_web,
    an_html_page,
    found,
    of_stripe,
    said,
)
from tests.unit.clients.providers.hashing_platforms import a_stripe_account

UNREACHABLE, THROTTLED, REFUSED = Result.UNREACHABLE, Result.THROTTLED, Result.REFUSED
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "metadata": {"order": "T-1"},
}
QUESTION = a_question(handle="pi_1")
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "status": "pending",
    "metadata": {"order": "T-1", "refund": "R-1"},
}


def a_list(*refunds: dict[str, Any], has_more: bool = False) -> httpx2.Response:
    return of_stripe({"object": "list", "data": list(refunds), "has_more": has_more})


def failing(status: int, code: str) -> httpx2.Response:
    return of_stripe({"error": {"type": "invalid_request_error", "code": code}}, status)


async def asked(*answers: Answer, question: Question = QUESTION) -> tuple[Any, Provider]:
    provider = Provider(list(answers))
    return await found(Stripe(a_web(provider)), a_stripe_account(), question), provider


async def test_a_payment_is_asked_for_by_its_intent() -> None:
    answer = of_stripe(INTENT)

    finding, provider = await asked(answer)

    [request] = provider.requests
    assert str(request.url) == "https://api.stripe.com/v1/payment_intents/pi_1"
    assert request.headers["authorization"] == "Bearer sk_test_0123456789"
    assert finding.result is Result.ANSWERED
    assert finding.evidence.body == answer.content
    assert finding.evidence.template == "stripe.payment_intent.query"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (of_stripe(INTENT | {"id": "pi_2"}), (UNREACHABLE, "OTHER_TRADE")),
        (of_stripe(INTENT | {"metadata": {"order": "T-2"}}), (UNREACHABLE, "OTHER_TRADE")),
        (of_stripe(INTENT | {"object": "charge"}), (UNREACHABLE, "MALFORMED")),
        (of_stripe({}), (UNREACHABLE, "MALFORMED")),
        (an_html_page(), (UNREACHABLE, "MALFORMED")),
        (an_html_page(503), (UNREACHABLE, "503")),
        (httpx2.Response(307, headers={"location": "https://x"}), (UNREACHABLE, "REDIRECT")),
        (failing(404, "resource_missing"), (Result.NOT_FOUND, "resource_missing")),
        (an_html_page(404), (UNREACHABLE, "404")),
        (failing(401, "api_key_expired"), (REFUSED, "api_key_expired")),
        (failing(429, "rate_limit"), (THROTTLED, "rate_limit")),
        (failing(409, "idempotency_key_in_use"), (UNREACHABLE, "idempotency_key_in_use")),
    ],
)
async def test_what_is_no_proof_teaches_nothing(
    answer: httpx2.Response, result: tuple[Result, str]
) -> None:
    finding, _ = await asked(answer)

    assert said(finding) == result


async def test_without_an_intent_nothing_can_be_asked() -> None:
    finding, provider = await asked(of_stripe(INTENT), question=a_question())

    assert said(finding) == (REFUSED, "HANDLE_MISSING")
    assert provider.requests == []


async def test_money_is_asked_back_once_and_carries_our_numbers() -> None:
    finding, provider = await asked(
        a_list(REFUND | {"metadata": {"refund": "R-0"}}),
        of_stripe(REFUND),
        question=a_refund_question(submit=True, payment="pi_1", amount=Amount(40, "USD")),
    )

    looked, made = provider.requests
    assert (looked.method, made.method) == ("GET", "POST")
    assert made.headers["idempotency-key"] == "concord-refund-R-1"
    assert provider.form == {
        "payment_intent": "pi_1",
        "amount": "40",
        "metadata[order]": "T-1",
        "metadata[refund]": "R-1",
    }
    assert finding.result is Result.SUBMITTED
    assert finding.evidence.template == "stripe.refund"


async def test_a_refund_that_is_there_is_not_asked_for_again() -> None:
    finding, provider = await asked(
        a_list(REFUND), of_stripe(REFUND), question=a_refund_question(submit=True, payment="pi_1")
    )

    assert [each.method for each in provider.requests] == ["GET", "GET"]
    assert finding.result is Result.SUBMITTED
    assert finding.evidence.template == "stripe.refund.query"


async def test_a_refund_is_found_among_many() -> None:
    others = [REFUND | {"id": f"re_{n}", "metadata": {}} for n in range(2, 102)]
    finding, provider = await asked(
        a_list(*others, has_more=True),
        a_list(REFUND),
        of_stripe(REFUND | {"status": "succeeded"}),
        question=a_refund_question(payment="pi_1"),
    )

    assert provider.requests[1].url.params["starting_after"] == "re_101"
    assert str(provider.requests[2].url).endswith("/v1/refunds/re_1")
    assert finding.result is Result.ANSWERED


async def test_a_refund_that_is_not_there_is_not_found() -> None:
    finding, _ = await asked(a_list(), question=a_refund_question(payment="pi_1"))

    assert said(finding) == (Result.NOT_FOUND, "NO_REFUND")


async def test_kronur_are_counted_in_hundredths() -> None:
    _, provider = await asked(
        a_list(),
        of_stripe(REFUND),
        question=a_refund_question(submit=True, payment="pi_1", amount=Amount(5, "ISK")),
    )

    assert provider.form["amount"] == "500"


async def test_money_that_stripe_will_not_give_back_is_for_a_person() -> None:
    finding, _ = await asked(
        a_list(),
        failing(400, "charge_already_refunded"),
        question=a_refund_question(submit=True, payment="pi_1"),
    )

    assert said(finding) == (REFUSED, "charge_already_refunded")
