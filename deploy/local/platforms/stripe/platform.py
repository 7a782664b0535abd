"""Stripe's events, and what it makes of the answers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.routing import BaseRoute

from deploy.local.platforms.accounts import Account, StripeAccount
from deploy.local.platforms.clock import Moment
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import Answer, Call, Content, Notice, Verdict, by_status
from deploy.local.platforms.stripe import wording
from deploy.local.platforms.stripe.api import StripeApi
from deploy.local.platforms.trades import Event, Refund, RefundState, Trade, TradeState, letters

INTENT_EVENTS: Final[Mapping[Event, str]] = {
    Event.CREATED: "payment_intent.created",
    Event.BEGUN: "payment_intent.processing",
    Event.AUTHORISED: "payment_intent.amount_capturable_updated",
    Event.PAID: "payment_intent.succeeded",
    Event.CLOSED: f"payment_intent.{wording.CANCELLED}",
    Event.FAILED: "payment_intent.payment_failed",
}

STALE_S: Final = 3600


class Stripe:
    """Stripe; several events may tell of one thing, and they overtake each other."""

    provider = "stripe"
    patience_s = 10.0
    forgeries: tuple[str, ...] = ("other_key", "changed_body", "stale")

    def __init__(self, front: Front, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        self._clock = front.desk.clock
        self._api = StripeApi(front)

    def name_trade(self, trade: Trade) -> None:
        """Give the payment intent its id, which it has from the start."""
        trade.id = trade.handle = trade.handle or f"pi_3{letters(23)}"

    def name_refund(self, trade: Trade) -> str:  # As others need.
        """Give a refund its id."""
        return f"re_3{letters(23)}"

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return the events: of the intent, of its charge, of the refund."""
        told: list[tuple[str, Mapping[str, Any]]] = []
        if event in INTENT_EVENTS:
            told.append((INTENT_EVENTS[event], wording.intent(trade)))
        if event is Event.PAID:
            told.append(("charge.succeeded", wording.charge(trade)))
        if event is Event.REFUND_ASKED and refund is not None:
            told.append(("refund.created", wording.refund(refund)))
            told.append(("charge.refunded", wording.charge(trade)))
        if event is Event.REFUND_SETTLED and refund is not None:
            failed = refund.state is RefundState.FAILED
            told.append(("refund.failed" if failed else "refund.updated", wording.refund(refund)))
        moment = self._clock.moment()
        contents = []
        for kind, described in told:
            event_id = f"evt_1{letters(23)}"
            fields = wording.event(event_id, kind, described, moment)
            contents.append(Content(kind, event_id, fields))
        return contents

    def call(self, notice: Notice, moment: Moment) -> Call:
        """Return one attempt, signed anew with every secret that is valid."""
        secrets_ = self._account(notice.trade).webhook_secrets
        return _call(notice.trade.notify_url, notice.content.fields, secrets_, moment.epoch_s())

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says that the intent succeeded."""
        lie = replace(trade, state=TradeState.PAID, paid=moment, refunds={})
        event_id = f"evt_1{letters(23)}"
        fields = wording.event(event_id, "payment_intent.succeeded", wording.intent(lie), moment)
        keys = self._account(trade).webhook_secrets if kind != "other_key" else ("whsec_guessed",)
        at_s = moment.epoch_s() - (STALE_S if kind == "stale" else 0)
        call = _call(trade.notify_url, fields, keys, at_s)
        if kind == "changed_body":
            return replace(call, body=call.body.replace(b'"succeeded"', b'"succeeded" '))
        return call

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:  # As others need.
        """Read the HTTP code."""
        return by_status(answer)

    def routes(self) -> list[BaseRoute]:
        """Return the API."""
        return self._api.routes()

    def _account(self, trade: Trade) -> StripeAccount:
        account = self._accounts()[trade.account]
        if not isinstance(account, StripeAccount):
            raise TypeError(f"{trade.account} is no account at Stripe")
        return account


def signature_of(key: str, timestamp_s: int, body: bytes) -> str:
    """Return a signature of scheme v1."""
    message = f"{timestamp_s}.".encode() + body
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def _call(url: str, fields: Mapping[str, Any], keys: tuple[str, ...], at_s: int) -> Call:
    # With white space, as theirs: what is signed is the bytes, not what they mean.
    body = orjson.dumps(fields, option=orjson.OPT_INDENT_2)
    signatures = [f"v1={signature_of(key, at_s, body)}" for key in keys]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": ",".join((f"t={at_s}", *signatures)),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    return Call(url, headers, body)
