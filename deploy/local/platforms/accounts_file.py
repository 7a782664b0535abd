"""Writes what the merchant has of his accounts: the file that `CONCORD_ACCOUNTS` names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import yaml

from deploy.local.platforms.vault import Known, Vault

Row = dict[str, Any]


def write(vault: Vault, *, api: str, public_url: str, shops: Sequence[Row] = ()) -> None:
    """Write it, for platforms at `api` that call a gateway at `public_url`; shops come last."""
    rows = []
    for name, known in vault.known.items():
        provider = known["provider"]
        rows.append({"name": name, "provider": provider, **ROWS[provider](name, known, api)})
    content = {"public_url": public_url, "accounts": [*rows, *shops]}
    vault.write_accounts(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _file(name: str, file: str) -> Row:
    return {"file": f"merchant/{name}/{file}"}


def _wechat(name: str, known: Known, api: str) -> Row:
    announced = [key["id"] for key in known["keys"] if key["is_announced"]]
    return {
        "merchant": known["merchant"],
        "apps": [known["app"]],
        "api": api,
        "fallback_api": api,
        "private_key": _file(name, "apiclient_key.pem"),
        "serial": known["serial"],
        "api_v3_key": _file(name, "api_v3_key"),
        "api_v2_key": _file(name, "api_v2_key"),
        "platform_keys": {each: _file(name, f"platform_{each}.pem") for each in announced},
    }


def _alipay(name: str, known: Known, api: str) -> Row:
    row: Row = {
        "app": known["app"],
        "seller": known["seller"],
        "api": f"{api}/gateway.do",
        "private_key": _file(name, "app_private_key.pem"),
    }
    if known["mode"] == "key":
        return {**row, "platform_key": _file(name, "alipay_public_key.pem")}
    return {
        **row,
        "app_certificate": _file(name, "appCertPublicKey.crt"),
        "platform_certificate": _file(name, "alipayCertPublicKey.crt"),
        "root_certificate": _file(name, "alipayRootCert.crt"),
    }


def _unionpay(name: str, known: Known, api: str) -> Row:
    return {
        "merchant": known["merchant"],
        "api": f"{api}/gateway/api",
        "private_key": _file(name, "acp_sign.pem"),
        "certificate": _file(name, "acp_sign.cer"),
        "root_certificates": _file(name, "acp_root.cer"),
    }


def _stripe(name: str, known: Known, api: str) -> Row:
    return {
        "api": api,
        "api_key": _file(name, "api_key"),
        "webhook_secrets": [_file(name, f"webhook_secret_{each}") for each in known["secrets"]],
    }


def _adyen(name: str, known: Known, _: str) -> Row:
    return {"merchant": known["merchant"], "hmac_keys": [_file(name, "hmac_key")]}


def _douyin_pay(name: str, _: Known, __: str) -> Row:
    return {"token": _file(name, "token")}


ROWS: Final[Mapping[str, Callable[[str, Known, str], Row]]] = {
    "wechatpay": _wechat,
    "alipay": _alipay,
    "unionpay": _unionpay,
    "stripe": _stripe,
    "adyen": _adyen,
    "douyin_pay": _douyin_pay,
}
