"""An accounts file with every provider in it, and the keys that it names."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tests.unit.clients.providers.hashing_platforms import HMAC_KEYS, TOKEN, WEBHOOK_SECRETS
from tests.unit.clients.providers.key_ring import (
    certified,
    pem_of,
    pem_of_private,
    pem_of_public,
    rsa_key,
)
from tests.unit.clients.providers.platforms import (
    API_V2_KEY,
    API_V3_KEY,
    PUBLIC_KEY_ID,
    unionpay_root,
)

SERIAL = f"{certified('wechatpay platform').serial_number:X}"


def secrets() -> dict[str, bytes]:
    """Return the content of every file that the accounts file names."""
    root = certified("alipay root", is_authority=True)
    return {
        "ours.pem": pem_of_private(rsa_key("ours")),
        "v3.key": API_V3_KEY + b"\n",
        "v2.key": API_V2_KEY,
        "wechatpay.pub": pem_of_public(rsa_key("wechatpay public key")),
        "wechatpay.crt": pem_of(certified("wechatpay platform")),
        "alipay.pub": pem_of_public(rsa_key("alipay")),
        "ours-alipay.crt": pem_of(certified("ours", root, "alipay root")),
        "alipay.crt": pem_of(certified("alipay", root, "alipay root")),
        "alipay-root.crt": pem_of(root) + b"\n" + pem_of(certified("other", is_authority=True)),
        "ours-unionpay.crt": pem_of(certified("ours", unionpay_root(), "unionpay root")),
        "unionpay-root.crt": pem_of(unionpay_root()),
        "api.key": b"sk_test_0123456789abcdef",
        "whsec.old": WEBHOOK_SECRETS[0].encode(),
        "whsec.new": WEBHOOK_SECRETS[1].encode(),
        "hmac.old": HMAC_KEYS[0].hex().encode(),
        "hmac.new": HMAC_KEYS[1].hex().upper().encode(),
        "token": TOKEN.encode(),
    }


ACCOUNTS: list[dict[str, Any]] = [
    {
        "name": "wechat-main",
        "provider": "wechatpay",
        "merchant": "1900000109",
        "apps": ["wx8888888888888888"],
        "private_key": {"file": "ours.pem"},
        "serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "api_v3_key": {"file": "v3.key"},
        "api_v2_key": {"file": "v2.key"},
        "platform_keys": {
            PUBLIC_KEY_ID: {"file": "wechatpay.pub"},
            SERIAL: {"file": "wechatpay.crt"},
        },
    },
    {
        "name": "alipay-main",
        "provider": "alipay",
        "app": "2021000000000001",
        "seller": "2088000000000001",
        "private_key": {"file": "ours.pem"},
        "platform_key": {"file": "alipay.pub"},
    },
    {
        "name": "alipay-certified",
        "provider": "alipay",
        "app": "2021000000000002",
        "seller": "2088000000000001",
        "api": "http://127.0.0.1:8080/gateway.do",
        "private_key": {"file": "ours.pem"},
        "app_certificate": {"file": "ours-alipay.crt"},
        "platform_certificate": {"file": "alipay.crt"},
        "root_certificate": {"file": "alipay-root.crt"},
    },
    {
        "name": "union-main",
        "provider": "unionpay",
        "merchant": "777290058110048",
        "private_key": {"file": "ours.pem"},
        "certificate": {"file": "ours-unionpay.crt"},
        "root_certificates": {"file": "unionpay-root.crt"},
    },
    {
        "name": "stripe-main",
        "provider": "stripe",
        "api_key": {"env": "STRIPE_KEY"},
        "webhook_secrets": [{"file": "whsec.old"}, {"file": "whsec.new"}],
    },
    {
        "name": "adyen-main",
        "provider": "adyen",
        "merchant": "Shop",
        "hmac_keys": [{"file": "hmac.old"}, {"file": "hmac.new"}],
    },
    {"name": "douyin-main", "provider": "douyin_pay", "token": {"file": "token"}},
]
ENVIRON = {"STRIPE_KEY": "sk_test_0123456789abcdef"}


def content() -> dict[str, Any]:
    """Return what the accounts file says; a copy, to be changed."""
    return {"public_url": "https://pay.example.com/", "accounts": deepcopy(ACCOUNTS)}


def write(folder: Path, told: object = None) -> Path:
    """Write the accounts file and the keys; return where it is."""
    for name, secret in secrets().items():
        (folder / name).write_bytes(secret)
    path = folder / "accounts.yaml"
    path.write_text(yaml.safe_dump(told or content(), allow_unicode=True, sort_keys=False))
    return path
