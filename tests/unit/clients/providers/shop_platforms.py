"""The side of the sales channels that push: they sign, seal and word what they send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from clients.providers.accounts import (
    AmazonAccount,
    DouyinAccount,
    MiniAccount,
    ShopifyAccount,
    WechatChannelsAccount,
    WooCommerceAccount,
)
from clients.providers.callbacks import Call
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import a_call

APP_KEY, APP_SECRET = "6838755371111111111", "an_app_secret_of_the_tests"
MESSAGE_TOKEN = "tokenOfTheTests"
AES_KEY = bytes(range(32))
WEBHOOK_SECRETS = ("shpss_old_of_the_tests", "shpss_new_of_the_tests")
PUSH_KEY = "a_push_key_of_the_tests"
SHOP = "concord-tests.myshopify.com"


def a_douyin_shop(**changes: object) -> DouyinAccount:
    account = DouyinAccount(name="main", app_key=APP_KEY, app_secret=APP_SECRET, shop="4463798")
    return replace(account, **changes)


def a_push(tag: int | str = 110, **changes: object) -> dict[str, Any]:
    content = {
        "p_id": 4705288465508532862,
        "s_ids": [4705288465508532862],
        "shop_id": 4463798,
        "order_status": 2,
        "pay_time": int(NOW.timestamp()),
        "pay_amount": 2990,
    }
    return {"tag": tag, "msg_id": f"0428::{tag}:1618990587:6837", "data": content} | changes


def a_douyin_push(*messages: Mapping[str, Any], secret: str = APP_SECRET, app: str = "") -> Call:
    return _pushed(json.dumps(messages, ensure_ascii=False).encode(), secret, app)


def a_lone_douyin_push(message: Mapping[str, Any]) -> Call:
    return _pushed(json.dumps(message, ensure_ascii=False).encode(), APP_SECRET, "")


def _pushed(body: bytes, secret: str, app: str) -> Call:
    sign = hashlib.md5(APP_KEY.encode() + body + secret.encode()).hexdigest()  # noqa: S324  # The platform's choice.
    return a_call(body, {"event-sign": sign, "app-id": app or APP_KEY})


def a_wechat_shop(**changes: object) -> WechatChannelsAccount:
    account = WechatChannelsAccount(
        name="main",
        app="wx8888888888888888",
        app_secret=APP_SECRET,
        message_token=MESSAGE_TOKEN,
        aes_key=AES_KEY,
    )
    return replace(account, **changes)


def a_mini_program(**changes: object) -> MiniAccount:
    account = MiniAccount(
        name="main",
        app="wx9999999999999999",
        app_secret=APP_SECRET,
        message_token=MESSAGE_TOKEN,
    )
    return replace(account, **changes)


def an_event(kind: str = "channels_ec_order_pay", **changes: object) -> dict[str, Any]:
    return {
        "ToUserName": "gh_1",
        "FromUserName": "OPENID",
        "CreateTime": int(NOW.timestamp()),
        "MsgType": "event",
        "Event": kind,
        "order_info": {"order_id": 3705115058471208928, "pay_time": "1658509200"},
    } | changes


def sealed(content: bytes, app: str = "wx8888888888888888", key: bytes = AES_KEY) -> str:
    plain = b"r" * 16 + len(content).to_bytes(4, "big") + content + app.encode()
    filling = 32 - len(plain) % 32
    encryptor = Cipher(AES256(key), CBC(key[:16])).encryptor()
    encrypted = encryptor.update(plain + bytes([filling]) * filling) + encryptor.finalize()
    return base64.b64encode(encrypted).decode()


def signed(*parts: str) -> str:
    return hashlib.sha1("".join(sorted((MESSAGE_TOKEN, *parts))).encode()).hexdigest()  # noqa: S324  # The platform's choice.


def a_query(at: datetime = NOW, **more: str) -> str:
    timestamp, nonce = str(int(at.timestamp())), "5280"
    told = {"signature": signed(timestamp, nonce), "timestamp": timestamp, "nonce": nonce, **more}
    return "&".join(f"{key}={value}" for key, value in told.items())


def a_plain_message(body: bytes, at: datetime = NOW) -> Call:
    return Call("POST", "/", a_query(at), {}, body)


def a_sealed_message(
    content: bytes,
    at: datetime = NOW,
    *,
    app: str = "wx8888888888888888",
    key: bytes = AES_KEY,
    is_xml: bool = False,
) -> Call:
    seal = sealed(content, app, key)
    query = a_query(
        at, encrypt_type="aes", msg_signature=signed(str(int(at.timestamp())), "5280", seal)
    )
    if is_xml:
        body = f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{seal}]]></Encrypt></xml>"
    else:
        body = json.dumps({"ToUserName": "gh_1", "Encrypt": seal})
    return Call("POST", "/", query, {}, body.encode())


def a_shopify_shop(**changes: object) -> ShopifyAccount:
    account = ShopifyAccount(
        name="main", shop=SHOP, access_token="shpat_0123", webhook_secrets=WEBHOOK_SECRETS
    )
    return replace(account, **changes)


def base64_hmac(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def a_shopify_webhook(
    order: Mapping[str, Any], topic: str = "orders/updated", secret: str = WEBHOOK_SECRETS[0]
) -> Call:
    body = json.dumps(order).encode()
    headers = {
        "x-shopify-hmac-sha256": base64_hmac(secret, body),
        "x-shopify-shop-domain": SHOP,
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }
    return a_call(body, headers)


def a_woocommerce_shop(**changes: object) -> WooCommerceAccount:
    account = WooCommerceAccount(
        name="main",
        api="https://shop.example.com",
        consumer_key="ck_0123456789",
        consumer_secret="cs_0123456789",
        webhook_secrets=WEBHOOK_SECRETS,
    )
    return replace(account, **changes)


def a_woocommerce_webhook(
    order: Mapping[str, Any], topic: str = "order.updated", secret: str = WEBHOOK_SECRETS[0]
) -> Call:
    body = json.dumps(order).encode()
    headers = {
        "x-wc-webhook-signature": base64_hmac(secret, body),
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-id": "142",
        "x-wc-webhook-delivery-id": "c2a41d2ecbd33f7b6f4f2a4b8a1a2e3d",
    }
    return a_call(body, headers)


def a_seller(**changes: object) -> AmazonAccount:
    account = AmazonAccount(
        name="main",
        seller="A3TH9S8BH6GOGM",
        marketplaces=("ATVPDKIKX0DER",),
        client="amzn1.application-oa2-client.1",
        client_secret="amazon_secret_of_the_tests",
        refresh_token="Atzr|1",
        push_keys=(PUSH_KEY,),
    )
    return replace(account, **changes)


def an_order_change(seller: str = "A3TH9S8BH6GOGM") -> dict[str, Any]:
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "Payload": {
            "OrderChangeNotification": {
                "SellerId": seller,
                "AmazonOrderId": "903-8868176-2219830",
            }
        },
        "NotificationMetadata": {"NotificationId": "d0e9e693-c3ad-4373-979f-ed4ec98dd746"},
    }


def an_eventbridge_call(notice: Mapping[str, Any], key: str = PUSH_KEY) -> Call:
    body = json.dumps({"version": "0", "detail-type": "ORDER_CHANGE", "detail": notice})
    return a_call(body.encode(), {"x-api-key": key})
