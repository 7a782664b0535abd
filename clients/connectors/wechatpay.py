"""Asks WeChat Pay (version 3) about payments and refunds, and to refund.

Good answers are believed only when the platform has signed them just now. Errors are signed not
always, and say nothing about money; one that carries a wrong signature is not believed either.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import httpx2

from clients.connectors.inquiry import (
    JSON_TYPE,
    Clock,
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
from clients.providers.accounts.account import WechatPayAccount
from clients.providers.calls import RefusedError
from clients.providers.parsing import json_object
from clients.providers.wechatpay import signing

PAYMENT_QUERY: Final = "wechatpay.v3.transaction.query"
REFUND: Final = "wechatpay.v3.refund"
REFUND_QUERY: Final = "wechatpay.v3.refund.query"
REFUNDS_PATH: Final = "/v3/refund/domestic/refunds"

NOT_FOUND: Final = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
THROTTLED: Final = frozenset({"FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "FREQUENCY_LIMIT_EXCEED"})
# They come with 4xx, and pass by themselves.
PASSING: Final = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "TRADE_ERROR"})
# Over this other way in, where the first is out of reach.
UNREACHED: Final = frozenset({Code.CONNECT, Code.TIMEOUT, Code.BROKEN})


class WechatPay:
    """`Connector` of WeChat Pay."""

    def __init__(self, web: Web, *, clock: Clock, nonce: Callable[[], str]) -> None:
        self._web = web
        self._clock = clock
        self._nonce = nonce

    async def ask(self, account: WechatPayAccount, question: Question) -> Finding:
        if not question.is_refund:
            return await self._ask_for_payment(account, question)
        if question.submit:
            return await self._submit_refund(account, question)
        return await self._ask_for_refund(account, question)

    async def _ask_for_payment(self, account: WechatPayAccount, question: Question) -> Finding:
        path = f"/v3/pay/transactions/out-trade-no/{quote(question.trade, safe='')}"
        reply = await self._call(account, "GET", f"{path}?mchid={quote(account.merchant)}")
        told = self._told(account, reply)
        if told.get("out_trade_no") != question.trade or told.get("mchid") != account.merchant:
            raise unreachable(Code.OTHER_TRADE)
        return Finding(Result.ANSWERED, evidence=Evidence(PAYMENT_QUERY, reply.body, JSON_TYPE))

    async def _ask_for_refund(self, account: WechatPayAccount, question: Question) -> Finding:
        path = f"{REFUNDS_PATH}/{quote(question.refund, safe='')}"
        reply = await self._call(account, "GET", path)
        self._check_refund(self._told(account, reply), question)
        return Finding(Result.ANSWERED, evidence=Evidence(REFUND_QUERY, reply.body, JSON_TYPE))

    async def _submit_refund(self, account: WechatPayAccount, question: Question) -> Finding:
        """Ask for the money back; the platform does it once for each refund number."""
        amount, total = question.amount, question.total
        if amount is None or total is None or amount.currency != total.currency:
            raise refused(Code.REFUND_UNFIT)
        wanted: dict[str, Any] = {
            "out_refund_no": question.refund,
            "amount": {
                "refund": amount.minor,
                "total": total.minor,
                "currency": amount.currency,
            },
        }
        if question.payment:
            wanted["transaction_id"] = question.payment
        else:
            wanted["out_trade_no"] = question.trade
        if account.callback_url.startswith("https://"):
            wanted["notify_url"] = account.callback_url
        body = json.dumps(wanted, ensure_ascii=False, separators=(",", ":")).encode()
        reply = await self._call(account, "POST", REFUNDS_PATH, body)
        self._check_refund(self._told(account, reply), question)
        return Finding(Result.SUBMITTED, evidence=Evidence(REFUND, reply.body, JSON_TYPE))

    async def _call(
        self, account: WechatPayAccount, method: str, target: str, body: bytes = b""
    ) -> Reply:
        """Send a signed request, over the other way in where the first does not answer."""
        try:
            reply = await self._call_at(account.api, account, method, target, body)
            self._web.refuse_failure(reply, _code_of(reply))
        except NothingLearntError as error:
            is_down = error.finding.code in UNREACHED
            if not is_down or not account.fallback_api or account.fallback_api == account.api:
                raise
            reply = await self._call_at(account.fallback_api, account, method, target, body)
            self._web.refuse_failure(reply, _code_of(reply))
        return reply

    async def _call_at(
        self, api: str, account: WechatPayAccount, method: str, target: str, body: bytes
    ) -> Reply:
        url = httpx2.URL(api.rstrip("/") + target)
        # What is signed is what goes over the wire, however the URL was written.
        signed = url.raw_path.decode("ascii")
        headers = {
            "accept": "application/json",
            "authorization": signing.authorization(
                account, method, signed, body, self._nonce(), self._clock()
            ),
        }
        if body:
            headers["content-type"] = "application/json"
        return await self._web.send(method, str(url), headers=headers, body=body)

    def _told(self, account: WechatPayAccount, reply: Reply) -> dict[str, Any]:
        """Return what the platform says, once it is proved that it says it.

        Raises:
            NothingLearntError: it is an error, or not proved.
        """
        if reply.is_good or "wechatpay-signature" in reply.headers:
            try:
                signing.verify(account, reply.headers, reply.body, self._clock())
            except RefusedError as error:
                raise unreachable(Code.SIGNATURE) from error
        if not reply.is_good:
            raise _failure(_code_of(reply), reply.status)
        try:
            return json_object(reply.body)
        except RefusedError as error:
            raise unreachable(Code.MALFORMED) from error

    @staticmethod
    def _check_refund(told: dict[str, Any], question: Question) -> None:
        if told.get("out_refund_no") != question.refund:
            raise unreachable(Code.OTHER_TRADE)


def _code_of(reply: Reply) -> str:
    """Return the platform's own word for an error; empty where there is none."""
    if reply.is_good:
        return ""
    try:
        code = json_object(reply.body).get("code")
    except RefusedError:
        return ""
    return code if isinstance(code, str) else ""


def _failure(code: str, status: int) -> NothingLearntError:
    if code in NOT_FOUND:
        return not_found(code)
    if code in THROTTLED:
        return throttled(code)
    if code in PASSING:
        return unreachable(code)
    # Without a code it is not the platform that speaks, but something on the way to it.
    return refused(code) if code else unreachable(str(status))
