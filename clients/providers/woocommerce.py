"""Webhooks of WooCommerce: an order as JSON, signed over the raw body with the webhook's secret.

A webhook that is made or changed greets its address first, with a form and no signature: who does
not answer that well gets nothing more. The platform comes once; after five failures in a row it
never comes again, so its orders must also be asked for.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

from clients.providers.accounts.shops import WooCommerceAccount
from clients.providers.calls import JSON, STATUSES, Answer, Call, Opened, Refusal, RefusedError
from clients.providers.parsing import bounded, json_object, name
from clients.providers.shopify import signature

TAKEN: Final = Answer(200, b"ok")
NOT_TAKEN: Final = Answer(503, b"fail")
GREETING: Final = re.compile(rb"webhook_id=\d{1,19}", re.ASCII)
# Topics whose body is an order; of `order.deleted` it is a number alone.
ORDERS: Final = frozenset({"order.created", "order.updated", "order.restored"})


class WooCommerce:
    """Opens and answers the webhooks of WooCommerce."""

    def open(self, account: WooCommerceAccount, call: Call, now: object) -> Opened:
        """Return what the call says, once it is proved.

        Raises:
            RefusedError: it is not.
        """
        given = call.headers.get("x-wc-webhook-signature", "").encode()
        ours = [signature(secret, bounded(call.body)) for secret in account.webhook_secrets]
        if not any(hmac.compare_digest(own.encode(), given) for own in ours):
            raise RefusedError(Refusal.SIGNATURE, "x-wc-webhook-signature is not the shop's")
        order = json_object(call.body)
        is_order = call.headers.get("x-wc-webhook-topic") in ORDERS and "line_items" in order
        return Opened(
            template="woocommerce.order" if is_order else "woocommerce.unknown",
            message_id=name(call.headers.get("x-wc-webhook-delivery-id")),
            body=call.body,
            content_type=JSON,
            order_hint=name(str(order["id"])) if is_order and "id" in order else "",
        )

    def taken(self, call: Call) -> Answer:
        """Return what makes the platform stop."""
        return TAKEN

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        """Return what a call gets that is not believed."""
        return Answer(STATUSES[refusal], NOT_TAKEN.body)

    def again(self, call: Call) -> Answer:
        """Return what says that we failed; the platform does not come again."""
        return NOT_TAKEN


def greeted(_: WooCommerceAccount, call: Call, __: object) -> Answer | None:
    """Return that somebody is here, where nothing is said but the number of the webhook."""
    is_greeting = call.method == "POST" and GREETING.fullmatch(call.body) is not None
    return TAKEN if is_greeting and "x-wc-webhook-signature" not in call.headers else None
