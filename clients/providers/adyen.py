"""Callbacks of Adyen: a list of items, each signed for itself.

An item's signature covers eight values joined by colons, not the whole body. So these values may
hold no colon where one could be moved from one to the next, and everything else is unproved.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from clients.providers.accounts.account import AdyenAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import json_object, malformed, name, string

TAKEN: Final = Answer(200, b"[accepted]")
NOT_TAKEN: Final = Answer(503, b"[failed]")

# The platform sends one in JSON; the format allows more.
ITEMS_MAX: Final = 100
WITHOUT_COLON: Final = re.compile(r"[^:]*")
FORMATS: Final[Mapping[str, re.Pattern[str]]] = {
    "pspReference": re.compile(r"[^:]+"),
    "originalReference": WITHOUT_COLON,
    "merchantAccountCode": re.compile(r"[^:]+"),
    "eventCode": re.compile(r"[A-Z_]+", re.ASCII),
    "success": re.compile(r"true|false", re.ASCII),
}
CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# What the template reads; a test holds the two together.
FOLLOWED: Final = frozenset(
    {
        "AUTHORISATION",
        "CANCELLATION",
        "CANCEL_OR_REFUND",
        "CAPTURE",
        "CAPTURE_FAILED",
        "CHARGEBACK",
        "CHARGEBACK_REVERSED",
        "EXPIRE",
        "NOTIFICATION_OF_CHARGEBACK",
        "OFFER_CLOSED",
        "PENDING",
        "REFUND",
        "REFUNDED_REVERSED",
        "REFUND_FAILED",
        "REQUEST_FOR_INFORMATION",
        "SECOND_CHARGEBACK",
        "TECHNICAL_CANCEL",
    }
)


class Adyen:
    """Opens and answers the callbacks of Adyen."""

    def open(self, account: AdyenAccount, call: Call, now: datetime) -> Opened:
        """Return what the call says, once it is proved for each of its items.

        Raises:
            RefusedError: it is not.
        """
        items = _items(json_object(call.body))
        for item in items:
            _verify(account, item)
        first = items[0]
        is_followed = any(item["eventCode"] in FOLLOWED for item in items)
        return Opened(
            template="adyen.notice" if is_followed else "adyen.unknown",
            message_id=_message_id(first) if len(items) == 1 else "",
            body=call.body,
            content_type=JSON,
            order_hint=name(first.get("merchantReference")),
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


def signature(key: bytes, item: Mapping[str, Any]) -> str:
    """Return the signature of an item."""
    amount = item["amount"]
    values = (
        item["pspReference"],
        item.get("originalReference", ""),
        item["merchantAccountCode"],
        item.get("merchantReference", ""),
        amount["value"],
        amount["currency"],
        item["eventCode"],
        item["success"],
    )
    text = ":".join(map(str, values)).encode()
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def _items(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    wrapped = body.get("notificationItems")
    if not isinstance(wrapped, list) or not 0 < len(wrapped) <= ITEMS_MAX:
        raise malformed("notificationItems is no list of items")
    items = [
        each.get("NotificationRequestItem") if isinstance(each, dict) else None for each in wrapped
    ]
    return [_sound(item) for item in items]


def _sound(item: object) -> dict[str, Any]:
    """Return an item whose eight values can be told apart in what is signed."""
    if not isinstance(item, dict):
        raise malformed("NotificationRequestItem is missing")
    for field, pattern in FORMATS.items():
        value = item.get(field, "")
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise malformed(f"{field} is not sound")
    if not isinstance(item.get("merchantReference", ""), str):
        raise malformed("merchantReference is no text")
    amount = item.get("amount")
    value = amount.get("value") if isinstance(amount, dict) else None
    if type(value) is not int or CURRENCY.fullmatch(string(amount, "currency")) is None:
        raise malformed("amount is not sound")
    return item


def _verify(account: AdyenAccount, item: Mapping[str, Any]) -> None:
    given = string(item.get("additionalData"), "hmacSignature").encode()
    ours = [signature(key, item).encode() for key in account.hmac_keys]
    if not any(hmac.compare_digest(own, given) for own in ours):
        raise RefusedError(Refusal.SIGNATURE, "hmacSignature is not the platform's")
    if item["merchantAccountCode"] != account.merchant:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "merchantAccountCode is another")


def _message_id(item: Mapping[str, Any]) -> str:
    return name(f"{item['pspReference']}:{item['eventCode']}:{item['success']}")
