"""UnionPay's notices, and what it makes of the answers."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.routing import BaseRoute

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.accounts import Account, UnionPayAccount
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import Answer, Call, Content, Notice, Verdict, by_status
from deploy.local.platforms.trades import Event, Refund, RefundState, Trade, TradeState
from deploy.local.platforms.unionpay import writing
from deploy.local.platforms.unionpay.api import UnionPayApi


class UnionPay:
    """UnionPay; a trade is found by the merchant's number and the time he gave it (`txnTime`)."""

    provider = "unionpay"
    patience_s = 5.0
    forgeries: tuple[str, ...] = ("other_key", "changed_body", "own_certificate", "other_merchant")

    def __init__(self, front: Front, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        self._api = UnionPayApi(front)
        now = front.desk.clock.now()
        # What anyone can make for himself: a certificate that only looks like the real one.
        root = certs.authority(now, certs.forger(), C="CN", O="Nobody", CN="CFCA ACS OCA31")
        name = "041@8310000000083040@中国银联股份有限公司@00016495"
        self._own = certs.certified(
            now, root, certs.forger(), C="cn", O="CFCA OCA1", OU="Local RA OCA1", CN=name
        )

    def name_trade(self, trade: Trade) -> None:
        """Give it the time by which the merchant made it, and the number of its payment."""
        trade.handle = trade.handle or trade.created.beijing(writing.TIME)
        trade.id = writing.query_id(trade)

    def name_refund(self, trade: Trade) -> str:
        """Give a refund its number."""
        return writing.query_id(trade)

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return the notice of a payment, or of a refund that went through."""
        merchant = self._account(trade).merchant
        done = {"respCode": "00", "respMsg": "success", "exchangeRate": "0"}
        if event is Event.PAID:
            return [Content("01", trade.id, {**writing.payment(merchant, trade), **done})]
        is_refunded = refund is not None and refund.state is RefundState.SUCCEEDED
        if event is Event.REFUND_SETTLED and refund is not None and is_refunded:
            return [Content("04", refund.id, {**writing.refund(merchant, refund), **done})]
        return []

    def call(self, notice: Notice, moment: Moment) -> Call:  # As others need.
        """Return one attempt: the same message, under the certificate in use."""
        account = self._account(notice.trade)
        signed = writing.signed(notice.content.fields, account.key, account.certificate)
        return _call(notice.trade.notify_url, signed)

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says that the trade is paid."""
        account = self._account(trade)
        lie = replace(trade, state=TradeState.PAID, paid=moment, refunds={})
        fields = {**writing.payment(account.merchant, lie), "respCode": "00", "respMsg": "success"}
        key, certificate = self._forger(account, kind)
        signed = writing.signed(fields, key, certificate)
        if kind == "changed_body":
            signed["txnAmt"] = str(trade.amount_minor + 1)
        return _call(trade.notify_url, signed)

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:  # As others need.
        """Read the HTTP code."""
        return by_status(answer)

    def routes(self) -> list[BaseRoute]:
        """Return the two addresses of the back end."""
        return self._api.routes()

    def _account(self, trade: Trade) -> UnionPayAccount:
        account = self._accounts()[trade.account]
        if not isinstance(account, UnionPayAccount):
            raise TypeError(f"{trade.account} is no merchant at UnionPay")
        return account

    def _forger(
        self, account: UnionPayAccount, kind: str
    ) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        if kind == "own_certificate":
            return self._own.key, self._own.certificate
        if kind == "other_merchant":
            # Of the same root as the platform's: every merchant has one of those.
            return account.other_merchant.key, account.other_merchant.certificate
        key = self._own.key if kind == "other_key" else account.key
        return key, account.certificate


def _call(url: str, fields: Mapping[str, str]) -> Call:
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    return Call(url, headers, urllib.parse.urlencode(fields).encode())
