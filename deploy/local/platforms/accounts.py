"""The platforms' side of each merchant account: what they sign with, and whom they believe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.vault import Known, Vault


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that a platform signs with, under the name by which merchants know it."""

    id: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """A merchant account at a platform."""

    name: str
    provider: str
    callback_url: str


@dataclass(frozen=True, kw_only=True)
class WechatPayAccount(Account):
    """A merchant at WeChat Pay; `signs_with` names the key of notices."""

    merchant: str
    app: str
    merchant_certificate: x509.Certificate
    api_v3_key: bytes
    api_v2_key: str
    keys: tuple[SigningKey, ...]
    signs_with: str

    @cached_property
    def merchant_serial(self) -> str:
        """The serial number that the merchant signs under."""
        return certs.serial(self.merchant_certificate)

    def key(self, id: str = "") -> SigningKey:  # Its name on the wire.
        """Return the key of that name, or the one that notices are signed with."""
        named = {each.id: each for each in self.keys}
        return named.get(id) or named[self.signs_with]


@dataclass(frozen=True, kw_only=True)
class AlipayAccount(Account):
    """An app at Alipay; in certificate mode all three certificates are there."""

    app: str
    seller: str
    app_key: rsa.RSAPublicKey
    key: rsa.RSAPrivateKey
    app_certificate: x509.Certificate | None = None
    certificate: x509.Certificate | None = None
    root_certificate: x509.Certificate | None = None


@dataclass(frozen=True, kw_only=True)
class UnionPayAccount(Account):
    """A merchant at UnionPay."""

    merchant: str
    merchant_certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    other_merchant: certs.Certified
    """Somebody whose certificate is of the same root: not the platform, however right it looks."""


@dataclass(frozen=True, kw_only=True)
class StripeAccount(Account):
    """An account at Stripe; during a roll it has two webhook secrets, and signs with both."""

    api_key: str
    webhook_secrets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AdyenAccount(Account):
    """A merchant account at Adyen."""

    merchant: str
    hmac_key: str


@dataclass(frozen=True, kw_only=True)
class DouyinPayAccount(Account):
    """A mini app at Douyin."""

    app: str
    token: str


def load(vault: Vault, public_url: str) -> dict[str, Account]:
    """Return the platforms' side of every account, by name."""
    loaded = {}
    for name, known in vault.known.items():
        provider = known["provider"]
        url = f"{public_url.rstrip('/')}/callbacks/{provider}/{name}"
        loaded[name] = LOADERS[provider](vault, name, known, url)
    return loaded


def _wechat(vault: Vault, name: str, known: Known, url: str) -> Account:
    keys = []
    for kept in known["keys"]:
        key_id, certificate = kept["id"], None
        if kept["mode"] == "certificate":
            certificate = certs.load_certificate(vault.given(name, f"platform_{key_id}.pem"))
        key = certs.load_private(vault.kept(name, f"{key_id}_key.pem"))
        keys.append(SigningKey(key_id, key, certificate))
    return WechatPayAccount(
        name=name,
        provider="wechatpay",
        callback_url=url,
        merchant=known["merchant"],
        app=known["app"],
        merchant_certificate=certs.load_certificate(vault.given(name, "apiclient_cert.pem")),
        api_v3_key=vault.given(name, "api_v3_key").encode(),
        api_v2_key=vault.given(name, "api_v2_key"),
        keys=tuple(keys),
        signs_with=known["signs_with"],
    )


def _alipay(vault: Vault, name: str, known: Known, url: str) -> Account:
    certificates = {}
    if known["mode"] == "certificate":
        certificates = {
            field: certs.load_certificate(vault.given(name, file))
            for field, file in (
                ("app_certificate", "appCertPublicKey.crt"),
                ("certificate", "alipayCertPublicKey.crt"),
                ("root_certificate", "alipayRootCert.crt"),
            )
        }
    return AlipayAccount(
        name=name,
        provider="alipay",
        callback_url=url,
        app=known["app"],
        seller=known["seller"],
        app_key=certs.load_public(vault.kept(name, "app_public_key.pem")),
        key=certs.load_private(vault.kept(name, "alipay_private_key.pem")),
        **certificates,
    )


def _unionpay(vault: Vault, name: str, known: Known, url: str) -> Account:
    return UnionPayAccount(
        name=name,
        provider="unionpay",
        callback_url=url,
        merchant=known["merchant"],
        merchant_certificate=certs.load_certificate(vault.given(name, "acp_sign.cer")),
        key=certs.load_private(vault.kept(name, "platform_key.pem")),
        certificate=certs.load_certificate(vault.kept(name, "platform.cer")),
        other_merchant=certs.Certified(
            certs.load_private(vault.kept(name, "other_merchant_key.pem")),
            certs.load_certificate(vault.kept(name, "other_merchant.cer")),
        ),
    )


def _stripe(vault: Vault, name: str, known: Known, url: str) -> Account:
    return StripeAccount(
        name=name,
        provider="stripe",
        callback_url=url,
        api_key=vault.given(name, "api_key"),
        webhook_secrets=tuple(
            vault.given(name, f"webhook_secret_{each}") for each in known["secrets"]
        ),
    )


def _adyen(vault: Vault, name: str, known: Known, url: str) -> Account:
    return AdyenAccount(
        name=name,
        provider="adyen",
        callback_url=url,
        merchant=known["merchant"],
        hmac_key=vault.given(name, "hmac_key"),
    )


def _douyin_pay(vault: Vault, name: str, known: Known, url: str) -> Account:
    return DouyinPayAccount(
        name=name,
        provider="douyin_pay",
        callback_url=url,
        app=known["app"],
        token=vault.given(name, "token"),
    )


LOADERS: Final[Mapping[str, Callable[[Vault, str, Known, str], Account]]] = {
    "wechatpay": _wechat,
    "alipay": _alipay,
    "unionpay": _unionpay,
    "stripe": _stripe,
    "adyen": _adyen,
    "douyin_pay": _douyin_pay,
}
