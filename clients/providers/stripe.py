"""Callbacks of Stripe: events as JSON, signed with the endpoint's secret.

The check is the library's, written anew because the library takes no clock; tests hold the two
together.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Any, Final

from clients.providers.accounts.account import StripeAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import bounded, json_object, malformed, name, string

TAKEN: Final = Answer(200, b'{"received":true}', JSON)
NOT_TAKEN: Final = Answer(503, b'{"received":false}', JSON)

WINDOW_S: Final = 300
TIMESTAMP: Final = re.compile(r"[1-9]\d{8,10}", re.ASCII)
# The header has one signature a secret; the platform keeps two of them during a change.
PARTS_MAX: Final = 20
FOLLOWED: Final = re.compile(r"payment_intent\..+|charge\.refunded|refund\..+")


class Stripe:
    """Opens and answers the callbacks of Stripe."""

    def open(self, account: StripeAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        _verify(account, call.headers.get("stripe-signature", ""), bounded(call.body), now)
        event = json_object(call.body)
        if event.get("object") != "event":
            raise malformed("object is no event")
        is_followed = FOLLOWED.fullmatch(string(event, "type")) is not None
        return Opened(
            template="stripe.event" if is_followed else "stripe.unknown",
            message_id=name(string(event, "id")),
            body=call.body,
            content_type=JSON,
            order_hint=name(_order(event)),
        )

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body, NOT_TAKEN.content_type)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN


def _verify(account: StripeAccount, header: str, body: bytes, now: datetime) -> None:
    parts = [part.partition("=") for part in header.split(",", PARTS_MAX)]
    timestamps = [value for key, _, value in parts if key == "t"]
    signatures = [value.encode() for key, _, value in parts if key == "v1"]
    if len(parts) > PARTS_MAX or len(timestamps) != 1 or not signatures:
        raise RefusedError(Refusal.SIGNATURE, "stripe-signature has no time and signature")
    (timestamp,) = timestamps
    if TIMESTAMP.fullmatch(timestamp) is None:
        raise malformed("stripe-signature has no sound time")
    if abs(now.timestamp() - int(timestamp)) > WINDOW_S:
        raise RefusedError(Refusal.STALE, "stripe-signature is more than 300 s off")
    text = timestamp.encode() + b"." + body
    ours = [
        hmac.new(secret.encode(), text, hashlib.sha256).hexdigest().encode()
        for secret in account.webhook_secrets
    ]
    if not any(hmac.compare_digest(own, given) for own in ours for given in signatures):
        raise RefusedError(Refusal.SIGNATURE, "stripe-signature is not the platform's")


def _order(event: dict[str, Any]) -> object:
    """Return our number of the trade, where the object of the event names it."""
    found: object = event
    for key in ("data", "object", "metadata", "order"):
        found = found.get(key) if isinstance(found, dict) else None
    return found
