"""What the accounts file says of each sales channel: one table a channel, read by `loading`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from clients.providers.accounts.kind import API, Kind, Setting, word
from clients.providers.accounts.shops import (
    AmazonAccount,
    DouyinAccount,
    JdAccount,
    MiniAccount,
    PddAccount,
    ShopifyAccount,
    TaobaoAccount,
    WechatChannelsAccount,
    WooCommerceAccount,
)
from clients.providers.accounts.values import (
    Read,
    Sources,
    ValueProblemsError,
    address,
    secret_of,
    secret_text,
    several,
    text,
)
from clients.providers.keys import KeyUnreadableError

NEEDED: Final = True
OPTIONAL: Final = False
# Of WeChat's EncodingAESKey: 43 characters of base64 are 32 bytes, without the `=` at the end.
AES_KEY_CHARS: Final = 43
AES_KEY_BYTES: Final = 32


def _secret(meaning: str, *, is_needed: bool) -> Setting:
    return Setting(_SECRET, f"{meaning}, {{file: path}}", is_needed)


def _aes_key(content: bytes) -> bytes:
    try:
        key = base64.b64decode(content + b"=", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(content) != AES_KEY_CHARS or len(key) != AES_KEY_BYTES:
        raise KeyUnreadableError("must hold the EncodingAESKey: 43 letters and digits")
    return key


def _socket_address(value: object, _: Sources) -> str:
    parts = urlsplit(value) if isinstance(value, str) and value.isascii() else None
    if parts is None or parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.query:
        raise ValueProblemsError(("", "must be an address such as wss://host"))
    return parts.geturl().removesuffix("/")


def _settle_amazon(values: dict[str, Any]) -> dict[str, Any]:
    queue = ("queue", "queue_region", "queue_key", "queue_secret")
    missing = [part for part in queue if part not in values]
    if missing and len(missing) < len(queue):
        raise ValueProblemsError(
            *((f".{part}", "is missing: of a queue's four") for part in missing)
        )
    return values


def _settle_shopify(values: dict[str, Any]) -> dict[str, Any]:
    return {"api": f"https://{values['shop']}", **values}


_SECRET: Final[Read] = secret_text(r"[\x21-\x7e]{6,4000}", "the secret, 6 characters or more")
SHOP: Final = word(r"[0-9A-Za-z_-]{1,40}", "the shop's number there, in quotes", is_needed=OPTIONAL)
APP_KEY: Final = word(r"[0-9A-Za-z_-]{4,80}", "the application (app_key), in quotes")
APP_SECRET: Final = _secret("the application's secret", is_needed=NEEDED)
ACCESS_TOKEN: Final = _secret("the shop's access token", is_needed=NEEDED)
WEBHOOK_SECRETS: Final = Setting(several(_SECRET), "the webhooks' secrets, a list of {file: path}")
OF_AN_APPLICATION: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "app_key": APP_KEY,
        "app_secret": APP_SECRET,
        "shop": SHOP,
        "access_token": ACCESS_TOKEN,
        "api": API,
    }
)
OF_WECHAT: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "app": word(r"[0-9A-Za-z_]{6,32}", "the appid (wx…)"),
        "app_secret": APP_SECRET,
        "message_token": Setting(
            secret_text(r"[0-9A-Za-z]{3,32}", "the token of the messages"),
            "the token of the messages, {file: path}",
        ),
        "aes_key": Setting(secret_of(_aes_key), "the EncodingAESKey", is_needed=OPTIONAL),
        "api": API,
    }
)

SHOP_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "douyin": Kind(
            DouyinAccount,
            "douyin",
            {
                **OF_AN_APPLICATION,
                # Who only takes pushes needs none.
                "access_token": _secret("the shop's access token", is_needed=OPTIONAL),
            },
        ),
        "jd": Kind(JdAccount, "jd", OF_AN_APPLICATION),
        "pdd": Kind(
            PddAccount,
            "pdd",
            {
                "client": word(r"[0-9A-Za-z_-]{4,80}", "the application (client_id), in quotes"),
                "client_secret": APP_SECRET,
                "shop": SHOP,
                "access_token": ACCESS_TOKEN,
                "api": API,
                "push": Setting(_socket_address, "the messages' address", is_needed=OPTIONAL),
            },
        ),
        "taobao": Kind(TaobaoAccount, "taobao", OF_AN_APPLICATION),
        "wechat_channels": Kind(WechatChannelsAccount, "wechat_channels", OF_WECHAT),
        "mini": Kind(MiniAccount, "mini", OF_WECHAT),
        "amazon": Kind(
            AmazonAccount,
            "amazon",
            {
                "seller": word(r"[0-9A-Z]{6,20}", "the seller's id"),
                "marketplaces": Setting(
                    several(text(r"[0-9A-Z]{6,20}", "a marketplace's id")), "marketplaces' ids"
                ),
                "client": word(r"[!-~]{6,200}", "the application (client_id)"),
                "client_secret": APP_SECRET,
                "refresh_token": _secret("the refresh token", is_needed=NEEDED),
                "push_keys": Setting(several(_SECRET), "EventBridge's keys", is_needed=OPTIONAL),
                "queue": Setting(address, "the SQS queue's address", is_needed=OPTIONAL),
                "queue_region": word(r"[a-z0-9-]{4,30}", "the queue's region", is_needed=OPTIONAL),
                "queue_key": word(r"[0-9A-Z]{6,128}", "the reader's key id", is_needed=OPTIONAL),
                "queue_secret": _secret("the reader's secret key", is_needed=OPTIONAL),
                "api": API,
                "login_api": API,
            },
            _settle_amazon,
        ),
        "shopify": Kind(
            ShopifyAccount,
            "shopify",
            {
                "shop": word(r"[a-z0-9][a-z0-9-]{0,80}\.myshopify\.com", "name.myshopify.com"),
                "access_token": ACCESS_TOKEN,
                "webhook_secrets": WEBHOOK_SECRETS,
                "api": API,
            },
            _settle_shopify,
        ),
        "woocommerce": Kind(
            WooCommerceAccount,
            "woocommerce",
            {
                "api": Setting(address, "the site's address, https://shop.example.com"),
                "consumer_key": word(r"ck_[0-9A-Za-z_]{4,80}", "the key (ck_…)"),
                "consumer_secret": _secret("the key's secret (cs_…)", is_needed=NEEDED),
                "webhook_secrets": WEBHOOK_SECRETS,
            },
        ),
    }
)
