"""An accounts file with a shop of every channel in it, and the secrets that it names."""

from __future__ import annotations

import base64
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

AES_KEY = bytes(range(32))
SECRETS: dict[str, str] = {
    "douyin.secret": "douyin_secret_of_the_tests",
    "douyin.token": "douyin_token_of_the_tests",
    "jd.secret": "jd_secret_of_the_tests",
    "jd.token": "jd_token_of_the_tests",
    "pdd.secret": "pdd_secret_of_the_tests",
    "pdd.token": "pdd_token_of_the_tests",
    "taobao.secret": "taobao_secret_of_the_tests",
    "taobao.token": "taobao_token_of_the_tests",
    "wechat.secret": "wechat_secret_of_the_tests",
    "wechat.messages": "tokenOfTheTests",
    "wechat.aes": base64.b64encode(AES_KEY).decode().rstrip("="),
    "amazon.secret": "amazon_secret_of_the_tests",
    "amazon.refresh": "Atzr|refresh_token_of_the_tests",
    "amazon.push": "amazon_push_key_of_the_tests",
    "amazon.queue": "amazon_queue_secret_of_the_tests",
    "shopify.token": "shpat_token_of_the_tests",
    "shopify.old": "shpss_old_secret_of_the_tests",
    "shopify.new": "shpss_new_secret_of_the_tests",
    "woo.secret": "cs_secret_of_the_tests",
    "woo.webhook": "woo_webhook_secret_of_the_tests",
}


def _application(provider: str, app_key: str, shop: str) -> dict[str, Any]:
    return {
        "name": f"{provider}-main",
        "provider": provider,
        "app_key": app_key,
        "app_secret": {"file": f"{provider}.secret"},
        "shop": shop,
        "access_token": {"file": f"{provider}.token"},
    }


def _wechat(provider: str, app: str, **more: object) -> dict[str, Any]:
    return {
        "name": f"{provider.replace('_', '-')}-main",
        "provider": provider,
        "app": app,
        "app_secret": {"file": "wechat.secret"},
        "message_token": {"file": "wechat.messages"},
        **more,
    }


SHOPS: list[dict[str, Any]] = [
    _application("douyin", "6838755371111111111", "4463798"),
    _application("jd", "0F1E2D3C4B5A69788796A5B4C3D2E1F0", "10001"),
    {
        "name": "pdd-main",
        "provider": "pdd",
        "client": "0123456789abcdef0123456789abcdef",
        "client_secret": {"file": "pdd.secret"},
        "shop": "171504183",
        "access_token": {"file": "pdd.token"},
        "push": "wss://message-api.pinduoduo.com",
    },
    _application("taobao", "12345678", ""),
    _wechat("wechat_channels", "wx8888888888888888", aes_key={"file": "wechat.aes"}),
    _wechat("mini", "wx9999999999999999"),
    {
        "name": "amazon-main",
        "provider": "amazon",
        "seller": "A3TH9S8BH6GOGM",
        "marketplaces": ["ATVPDKIKX0DER"],
        "client": "amzn1.application-oa2-client.0123456789abcdef",
        "client_secret": {"file": "amazon.secret"},
        "refresh_token": {"file": "amazon.refresh"},
        "push_keys": [{"file": "amazon.push"}],
        "queue": "https://sqs.us-east-1.amazonaws.com/123456789012/orders",
        "queue_region": "us-east-1",
        "queue_key": "AKIAIOSFODNN7EXAMPLE",
        "queue_secret": {"file": "amazon.queue"},
    },
    {
        "name": "shopify-main",
        "provider": "shopify",
        "shop": "concord-tests.myshopify.com",
        "access_token": {"file": "shopify.token"},
        "webhook_secrets": [{"file": "shopify.old"}, {"file": "shopify.new"}],
    },
    {
        "name": "woo-main",
        "provider": "woocommerce",
        "api": "https://shop.example.com",
        "consumer_key": "ck_0123456789abcdef",
        "consumer_secret": {"file": "woo.secret"},
        "webhook_secrets": {"file": "woo.webhook"},
    },
]
# The platform gives a shop of Taobao no number.
del SHOPS[3]["shop"]


def content() -> dict[str, Any]:
    """Return what the accounts file says; a copy, to be changed."""
    return {"public_url": "https://pay.example.com", "accounts": deepcopy(SHOPS)}


def write(folder: Path, told: object = None) -> Path:
    """Write the accounts file and the secrets; return where it is."""
    for name, secret in SECRETS.items():
        (folder / name).write_text(secret + "\n")
    path = folder / "accounts.yaml"
    path.write_text(yaml.safe_dump(told or content(), allow_unicode=True, sort_keys=False))
    return path
