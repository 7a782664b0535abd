"""Webhooks of Shopify: an order as JSON, signed over the raw body with the application's secret.

The headers are not signed. What they say decides only which template reads the body, and by which
number a repeat is known; the body says everything else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clients.providers.accounts.shops import ShopifyAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import bounded, json_object, name

TAKEN: Final = Answer(200, b"ok")
# Eight failures within four hours, and the platform takes the subscription away: what is merely
# unknown to us is kept, not refused.
NOT_TAKEN: Final = Answer(503, b"fail")
# Topics whose body is an order; of `orders/delete` it is a number alone.
ORDERS: Final = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)
# Topics whose body belongs to an order, and names it.
PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "refunds/create": "shopify.refund",
        "fulfillments/create": "shopify.fulfillment",
        "fulfillments/update": "shopify.fulfillment",
    }
)


class Shopify:
    """Opens and answers the webhooks of Shopify."""

    def open(self, account: ShopifyAccount, call: Call, now: object) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        given = call.headers.get("x-shopify-hmac-sha256", "").encode()
        ours = [signature(secret, bounded(call.body)) for secret in account.webhook_secrets]
        if not any(hmac.compare_digest(own.encode(), given) for own in ours):
            raise RefusedError(Refusal.SIGNATURE, "x-shopify-hmac-sha256 is not the platform's")
        if call.headers.get("x-shopify-shop-domain", account.shop) != account.shop:
            raise RefusedError(Refusal.OTHER_ACCOUNT, "x-shopify-shop-domain is another")
        template, number = _kind(call.headers.get("x-shopify-topic", ""), json_object(call.body))
        return Opened(
            template=template,
            message_id=name(call.headers.get("x-shopify-webhook-id")),
            body=call.body,
            content_type=JSON,
            order_hint=name(str(number)) if number is not None else "",
        )

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body)

    def again(self, call: Call) -> Answer:
        """Return what makes the platform come again."""
        return NOT_TAKEN


def _kind(topic: str, body: Mapping[str, object]) -> tuple[str, object]:
    """Return which template reads the body, and the number of the order that it names."""
    if topic in ORDERS and "line_items" in body:
        return "shopify.order", body.get("id")
    if topic in PARTS and "order_id" in body:
        return PARTS[topic], body["order_id"]
    return "shopify.unknown", None


def signature(secret: str, body: bytes) -> str:
    """Return the signature: HMAC-SHA256 over the raw body, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
