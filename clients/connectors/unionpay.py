"""Asks UnionPay (5.1.0) about transactions, and to refund.

A transaction is found by our order number and the very time that we sent it with, or by the
platform's own number. A refund is a
transaction of its own: its number is our refund number, and its time is when we began to wait for
it, which stays the same however often it is sent; so the platform knows a repeat.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Final
from urllib.parse import urlencode

from clients.connectors.inquiry import (
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
from clients.providers.accounts.account import UnionPayAccount
from clients.providers.calls import Refusal, RefusedError
from clients.providers.parsing import decoded, fields_of_plain
from clients.providers.unionpay import signing

QUERY: Final = "unionpay.query"
REFUND: Final = "unionpay.refund"
CURRENCY: Final = "CNY"
BEIJING: Final = timezone(timedelta(hours=8))
TIME: Final = re.compile(r"\d{14}", re.ASCII)
# What the platform takes for a number of ours.
NUMBER: Final = re.compile(r"[A-Za-z0-9]{8,40}", re.ASCII)
FORM: Final = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}

QUERY_FIELDS: Final = {
    "txnType": "00",
    "txnSubType": "00",
    "bizType": "000000",
    "accessType": "0",
    "channelType": "07",
}
REFUND_FIELDS: Final = {
    "txnType": "04",
    "txnSubType": "00",
    "bizType": "000201",
    "accessType": "0",
    "channelType": "07",
    # Yuan: the answer repeats it.
    "currencyCode": "156",
}

WORKED: Final = "00"
NO_SUCH_TRADE: Final = "34"
REPEATED: Final = "12"
TOO_OFTEN: Final = "37"
# Accepted; the result is to be asked for.
ACCEPTED: Final = frozenset({"00", "05", "A6"})
# Closed for the moment, timed out inside, state unknown, busy.
PASSING: Final = frozenset({"02", "03", "04", "05", "06"})


class UnionPay:
    """`Connector` of UnionPay."""

    def __init__(self, web: Web, *, clock: Clock) -> None:
        self._web = web
        self._clock = clock

    async def ask(self, account: UnionPayAccount, question: Question) -> Finding:
        if not question.is_refund:
            return await self._query(account, question.trade, _names(question))
        if question.submit:
            return await self._submit_refund(account, question)
        names = {"orderId": question.refund, "txnTime": _refund_time(question)}
        return await self._query(account, question.refund, names)

    async def _query(
        self, account: UnionPayAccount, number: str, names: Mapping[str, str]
    ) -> Finding:
        reply, told = await self._call(account, "queryTrans.do", {**QUERY_FIELDS, **names})
        code = told.get("respCode", "")
        if code == NO_SUCH_TRADE:
            raise not_found(code)
        if code != WORKED:
            raise _failure(code)
        # That the query worked is no payment: `origRespCode` tells of that, to whoever reads.
        if told.get("orderId") != number:
            raise unreachable(Code.OTHER_TRADE)
        return Finding(Result.ANSWERED, code, evidence=_evidence(QUERY, reply, told))

    async def _submit_refund(self, account: UnionPayAccount, question: Question) -> Finding:
        amount = question.amount
        is_fit = NUMBER.fullmatch(question.refund) is not None
        if not is_fit or amount is None or amount.currency != CURRENCY:
            raise refused(Code.REFUND_UNFIT)
        if not question.payment:
            raise refused(Code.HANDLE_MISSING)
        wanted = {
            **REFUND_FIELDS,
            "orderId": question.refund,
            "txnTime": _refund_time(question),
            "origQryId": question.payment,
            "txnAmt": str(amount.minor),
            "backUrl": account.callback_url,
            # Comes back with every word about the refund, which names its trade nowhere else.
            "reqReserved": question.trade,
        }
        reply, told = await self._call(account, "backTransReq.do", wanted)
        code = told.get("respCode", "")
        if code == REPEATED:
            # It has our number already; what became of it is asked next.
            return Finding(Result.SUBMITTED, code)
        if code not in ACCEPTED:
            raise _failure(code)
        if told.get("orderId") != question.refund:
            raise unreachable(Code.OTHER_TRADE)
        return Finding(Result.SUBMITTED, code, evidence=_evidence(REFUND, reply, told))

    async def _call(
        self, account: UnionPayAccount, name: str, wanted: Mapping[str, str]
    ) -> tuple[Reply, dict[str, str]]:
        """Return the answer as it came, and its fields, once they are proved.

        Raises:
            NothingLearntError: nothing is proved.
        """
        form = urlencode(signing.request(account, wanted)).encode()
        url = f"{account.api.rstrip('/')}/{name}"
        reply = await self._web.send("POST", url, headers=FORM, body=form)
        self._web.refuse_failure(reply)
        try:
            return reply, signing.answer(account, reply.body, self._clock())
        except RefusedError as error:
            raise _unproved(error, reply.body) from error


def _names(question: Question) -> dict[str, str]:
    """Return how the platform finds a payment: by our number and its time, or by its own number.

    Raises:
        NothingLearntError: nobody told either.
    """
    if TIME.fullmatch(question.handle) is not None:
        return {"orderId": question.trade, "txnTime": question.handle}
    if question.payment:
        return {"queryId": question.payment}
    raise refused(Code.HANDLE_MISSING)


def _evidence(template: str, reply: Reply, told: Mapping[str, str]) -> Evidence:
    charset = told.get("encoding", "utf-8").lower()
    return Evidence(template, reply.body, f"text/plain; charset={charset}")


def _refund_time(question: Question) -> str:
    """Return the time that the refund is sent with: when the wait for it began, in Beijing."""
    return question.since.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def _failure(code: str) -> NothingLearntError:
    if code == TOO_OFTEN:
        return throttled(code)
    if code in PASSING or not code:
        return unreachable(code or Code.MALFORMED)
    return refused(code)


def _unproved(error: RefusedError, body: bytes) -> NothingLearntError:
    """Return what an answer teaches that is not proved: at most why we are not answered.

    The platform does not sign what it says to somebody it does not know.
    """
    if error.refusal is Refusal.MALFORMED:
        return unreachable(Code.MALFORMED)
    try:
        told = decoded(fields_of_plain(body), "utf-8")
    except RefusedError:
        return unreachable(Code.MALFORMED)
    code = told.get("respCode", "")
    if "signature" not in told and code not in {"", NO_SUCH_TRADE, REPEATED, *ACCEPTED}:
        return _failure(code)
    return unreachable(Code.SIGNATURE)
