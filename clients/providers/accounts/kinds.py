"""What the accounts file says of each provider of payments, and of each sales channel.

One table a provider, read by `loading`.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from clients.providers.accounts.account import (
    AdyenAccount,
    AlipayAccount,
    DouyinPayAccount,
    StripeAccount,
    UnionPayAccount,
    WechatPayAccount,
)
from clients.providers.accounts.kind import API, Kind, Setting, word
from clients.providers.accounts.shop_kinds import SHOP_KINDS
from clients.providers.accounts.values import (
    ValueProblemsError,
    by_name,
    secret_of,
    secret_text,
    several,
    text,
)
from clients.providers.alipay.certificates import certificate_sn, root_sn
from clients.providers.certificates import bundle, leads_to, leaf_of
from clients.providers.keys import (
    KeyUnreadableError,
    PlatformKey,
    certificate,
    key_of,
    platform_key,
    private_key,
)

# PKCS#12 files, as some platforms hand them out, hold both.
AS_PEM: Final = "(`openssl pkcs12 -in ours.pfx -nodes` makes PEM of a .pfx)"


def _key_bytes(content: bytes) -> bytes:
    if len(content) != 32:  # noqa: PLR2004  # Of both of WeChat Pay's keys.
        raise KeyUnreadableError(f"must hold 32 bytes, and holds {len(content)}")
    return content


def _hmac_key(content: bytes) -> bytes:
    try:
        key = binascii.unhexlify(content)
    except ValueError as error:
        raise KeyUnreadableError("must hold the key in hexadecimal") from error
    if len(key) != 32:  # noqa: PLR2004  # Of SHA-256.
        raise KeyUnreadableError(f"must hold 64 hexadecimal digits, and holds {len(content)}")
    return key


PRIVATE_KEY: Final = Setting(
    secret_of(private_key), f"our private key, {{file: path}} of a PEM file {AS_PEM}"
)


def _settle_wechatpay(values: dict[str, Any]) -> dict[str, Any]:
    keys: dict[str, PlatformKey] = {}
    for name, key in values["platform_keys"]:
        serial = name if name.startswith("PUB_KEY_ID_") else name.upper()
        if key.serial and key.serial != serial.lstrip("0"):
            raise ValueProblemsError(
                (f'.platform_keys["{name}"]', f"holds the certificate {key.serial}; name it so")
            )
        keys[serial] = key
    return {
        **values,
        "apps": frozenset(values["apps"]),
        "serial": values["serial"].upper(),
        "platform_keys": MappingProxyType(keys),
    }


def _settle_alipay(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields, of key mode or of certificate mode."""
    own = ("app", "seller", "private_key", "api")
    settled: dict[str, Any] = {key: values[key] for key in own if key in values}
    parts = ("app_certificate", "platform_certificate", "root_certificate")
    given = [part for part in parts if part in values]
    if ("platform_key" in values) == bool(given):
        both = "give platform_key (key mode), or all of " + ", ".join(parts) + " (certificate mode)"
        raise ValueProblemsError(("", f"must tell how the platform signs, in one way: {both}"))
    if not given:
        return {**settled, "platform_keys": values["platform_key"]}
    missing = [part for part in parts if part not in values]
    if missing:
        raise ValueProblemsError(*((f".{part}", "is missing: of three files") for part in missing))
    return {**settled, **_certified(values)}


def _certified(values: dict[str, Any]) -> dict[str, Any]:
    own = values["app_certificate"]
    if key_of(own).key != values["private_key"].public_key():
        raise ValueProblemsError((".app_certificate", "is not that of private_key"))
    roots = values["root_certificate"]
    keys = []
    for index, certificates in enumerate(values["platform_certificate"]):
        leaf = leaf_of(certificates)
        if not leads_to(roots, leaf, certificates):
            place = f".platform_certificate[{index}]"
            raise ValueProblemsError((place, "was not issued by anybody in root_certificate"))
        keys.append(key_of(leaf))
    return {
        "platform_keys": tuple(keys),
        "app_certificate_sn": certificate_sn(own),
        "root_certificate_sn": root_sn(roots),
    }


def _settle_unionpay(values: dict[str, Any]) -> dict[str, Any]:
    own = values.pop("certificate")
    if key_of(own).key != values["private_key"].public_key():
        raise ValueProblemsError((".certificate", "is not that of private_key"))
    roots = tuple(each for part in values["root_certificates"] for each in part)
    return {**values, "certificate_id": str(own.serial_number), "root_certificates": roots}


def _settle_douyin_pay(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "apps": frozenset(values.get("apps", ()))}


SEVERAL_BUNDLES: Final = several(secret_of(bundle))
STRIPE_SECRET: Final = secret_text(r"[\x21-\x7e]{16,200}", "a secret (whsec_…)")

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "wechatpay": Kind(
            WechatPayAccount,
            "wechatpay",
            {
                "merchant": word(r"\d{8,12}", "the merchant number (mchid), digits in quotes"),
                "apps": Setting(
                    several(text(r"[0-9A-Za-z_]{6,32}", "an appid (wx…)")), "appids, at least one"
                ),
                "private_key": PRIVATE_KEY,
                "serial": word(r"[0-9A-Fa-f]{8,40}", "our certificate's serial, hexadecimal"),
                "api_v3_key": Setting(secret_of(_key_bytes), "the APIv3 key, {file: path}"),
                "api_v2_key": Setting(secret_of(_key_bytes), "the APIv2 key", is_needed=False),
                "platform_keys": Setting(
                    by_name(secret_of(platform_key)),
                    "the platform's keys by serial or PUB_KEY_ID_…, each {file: path}",
                ),
                "api": API,
                "fallback_api": API,
            },
            _settle_wechatpay,
        ),
        "alipay": Kind(
            AlipayAccount,
            "alipay",
            {
                "app": word(r"\d{16}", "the application (app_id), 16 digits in quotes"),
                "seller": word(r"2088\d{12}", "the seller (seller_id), 2088… in quotes"),
                "private_key": PRIVATE_KEY,
                "platform_key": Setting(
                    several(secret_of(platform_key)), "Alipay's public key", is_needed=False
                ),
                "app_certificate": Setting(
                    secret_of(certificate), "our certificate", is_needed=False
                ),
                "platform_certificate": Setting(
                    SEVERAL_BUNDLES, "Alipay's certificate", is_needed=False
                ),
                "root_certificate": Setting(secret_of(bundle), "Alipay's roots", is_needed=False),
                "api": API,
            },
            _settle_alipay,
        ),
        "unionpay": Kind(
            UnionPayAccount,
            "unionpay",
            {
                "merchant": word(r"[0-9A-Za-z]{15}", "the merchant number (merId), in quotes"),
                "private_key": PRIVATE_KEY,
                "certificate": Setting(
                    secret_of(certificate), f"our certificate, {{file: path}} {AS_PEM}"
                ),
                "root_certificates": Setting(
                    SEVERAL_BUNDLES, "certificates that issue UnionPay's own, {file: path}"
                ),
                "common_names": Setting(
                    several(text(r".{2,64}", "a part of a name")), "names", is_needed=False
                ),
                "api": API,
            },
            _settle_unionpay,
        ),
        "stripe": Kind(
            StripeAccount,
            "stripe",
            {
                "api_key": Setting(
                    secret_text(r"[\x21-\x7e]{16,200}", "an API key (sk_… or rk_…)"),
                    "the API key, {file: path}",
                ),
                "webhook_secrets": Setting(
                    several(STRIPE_SECRET), "the endpoint's secrets, a list of {file: path}"
                ),
                "api": API,
            },
        ),
        "adyen": Kind(
            AdyenAccount,
            "adyen",
            {
                "merchant": word(r"[0-9A-Za-z_.-]{1,80}", "the merchant account's name"),
                "hmac_keys": Setting(
                    several(secret_of(_hmac_key)), "the endpoint's keys, a list of {file: path}"
                ),
            },
        ),
        "douyin_pay": Kind(
            DouyinPayAccount,
            "douyin_pay",
            {
                "token": Setting(
                    secret_text(r"[\x21-\x7e]{3,200}", "the token"), "the token, {file: path}"
                ),
                "apps": Setting(
                    several(text(r"[0-9A-Za-z_]{6,40}", "an appid (tt…)")),
                    "appids",
                    is_needed=False,
                ),
            },
            _settle_douyin_pay,
        ),
        **SHOP_KINDS,
    }
)
