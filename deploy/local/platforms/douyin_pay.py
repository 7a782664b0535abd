"""Notices of payments in Douyin mini apps: JSON inside JSON, signed with a shared word."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from starlette.routing import BaseRoute

from deploy.local.platforms.accounts import Account, DouyinPayAccount
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import BAD, OK, Answer, Call, Content, Notice, Verdict
from deploy.local.platforms.trades import Event, Refund, RefundState, Trade, TradeState, digits


class DouyinPay:
    """Douyin's mini app payment; refunds are told by notices of type `refund`."""

    provider = "douyin_pay"
    patience_s = 5.0
    forgeries: tuple[str, ...] = ("other_key", "changed_body")

    def __init__(self, front: Front, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        self._front = front

    def name_trade(self, trade: Trade) -> None:
        """Give it its number: more than 2^53, as theirs are."""
        trade.id = digits(19)

    def name_refund(self, trade: Trade) -> str:  # As others need.
        """Give a refund its number."""
        return digits(19)

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return the notice of a payment, of one that failed or ran out, or of a refund."""
        words = {Event.PAID: "SUCCESS", Event.FAILED: "FAIL", Event.CLOSED: "TIMEOUT"}
        if event in words:
            return [Content("payment", trade.id, self._payment(trade, words[event]))]
        if event is Event.REFUND_SETTLED and refund is not None:
            return [Content("refund", refund.id, self._refund(trade, refund))]
        return []

    def call(self, notice: Notice, moment: Moment) -> Call:
        """Return one attempt, signed anew."""
        token = self._account(notice.trade).token
        return _call(notice.trade.notify_url, notice.content, token, moment)

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says that the trade is paid."""
        lie = replace(trade, state=TradeState.PAID, paid=moment, refunds={})
        content = Content("payment", trade.id, self._payment(lie, "SUCCESS"))
        token = self._account(trade).token if kind == "changed_body" else "guessed"
        call = _call(trade.notify_url, content, token, moment)
        if kind == "changed_body":
            told, by = str(trade.amount_minor), str(trade.amount_minor + 1)
            body = call.body.decode().replace(f'amount\\":{told}', f'amount\\":{by}')
            return replace(call, body=body.encode())
        return call

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:  # As others need.
        """Read the body: an `err_no` of 0 stops the retries."""
        try:
            told = orjson.loads(answer.body)
            code = told["err_no"]
        except (ValueError, KeyError, TypeError):
            return Verdict.AGAIN if answer.status >= BAD else Verdict.IMPROPER
        return Verdict.TAKEN if answer.status == OK and code == 0 else Verdict.AGAIN

    def routes(self) -> list[BaseRoute]:
        """Return nothing: it is not asked here."""
        return []

    def _account(self, trade: Trade) -> DouyinPayAccount:
        account = self._accounts()[trade.account]
        if not isinstance(account, DouyinPayAccount):
            raise TypeError(f"{trade.account} is no mini app at Douyin")
        return account

    def _payment(self, trade: Trade, word: str) -> dict[str, Any]:
        return {
            "appid": self._account(trade).app,
            "cp_orderno": trade.number,
            "cp_extra": "",
            "way": "2",
            "channel_no": "",
            "channel_gateway_no": "",
            "payment_order_no": "",
            "out_channel_order_no": "",
            "total_amount": trade.amount_minor,
            "status": word,
            "seller_uid": "73744242495132490630",
            "extra": "",
            "item_id": "",
            "paid_at": trade.paid.epoch_s() if trade.paid else 0,
            "message": "",
            "order_id": trade.id,
        }

    def _refund(self, trade: Trade, refund: Refund) -> dict[str, Any]:
        is_done = refund.state is RefundState.SUCCEEDED
        return {
            "appid": self._account(trade).app,
            "cp_refundno": refund.number,
            "cp_extra": "",
            "status": "SUCCESS" if is_done else "FAIL",
            "refund_amount": refund.amount_minor,
            "is_all_settled": False,
            "refunded_at": refund.settled.epoch_s() if refund.settled and is_done else 0,
            "message": "",
            "order_id": trade.id,
            "refund_no": refund.id,
        }


def signature_of(*parts: str) -> str:
    """Return the signature: SHA-1 of token, timestamp, nonce and message, sorted."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  # Theirs.


def _call(url: str, content: Content, token: str, moment: Moment) -> Call:
    message = orjson.dumps(content.fields).decode()
    timestamp, nonce = str(moment.epoch_s()), str(secrets.randbelow(9000) + 1000)
    body = {
        "msg": message,
        "msg_signature": signature_of(token, timestamp, nonce, message),
        "nonce": nonce,
        "timestamp": timestamp,
        "type": content.kind,
    }
    return Call(url, {"Content-Type": "application/json"}, orjson.dumps(body))
