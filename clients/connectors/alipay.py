"""Asks Alipay about trades and refunds, and to refund.

HTTP says 200 to everything. `code` 10000 says that the method worked, and nothing about the
money; only what the platform has signed can say that a trade is there, or is not.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

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
from clients.providers.accounts.account import AlipayAccount
from clients.providers.alipay import signing
from clients.providers.calls import Refusal, RefusedError
from clients.providers.parsing import json_object

TRADE_QUERY: Final = "alipay.trade.query"
REFUND: Final = "alipay.trade.refund"
REFUND_QUERY: Final = "alipay.trade.fastpay.refund.query"
# By method.
TEMPLATES: Final = {
    TRADE_QUERY: "alipay.trade.query",
    REFUND: "alipay.refund",
    REFUND_QUERY: "alipay.refund.query",
}
CURRENCY: Final = "CNY"

WORKED: Final = "10000"
UNAVAILABLE: Final = "20000"
BUSINESS: Final = "40004"
TOO_OFTEN: Final = "40005"
NOT_FOUND: Final = frozenset({"ACQ.TRADE_NOT_EXIST", "TRADE_NOT_EXIST"})
# They pass by themselves; the same request may be sent again.
PASSING: Final = frozenset(
    {"ACQ.SYSTEM_ERROR", "SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR", "isp.unknow-error"}
)
FORM: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


class Alipay:
    """`Connector` of Alipay."""

    def __init__(self, web: Web, *, clock: Clock) -> None:
        self._web = web
        self._clock = clock

    async def ask(self, account: AlipayAccount, question: Question) -> Finding:
        if not question.is_refund:
            return await self._ask_for_trade(account, question)
        if question.submit:
            return await self._submit_refund(account, question)
        return await self._ask_for_refund(account, question)

    async def _ask_for_trade(self, account: AlipayAccount, question: Question) -> Finding:
        reply, told = await self._call(account, TRADE_QUERY, {"out_trade_no": question.trade})
        _check_trade(told, question)
        return Finding(Result.ANSWERED, WORKED, evidence=_evidence(TRADE_QUERY, reply))

    async def _ask_for_refund(self, account: AlipayAccount, question: Question) -> Finding:
        business = {"out_trade_no": question.trade, "out_request_no": question.refund}
        reply, told = await self._call(account, REFUND_QUERY, business)
        if "out_request_no" not in told:
            # It worked, and names no refund: there is none under this number.
            raise not_found(WORKED)
        _check_trade(told, question)
        if told.get("out_request_no") != question.refund:
            raise unreachable(Code.OTHER_TRADE)
        return Finding(Result.ANSWERED, WORKED, evidence=_evidence(REFUND_QUERY, reply))

    async def _submit_refund(self, account: AlipayAccount, question: Question) -> Finding:
        """Ask for the money back; the platform does it once for each `out_request_no`."""
        if question.amount is None or question.amount.currency != CURRENCY:
            raise refused(Code.REFUND_UNFIT)
        business = {
            "out_trade_no": question.trade,
            "refund_amount": question.amount.text(),
            "out_request_no": question.refund,
        }
        reply, told = await self._call(account, REFUND, business)
        _check_trade(told, question)
        return Finding(Result.SUBMITTED, WORKED, evidence=_evidence(REFUND, reply))

    async def _call(
        self, account: AlipayAccount, method: str, business: dict[str, str]
    ) -> tuple[Reply, dict[str, Any]]:
        """Return the answer as it came, and what it says, once that is proved.

        Raises:
            NothingLearntError: the method did not work, or nothing is proved.
        """
        form = urlencode(signing.request(account, method, business, self._clock())).encode()
        reply = await self._web.send("POST", account.api, headers=FORM, body=form)
        self._web.refuse_failure(reply)
        try:
            told = signing.answer(account, method, reply.body, self._clock())
        except RefusedError as error:
            raise _unproved(error, reply.body) from error
        if told.get("code") != WORKED:
            raise _failure(told)
        return reply, told


def _check_trade(told: dict[str, Any], question: Question) -> None:
    if told.get("out_trade_no") != question.trade:
        raise unreachable(Code.OTHER_TRADE)


def _evidence(method: str, reply: Reply) -> Evidence:
    return Evidence(TEMPLATES[method], reply.body, JSON_TYPE)


def _failure(told: dict[str, Any]) -> NothingLearntError:
    code, reason = str(told.get("code", "")), str(told.get("sub_code", ""))
    if code == BUSINESS and reason in NOT_FOUND:
        return not_found(reason)
    return _general_failure(code, reason)


def _general_failure(code: str, reason: str) -> NothingLearntError:
    named = reason or code
    if code == TOO_OFTEN or reason.endswith("call-limited"):
        return throttled(named)
    if code == UNAVAILABLE or reason in PASSING or not code:
        return unreachable(named or Code.MALFORMED)
    return refused(named)


def _unproved(error: RefusedError, body: bytes) -> NothingLearntError:
    """Return what an answer teaches that is not proved: at most why we are not answered.

    The gateway does not sign when it does not know who asks, or will not answer. That much is
    believed without a signature: it moves nothing. That there is no such trade is not.
    """
    if error.refusal is Refusal.MALFORMED:
        return unreachable(Code.MALFORMED)
    try:
        whole = json_object(body)
    except RefusedError:
        return unreachable(Code.MALFORMED)
    told = next((part for name, part in whole.items() if name.endswith("_response")), None)
    is_unsigned = "sign" not in whole
    if is_unsigned and isinstance(told, dict) and told.get("code") not in {WORKED, BUSINESS}:
        return _general_failure(str(told.get("code", "")), str(told.get("sub_code", "")))
    return unreachable(Code.SIGNATURE)
