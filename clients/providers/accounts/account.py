"""What an account of each provider consists of.

Keys and secrets never appear in a `repr`. A provider's default address is that of its production.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from clients.providers.keys import PlatformKey

WECHATPAY_API: Final = "https://api.mch.weixin.qq.com"
WECHATPAY_FALLBACK_API: Final = "https://api2.mch.weixin.qq.com"
ALIPAY_API: Final = "https://openapi.alipay.com/gateway.do"
UNIONPAY_API: Final = "https://gateway.95516.com/gateway/api"
STRIPE_API: Final = "https://api.stripe.com"
# Who signs for UnionPay; the subject of the certificate reads `041@…@中国银联股份有限公司@…`.
UNIONPAY_NAMES: Final = ("UNIONPAY", "中国银联股份有限公司")


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the accounts of all providers have."""

    provider: ClassVar[str]
    name: str
    callback_url: str = ""
    """Where the platform is to call: `{public_url}/callbacks/{provider}/{name}`."""


@dataclass(frozen=True, kw_only=True)
class WechatPayAccount(Account):
    """A merchant number (mchid) of WeChat Pay."""

    provider: ClassVar[str] = "wechatpay"
    merchant: str
    apps: frozenset[str]
    """Applications (appid) whose buyers may pay into it."""
    private_key: RSAPrivateKey = field(repr=False)
    serial: str
    """Of our own certificate; the platform finds by it who signed."""
    api_v3_key: bytes = field(repr=False)
    api_v2_key: bytes | None = field(default=None, repr=False)
    platform_keys: Mapping[str, PlatformKey]
    """By the serial that the platform names: of a certificate, or `PUB_KEY_ID_…`."""
    api: str = WECHATPAY_API
    fallback_api: str = WECHATPAY_FALLBACK_API


@dataclass(frozen=True, kw_only=True)
class AlipayAccount(Account):
    """An application of Alipay, and the seller that it collects for."""

    provider: ClassVar[str] = "alipay"
    app: str
    seller: str
    private_key: RSAPrivateKey = field(repr=False)
    platform_keys: tuple[PlatformKey, ...]
    """Any of them may have signed; in certificate mode each has a serial and dates."""
    app_certificate_sn: str = ""
    """Names our certificate in requests; empty in key mode."""
    root_certificate_sn: str = ""
    api: str = ALIPAY_API


@dataclass(frozen=True, kw_only=True)
class UnionPayAccount(Account):
    """A merchant number (merId) of UnionPay."""

    provider: ClassVar[str] = "unionpay"
    merchant: str
    private_key: RSAPrivateKey = field(repr=False)
    certificate_id: str
    """Serial number of our certificate, as a decimal number."""
    root_certificates: tuple[x509.Certificate, ...] = field(repr=False)
    """Whom we trust to have issued the platform's certificate, or that certificate itself."""
    common_names: tuple[str, ...] = UNIONPAY_NAMES
    """One of them is a part of the common name (`041@…@name@…`) of the platform's certificate."""
    api: str = UNIONPAY_API


@dataclass(frozen=True, kw_only=True)
class StripeAccount(Account):
    """An account of Stripe."""

    provider: ClassVar[str] = "stripe"
    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    """Of the endpoint; two while one takes over from the other."""
    api: str = STRIPE_API


@dataclass(frozen=True, kw_only=True)
class AdyenAccount(Account):
    """A merchant account of Adyen."""

    provider: ClassVar[str] = "adyen"
    merchant: str
    hmac_keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DouyinPayAccount(Account):
    """A mini program of Douyin that takes payments."""

    provider: ClassVar[str] = "douyin_pay"
    token: str = field(repr=False)
    apps: frozenset[str] = frozenset()
    """Applications that may call; none named: whoever knows the token."""
