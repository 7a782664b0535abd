"""Notifications of Amazon that EventBridge brings by HTTPS, with a key that we gave it.

The key proves the bus, and nothing of the message is signed; whose order it is stands in it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from clients.providers.accounts.shops import AmazonAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import json_object, malformed, name

TAKEN: Final = Answer(200, b"ok")
NOT_TAKEN: Final = Answer(503, b"fail")
# Of each kind that is followed: the template, and where its payload is.
FOLLOWED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ORDER_CHANGE": ("amazon.order_change", "OrderChangeNotification"),
        "ORDER_STATUS_CHANGE": ("amazon.order_status_change", "OrderStatusChangeNotification"),
    }
)


class Amazon:
    """Opens and answers what EventBridge brings."""

    def open(self, account: AmazonAccount, call: Call, now: object) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        given = call.headers.get("x-api-key", "").encode()
        if not any(hmac.compare_digest(own.encode(), given) for own in account.push_keys):
            raise RefusedError(Refusal.SIGNATURE, "x-api-key is none of ours")
        return opened(account, call.body)

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN


def opened(account: AmazonAccount, body: bytes) -> Opened:
    """Return what a notification says, from EventBridge or from a queue.

    Raises:
        RefusedError: it is none, or another seller's.
    """
    envelope = json_object(body)
    notice = envelope.get("detail", envelope)
    kind = _inner(notice, "NotificationType")
    if not isinstance(kind, str):
        raise malformed("NotificationType is missing or no text")
    template, holder = FOLLOWED.get(kind, ("amazon.unknown", ""))
    change = _inner(notice, "Payload", holder)
    if holder and _inner(change, "SellerId") != account.seller:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "SellerId is another")
    return Opened(
        template=template,
        message_id=name(_inner(notice, "NotificationMetadata", "NotificationId")),
        body=body,
        content_type=JSON,
        order_hint=name(_inner(change, "AmazonOrderId")),
    )


def _inner(holder: object, *keys: str) -> Any:  # noqa: ANN401  # Whatever the message has there.
    for key in keys:
        holder = holder.get(key) if isinstance(holder, Mapping) else None
    return holder
