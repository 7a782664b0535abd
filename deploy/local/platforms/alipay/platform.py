"""Alipay's notices, and what it makes of the answers."""

from __future__ import annotations

import secrets
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from starlette.routing import BaseRoute

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.accounts import Account, AlipayAccount
from deploy.local.platforms.alipay.api import AlipayApi
from deploy.local.platforms.alipay.writing import STATUSES, TIME, message, yuan
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import BAD, OK, Answer, Call, Content, Notice, Verdict
from deploy.local.platforms.signing import sign
from deploy.local.platforms.trades import Event, Refund, RefundState, Trade, TradeState, digits

# What is told; that a trade waits is not, by default.
TOLD: Final = (Event.PAID, Event.FINISHED, Event.CLOSED)


class Alipay:
    """Alipay; one notice tells the state of a trade, whatever happened to it."""

    provider = "alipay"
    patience_s = 10.0
    forgeries: tuple[str, ...] = ("other_key", "changed_body", "no_signature")

    def __init__(self, front: Front, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        self._api = AlipayApi(front)

    def name_trade(self, trade: Trade) -> None:
        """Give it the number that it will have once the buyer has scanned its code."""
        trade.id = f"{trade.created.beijing('%Y%m%d')}22001{digits(15)}"

    def name_refund(self, trade: Trade) -> str:
        """Give a refund an id; merchants never see it."""
        return f"{trade.id}-{secrets.token_hex(4)}"

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return the notice of a trade's state; refunds that do not succeed are not told."""
        if event is Event.REFUND_SETTLED:
            if refund is None or refund.state is not RefundState.SUCCEEDED:
                return []
        elif event not in TOLD:
            return []
        fields = self._fields(trade, refund)
        return [Content(fields["trade_status"], fields["notify_id"], fields)]

    def call(self, notice: Notice, moment: Moment) -> Call:
        """Return one attempt: the same notify_id, signed anew."""
        account = self._account(notice.trade)
        fields = {**notice.content.fields, "notify_time": moment.beijing(TIME)}
        unsigned = message(fields, without=("sign", "sign_type"))
        return _call(notice.trade.notify_url, {**fields, "sign": sign(account.key, unsigned)})

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says that the trade is paid."""
        account = self._account(trade)
        lie = replace(trade, state=TradeState.PAID, paid=moment, refunds={})
        fields = {**self._fields(lie, None), "notify_time": moment.beijing(TIME)}
        key = certs.forger() if kind == "other_key" else account.key
        fields["sign"] = sign(key, message(fields, without=("sign", "sign_type")))
        if kind == "changed_body":
            fields["total_amount"] = yuan(trade.amount_minor + 1)
        if kind == "no_signature":
            del fields["sign"]
        return _call(trade.notify_url, fields)

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:  # As others need.
        """Read the body: exactly `success` stops the retries.

        Anything else is a failure to the platform; of ours we want it to be meant as one.
        """
        if answer.status == OK and answer.body == b"success":
            return Verdict.TAKEN
        is_meant = answer.body in (b"fail", b"failure") or answer.status >= BAD
        return Verdict.AGAIN if is_meant else Verdict.IMPROPER

    def routes(self) -> list[BaseRoute]:
        """Return the gateway."""
        return self._api.routes()

    def _account(self, trade: Trade) -> AlipayAccount:
        account = self._accounts()[trade.account]
        if not isinstance(account, AlipayAccount):
            raise TypeError(f"{trade.account} is no app at Alipay")
        return account

    def _fields(self, trade: Trade, refund: Refund | None) -> dict[str, str]:
        account, amount = self._account(trade), yuan(trade.amount_minor)
        fields = {
            "app_id": account.app,
            "auth_app_id": account.app,
            "charset": "utf-8",
            "gmt_create": trade.created.beijing(TIME),
            "notify_id": f"{trade.created.beijing('%Y%m%d')}0{secrets.token_hex(12)}",
            "notify_type": "trade_status_sync",
            "out_trade_no": trade.number,
            "seller_id": account.seller,
            "sign_type": "RSA2",
            # Real subjects hold what a careless decoder makes a space or a letter of.
            "subject": trade.subject or f"订单+{trade.number} 100% ü",
            "total_amount": amount,
            "trade_no": trade.id,
            "trade_status": STATUSES[trade.state],
            "version": "1.0",
        }
        if trade.paid is not None:
            fields |= {
                "buyer_id": "2088722003899169",
                "buyer_pay_amount": amount,
                "fund_bill_list": f'[{{"amount":"{amount}","fundChannel":"ALIPAYACCOUNT"}}]',
                "gmt_payment": trade.paid.beijing(TIME),
                "invoice_amount": amount,
                "point_amount": "0.00",
                "receipt_amount": amount,
            }
        if refund is not None and refund.settled is not None:
            back = sum(
                each.amount_minor
                for each in trade.refunds.values()
                if each.state is RefundState.SUCCEEDED
            )
            if back == trade.amount_minor:
                fields["trade_status"] = "TRADE_CLOSED"
                fields["gmt_close"] = refund.settled.beijing(TIME)
            # The sum of all refunds so far, not this one's; `out_biz_no` says which one it is.
            fields |= {
                "refund_fee": yuan(back),
                "gmt_refund": f"{refund.settled.beijing(TIME)}.000",
                "out_biz_no": refund.number,
            }
        elif trade.closed is not None:
            fields["gmt_close"] = trade.closed.beijing(TIME)
        return fields


def _call(url: str, fields: Mapping[str, str]) -> Call:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Call(url, headers, urllib.parse.urlencode(fields).encode())
