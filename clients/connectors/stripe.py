"""Asks Stripe about payment intents and refunds, and to refund.

Answers are not signed: that they come over TLS from the address in the accounts file is the
proof. Stripe forgets idempotency keys after a day, so a refund is looked for before it is asked
for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlencode

from clients.connectors.amounts import UnfitAmountError
from clients.connectors.inquiry import (
    JSON_TYPE,
    Code,
    Evidence,
    Finding,
    NothingLearntError,
    Question,
    Result,
    not_found,
    refused,
    unreachable,
)
from clients.connectors.web import Reply, Web, throttled
from clients.providers.accounts.account import StripeAccount
from clients.providers.calls import RefusedError
from clients.providers.parsing import json_object

PAYMENT_QUERY: Final = "stripe.payment_intent.query"
REFUND: Final = "stripe.refund"
REFUND_QUERY: Final = "stripe.refund.query"
PAGE: Final = 100
# 2,000 refunds of one payment: what is beyond was not made by us.
PAGES_MAX: Final = 20
# Stripe counts these in hundredths, though they have none.
DIGITS: Final[Mapping[str, int]] = MappingProxyType({"ISK": 2, "UGX": 2})

# Our word: the list of refunds is there, and does not have it.
NO_REFUND: Final = "NO_REFUND"
NOT_FOUND: Final = 404
CONFLICT: Final = 409
# With 4xx, and passing: the same request may be sent again.
PASSING: Final = frozenset({"lock_timeout", "idempotency_key_in_use"})


class Stripe:
    """`Connector` of Stripe."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def ask(self, account: StripeAccount, question: Question) -> Finding:
        if not question.is_refund:
            return await self._ask_for_payment(account, question)
        known = await self._find_refund(account, question)
        if known is None and question.submit:
            return await self._submit_refund(account, question)
        if known is None:
            raise not_found(NO_REFUND)
        reply, _ = await self._get(account, f"/v1/refunds/{quote(known, safe='')}", "refund", known)
        # One that is there already was submitted, by us, before an answer got lost.
        result = Result.SUBMITTED if question.submit else Result.ANSWERED
        return Finding(result, evidence=Evidence(REFUND_QUERY, reply.body, JSON_TYPE))

    async def _ask_for_payment(self, account: StripeAccount, question: Question) -> Finding:
        intent = _intent(question)
        path = f"/v1/payment_intents/{quote(intent, safe='')}"
        reply, told = await self._get(account, path, "payment_intent", intent)
        metadata = told.get("metadata")
        named = metadata.get("order") if isinstance(metadata, dict) else None
        if named is not None and named != question.trade:
            raise unreachable(Code.OTHER_TRADE)
        return Finding(Result.ANSWERED, evidence=Evidence(PAYMENT_QUERY, reply.body, JSON_TYPE))

    async def _find_refund(self, account: StripeAccount, question: Question) -> str | None:
        """Return Stripe's id of the refund under our number, if there is one."""
        wanted = {"payment_intent": _intent(question), "limit": str(PAGE)}
        for _ in range(PAGES_MAX):
            told = await self._page(account, wanted)
            for each in told["data"]:
                if _number_of(each) == question.refund:
                    return str(each.get("id", ""))
            if not told.get("has_more") or not told["data"]:
                return None
            wanted["starting_after"] = str(told["data"][-1].get("id", ""))
        raise refused(Code.REFUND_UNFIT)

    async def _submit_refund(self, account: StripeAccount, question: Question) -> Finding:
        if question.amount is None:
            raise refused(Code.REFUND_UNFIT)
        try:
            amount = question.amount.counted_in(DIGITS)
        except UnfitAmountError as error:
            raise refused(Code.REFUND_UNFIT) from error
        form = urlencode(
            {
                "payment_intent": _intent(question),
                "amount": str(amount),
                "metadata[order]": question.trade,
                "metadata[refund]": question.refund,
            }
        ).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "idempotency-key": f"concord-refund-{question.refund}",
        }
        reply = await self._call(account, "POST", "/v1/refunds", headers, form)
        told = _object(reply, "refund")
        if _number_of(told) != question.refund:
            raise unreachable(Code.OTHER_TRADE)
        return Finding(Result.SUBMITTED, evidence=Evidence(REFUND, reply.body, JSON_TYPE))

    async def _page(self, account: StripeAccount, wanted: Mapping[str, str]) -> dict[str, Any]:
        reply = await self._call(account, "GET", f"/v1/refunds?{urlencode(wanted)}")
        told = _object(reply, "list")
        if not isinstance(told.get("data"), list):
            raise unreachable(Code.MALFORMED)
        return {**told, "data": [each for each in told["data"] if isinstance(each, dict)]}

    async def _get(
        self, account: StripeAccount, path: str, kind: str, name: str
    ) -> tuple[Reply, dict[str, Any]]:
        reply = await self._call(account, "GET", path)
        told = _object(reply, kind)
        if told.get("id") != name:
            raise unreachable(Code.OTHER_TRADE)
        return reply, told

    async def _call(
        self,
        account: StripeAccount,
        method: str,
        path: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
    ) -> Reply:
        given = {"authorization": f"Bearer {account.api_key}", **headers}
        url = account.api.rstrip("/") + path
        reply = await self._web.send(method, url, headers=given, body=body)
        code = "" if reply.is_good else _code_of(reply)
        self._web.refuse_failure(reply, code)
        if not reply.is_good:
            raise _failure(reply.status, code)
        return reply


def _intent(question: Question) -> str:
    """Return the payment intent, which Stripe is asked by.

    Raises:
        NothingLearntError: nobody told it.
    """
    for known in (question.handle, question.payment):
        if known.startswith("pi_"):
            return known
    raise refused(Code.HANDLE_MISSING)


def _object(reply: Reply, kind: str) -> dict[str, Any]:
    try:
        told = json_object(reply.body)
    except RefusedError as error:
        raise unreachable(Code.MALFORMED) from error
    if told.get("object") != kind:
        raise unreachable(Code.MALFORMED)
    return told


def _number_of(refund: Mapping[str, Any]) -> str | None:
    metadata = refund.get("metadata")
    number = metadata.get("refund") if isinstance(metadata, dict) else None
    return number if isinstance(number, str) else None


def _code_of(reply: Reply) -> str:
    """Return Stripe's own word for an error; empty where there is none."""
    try:
        error = json_object(reply.body).get("error")
    except RefusedError:
        return ""
    if not isinstance(error, dict):
        return ""
    named = error.get("code") or error.get("type")
    return named if isinstance(named, str) else ""


def _failure(status: int, code: str) -> NothingLearntError:
    if code == "rate_limit":
        return throttled(code)
    if status == CONFLICT or code in PASSING or not code:
        return unreachable(code or str(status))
    if status == NOT_FOUND and code == "resource_missing":
        return not_found(code)
    return refused(code)
