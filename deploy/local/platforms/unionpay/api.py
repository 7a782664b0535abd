"""UnionPay's back end: queries and refunds; that a query worked says nothing of the payment."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.accounts import Account, UnionPayAccount
from deploy.local.platforms.behaviour import Fault
from deploy.local.platforms.front import HTML, Front, Question, RejectedError, Reply, plain
from deploy.local.platforms.trades import Refund, RefusedError, Trade, TradeState
from deploy.local.platforms.unionpay import writing

REFUSALS: Final = {
    "reused": ("12", "重复交易[1200000]"),
    "state": ("35", "原交易状态不正确[3500000]"),
    "amount": ("36", "退货金额不能大于原交易金额[3600000]"),
}

# The parts of a request that its answers repeat.
ECHOED: Final = ("txnTime", "reqReserved", "origOrderId", "origTxnTime")

MEDIA_TYPE: Final = "text/html;charset=UTF-8"


class UnionPayApi:
    """Messages in and out have the same fields; answers are not url-encoded."""

    provider = "unionpay"
    signs_answers = True

    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> list[BaseRoute]:
        """Return the routes, at the same paths as the real ones."""
        base, route = "/gateway/api", self._front.route
        return [
            route(self, f"{base}/queryTrans.do", ["POST"], self._query),
            route(self, f"{base}/backTransReq.do", ["POST"], self._refund),
        ]

    def seal(
        self, request: Request, account: Account | None, reply: Reply, *, wrongly: bool
    ) -> Response:
        """Sign an answer."""
        if not isinstance(account, UnionPayAccount) or reply.media_type != MEDIA_TYPE:
            return plain(reply)
        key = certs.forger() if wrongly else account.key
        fields = writing.signed(writing.parse(reply.body.decode()), key, account.certificate)
        return Response(writing.joined(fields), reply.status, media_type=MEDIA_TYPE)

    def broken(self, fault: Fault) -> Reply:
        """Answer as a gateway whose back end is away."""
        if fault is Fault.ERROR_200:
            return _told({}, ("03", "交易通讯超时，请发起查询交易[0300000]"))
        return Reply(429 if fault is Fault.TOO_MANY else 500, HTML, "text/html")

    def _query(self, _: Request, body: bytes) -> Question:
        fields, account = self._authenticate(body)
        number = fields.get("orderId") or fields.get("queryId", "")

        def act() -> Reply:
            echo = _echo(fields)
            if "queryId" not in fields and not (fields.get("orderId") and fields.get("txnTime")):
                return _told(echo, writing.MALFORMED)
            found = self._find(account, fields)
            if isinstance(found, Refund):
                told = writing.refund(account.merchant, found)
                return _told(told, writing.SUCCESS, writing.ORIGINAL_REFUND[found.state])
            # What nobody has begun to pay is not there yet.
            if found is None or found.state is TradeState.WAITING:
                return _told(echo, writing.NO_TRADE)
            told = writing.payment(account.merchant, found)
            return _told(told, writing.SUCCESS, writing.ORIGINAL[found.state])

        return Question("query", account, number, act)

    def _refund(self, _: Request, body: bytes) -> Question:
        fields, account = self._authenticate(body)
        name = fields.get("origQryId") or fields.get("origOrderId", "")
        book = self._front.desk.book
        trade = book.find(self.provider, account.name, name)

        def act() -> Reply:
            amount, number = fields.get("txnAmt", ""), fields.get("orderId", "")
            if fields.get("txnType") not in ("04", "31") or not amount.isdigit() or not number:
                return _told(_echo(fields), writing.MALFORMED)
            if trade is None:
                return _told(_echo(fields), writing.NO_TRADE)
            try:
                refund, _ = self._front.desk.refund(
                    trade,
                    number=number,
                    id=writing.query_id(trade),
                    amount_minor=int(amount),
                    metadata={name: fields[name] for name in ECHOED if fields.get(name)},
                )
            except RefusedError as error:
                return _told(_echo(fields), REFUSALS[error.reason])
            # Accepted, not done: the result comes by notice or query.
            return _told({**_echo(fields), "queryId": refund.id}, writing.SUCCESS)

        return Question("refund", account, trade.number if trade else name, act)

    def _find(self, account: UnionPayAccount, fields: Mapping[str, str]) -> Trade | Refund | None:
        book, owner = self._front.desk.book, (self.provider, account.name)
        if query_id := fields.get("queryId"):
            return book.find(*owner, query_id) or book.find_refund(*owner, query_id)
        number, time = fields["orderId"], fields["txnTime"]
        refund = book.find_refund(*owner, number)
        if refund is not None and writing.refund(account.merchant, refund)["txnTime"] == time:
            return refund
        return next(
            (each for each in book.all_of(*owner, number) if each.handle == time),
            None,
        )

    def _authenticate(self, body: bytes) -> tuple[dict[str, str], UnionPayAccount]:
        """Return the message and who signed it.

        Raises:
            RejectedError: nobody whom we know, or not this message.
        """
        fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        account = next(
            (
                each
                for each in self._front.accounts(UnionPayAccount)
                if each.merchant == fields.get("merId")
            ),
            None,
        )
        if account is None:
            raise RejectedError(_told(_echo(fields), writing.MALFORMED))
        if not writing.is_of(fields, account.merchant_certificate):
            raise RejectedError(_told(_echo(fields), writing.BAD_SIGNATURE), account)
        return fields, account


def _echo(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what an answer repeats of its request."""
    left_out = ("signature", "certId", "signMethod", "signPubKeyCert")
    return {name: value for name, value in fields.items() if name not in left_out}


def _told(
    fields: Mapping[str, str],
    answer: tuple[str, str],
    original: tuple[str, str] | None = None,
) -> Reply:
    told = {**fields, "respCode": answer[0], "respMsg": answer[1]}
    if original is not None:
        told |= {"origRespCode": original[0], "origRespMsg": original[1]}
    reason = "" if answer is writing.SUCCESS else f"respCode {answer[0]}"
    return Reply(200, writing.joined(told), MEDIA_TYPE, reason=reason)
