"""The side of the platforms that sign with a shared secret: Stripe, Adyen, Douyin."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from clients.providers.accounts import AdyenAccount, DouyinPayAccount, StripeAccount
from clients.providers.callbacks import Call
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import a_call

WEBHOOK_SECRETS = ("whsec_old_old_old_old_old", "whsec_new_new_new_new_new")
HMAC_KEYS = (bytes(range(32)), bytes(range(32, 64)))
TOKEN = "a_token_of_the_tests"


def a_stripe_account(**changes: object) -> StripeAccount:
    account = StripeAccount(
        name="main", api_key="sk_test_0123456789", webhook_secrets=WEBHOOK_SECRETS
    )
    return replace(account, **changes)


def a_stripe_event(kind: str = "payment_intent.succeeded", **changes: object) -> bytes:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1795320000,
        "data": {"object": {"id": "pi_1", "amount": 100, "metadata": {"order": "T-1"}}},
    } | changes
    return json.dumps(event).encode()


def a_stripe_call(
    body: bytes, at: datetime = NOW, secrets: tuple[str, ...] = WEBHOOK_SECRETS[1:]
) -> Call:
    timestamp = str(int(at.timestamp()))
    parts = [
        f"v1={hmac.new(each.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256).hexdigest()}"
        for each in secrets
    ]
    return a_call(body, {"stripe-signature": ",".join([f"t={timestamp}", *parts, "v0=00"])})


def an_adyen_account(**changes: object) -> AdyenAccount:
    return replace(AdyenAccount(name="main", merchant="Shop", hmac_keys=HMAC_KEYS), **changes)


def an_adyen_item(key: bytes = HMAC_KEYS[0], **changes: object) -> dict[str, Any]:
    item: dict[str, Any] = {
        "pspReference": "7914073381342284",
        "merchantReference": "T-1",
        "merchantAccountCode": "Shop",
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION",
        "success": "true",
        "eventDate": "2026-11-22T05:00:00+01:00",
    } | changes
    amount = item["amount"]
    values = [
        item["pspReference"],
        item.get("originalReference", ""),
        item["merchantAccountCode"],
        item["merchantReference"],
        str(amount["value"]),
        amount["currency"],
        item["eventCode"],
        item["success"],
    ]
    digest = hmac.new(key, ":".join(values).encode(), hashlib.sha256).digest()
    return {**item, "additionalData": {"hmacSignature": base64.b64encode(digest).decode()}}


def an_adyen_call(*items: Mapping[str, Any]) -> Call:
    body = {
        "live": "false",
        "notificationItems": [{"NotificationRequestItem": item} for item in items],
    }
    return a_call(json.dumps(body).encode(), {"content-type": "application/json"})


def a_douyin_account(**changes: object) -> DouyinPayAccount:
    return replace(
        DouyinPayAccount(name="main", token=TOKEN, apps=frozenset({"tt226e54d3bd581bf801"})),
        **changes,
    )


def a_douyin_payment(**changes: object) -> dict[str, Any]:
    return {
        "appid": "tt226e54d3bd581bf801",
        "cp_orderno": "T-1",
        "total_amount": 100,
        "status": "SUCCESS",
        "paid_at": int(NOW.timestamp()),
        "order_id": "7398108028895054107",
    } | changes


def a_douyin_call(
    message: Mapping[str, Any], kind: str = "payment", at: datetime = NOW, **changes: object
) -> Call:
    envelope = {
        "msg": json.dumps(message, ensure_ascii=False),
        "nonce": "5280",
        "timestamp": str(int(at.timestamp())),
        "type": kind,
    }
    text = "".join(sorted([TOKEN, envelope["timestamp"], envelope["nonce"], envelope["msg"]]))
    signature = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324  # The platform's choice.
    body = envelope | {"msg_signature": signature} | changes
    return a_call(json.dumps(body).encode(), {"content-type": "application/json"})
