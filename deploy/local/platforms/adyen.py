"""Adyen's notices; it has no question that tells the state of a payment."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.routing import BaseRoute

from deploy.local.platforms.accounts import Account, AdyenAccount
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import Answer, Call, Content, Notice, Verdict, by_status
from deploy.local.platforms.trades import Event, Refund, RefundState, Trade, TradeState, letters

# Which events are told, under which code, and whether as a success.
EVENTS: Final[Mapping[Event, tuple[str, str]]] = {
    Event.AUTHORISED: ("AUTHORISATION", "true"),
    Event.PAID: ("AUTHORISATION", "true"),
    Event.FAILED: ("AUTHORISATION", "false"),
    Event.CLOSED: ("CANCELLATION", "true"),
}

REFUNDS: Final[Mapping[RefundState, tuple[str, str]]] = {
    RefundState.SUCCEEDED: ("REFUND", "true"),
    RefundState.CLOSED: ("REFUND", "false"),
    RefundState.FAILED: ("REFUND_FAILED", "true"),
}

SIGNED: Final = (
    *("pspReference", "originalReference", "merchantAccountCode", "merchantReference"),
    *("value", "currency", "eventCode", "success"),
)


class Adyen:
    """Adyen; each call carries one item, though it could carry several."""

    provider = "adyen"
    patience_s = 10.0
    forgeries: tuple[str, ...] = ("other_key", "changed_body", "no_signature")

    def __init__(self, front: Front, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        self._clock = front.desk.clock

    def name_trade(self, trade: Trade) -> None:
        """Give it its pspReference."""
        trade.id = _reference()

    def name_refund(self, trade: Trade) -> str:  # As others need.
        """Give a refund its pspReference."""
        return _reference()

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return the notice of what is told; a capture only where the money was reserved first."""
        moment = self._clock.moment()
        if event is Event.REFUND_SETTLED and refund is not None:
            told = REFUNDS[refund.state]
            item = self._item(trade, told, moment, id_of=refund.id, minor=refund.amount_minor)
        elif event is Event.PAID and trade.was_authorised:
            item = self._item(trade, ("CAPTURE", "true"), moment, id_of=_reference())
        elif event in EVENTS:
            item = self._item(trade, EVENTS[event], moment)
        else:
            return []
        return [Content(item["eventCode"], item["pspReference"], item)]

    def call(self, notice: Notice, moment: Moment) -> Call:  # As others need.
        """Return one attempt; it is the same each time."""
        account = self._account(notice.trade)
        signature = signature_of(notice.content.fields, account.hmac_key)
        return _call(notice.trade.notify_url, notice.content.fields, signature)

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says that the trade is paid."""
        account = self._account(trade)
        lie = replace(trade, state=TradeState.PAID, paid=moment, refunds={})
        item = self._item(lie, EVENTS[Event.PAID], moment)
        key = account.hmac_key if kind == "changed_body" else "00" * 32
        signature = "" if kind == "no_signature" else signature_of(item, key)
        if kind == "changed_body":
            item["amount"] = {**item["amount"], "value": trade.amount_minor + 1}
        return _call(trade.notify_url, item, signature)

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:  # As others need.
        """Read the HTTP code."""
        return by_status(answer)

    def routes(self) -> list[BaseRoute]:
        """Return nothing."""
        return []

    def _account(self, trade: Trade) -> AdyenAccount:
        account = self._accounts()[trade.account]
        if not isinstance(account, AdyenAccount):
            raise TypeError(f"{trade.account} is no account at Adyen")
        return account

    def _item(
        self,
        trade: Trade,
        told: tuple[str, str],
        moment: Moment,
        *,
        id_of: str = "",
        minor: int = 0,
    ) -> dict[str, Any]:
        item: dict[str, Any] = {
            "amount": {"currency": trade.currency, "value": minor or trade.amount_minor},
            "eventCode": told[0],
            "eventDate": moment.stamp.isoformat(timespec="milliseconds"),
            "merchantAccountCode": self._account(trade).merchant,
            "merchantReference": trade.number,
            "paymentMethod": "visa",
            "pspReference": id_of or trade.id,
            "reason": "",
            # Text, not a truth value.
            "success": told[1],
        }
        if id_of or told[0] == "CANCELLATION":
            item["originalReference"] = trade.id
        else:
            item["operations"] = ["CANCEL", "CAPTURE", "REFUND"]
        return item


def signature_of(item: Mapping[str, Any], key: str) -> str:
    """Return the signature of an item."""
    flat = {**item, **item["amount"]}
    text = ":".join(str(flat.get(name, "")) for name in SIGNED)
    digest = hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _call(url: str, item: Mapping[str, Any], signature: str) -> Call:
    extra = {"additionalData": {"hmacSignature": signature}} if signature else {}
    whole = {**item, **extra}
    body = {"live": "false", "notificationItems": [{"NotificationRequestItem": whole}]}
    return Call(url, {"Content-Type": "application/json; charset=utf-8"}, orjson.dumps(body))


def _reference() -> str:
    return letters(16).upper()
