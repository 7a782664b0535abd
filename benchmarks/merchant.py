"""A merchant with an account at each provider: made-up keys, and the accounts file for them.

Everything that signs here is written for this folder, from the providers' documents: what is
measured and tested must not agree only with itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

YEAR: Final = timedelta(days=365)
PLATFORM_KEY: Final = "PUB_KEY_ID_0119000000012026010100001"
UNIONPAY_NAME: Final = "041@8310000000083040@中国银联股份有限公司@00016495"


def new_key() -> rsa.RSAPrivateKey:
    """Return an RSA key as every one of these platforms has them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Certified:
    """A key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The certificate as a file."""
        return self.certificate.public_bytes(Encoding.PEM)


def certify(
    name: str,
    issuer: Certified | None = None,
    *,
    days: int = 365,
    key: rsa.RSAPrivateKey | None = None,
    hosts: tuple[str, ...] = (),
) -> Certified:
    """Return a key with a certificate, its own authority where nobody issues it.

    It ends in so many days; a negative number makes one that has ended.
    """
    own = key or new_key()
    now = datetime.now(tz=UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - YEAR)
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(_usage(signs_certificates=issuer is None), critical=True)
    )
    signer = issuer.key if issuer else own
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return Certified(own, builder.sign(signer, SHA256()))


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return a private key as a file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public half as a file."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Merchant:
    """The secrets of both sides; `write` leaves with the merchant what is his."""

    own: rsa.RSAPrivateKey = field(default_factory=new_key)
    wechat: rsa.RSAPrivateKey = field(default_factory=new_key)
    alipay: rsa.RSAPrivateKey = field(default_factory=new_key)
    api_v3_key: bytes = field(default_factory=lambda: secrets.token_hex(16).encode())
    api_v2_key: bytes = field(default_factory=lambda: secrets.token_hex(16).encode())
    webhook_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(24)}")
    hmac_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        self.union_root = certify("CFCA TEST OCA1")
        self.unionpay = certify(UNIONPAY_NAME, self.union_root)
        self.union_own = certify("ours", self.union_root, key=self.own)

    def write(self, folder: Path, *, public_url: str) -> Path:
        """Write keys and accounts file; return the file's path."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files().items():
            (folder / name).write_bytes(content)
        accounts = [
            {"name": "main", "provider": provider, **row} for provider, row in self._rows().items()
        ]
        path = folder / "accounts.yaml"
        told = {"public_url": public_url, "accounts": accounts}
        path.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False))
        return path

    def _files(self) -> Mapping[str, bytes]:
        return {
            "own.pem": private_pem(self.own),
            "wechat.pem": public_pem(self.wechat),
            "api_v3_key": self.api_v3_key,
            "api_v2_key": self.api_v2_key,
            "alipay.pem": public_pem(self.alipay),
            "union_own.pem": self.union_own.pem,
            "union_root.pem": self.union_root.pem,
            "stripe_key": b"sk_test_" + secrets.token_hex(16).encode(),
            "webhook_secret": self.webhook_secret.encode(),
            "hmac_key": self.hmac_key.hex().encode(),
            "token": self.token.encode(),
        }

    def _rows(self) -> Mapping[str, dict[str, Any]]:
        own = {"file": "own.pem"}
        return {
            "wechatpay": {
                "merchant": "1900000109",
                "apps": ["wx8888888888888888"],
                "private_key": own,
                "serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
                "api_v3_key": {"file": "api_v3_key"},
                "api_v2_key": {"file": "api_v2_key"},
                "platform_keys": {PLATFORM_KEY: {"file": "wechat.pem"}},
            },
            "alipay": {
                "app": "2021000000000001",
                "seller": "2088000000000001",
                "private_key": own,
                "platform_key": {"file": "alipay.pem"},
            },
            "unionpay": {
                "merchant": "777290058110048",
                "private_key": own,
                "certificate": {"file": "union_own.pem"},
                "root_certificates": {"file": "union_root.pem"},
            },
            "stripe": {
                "api_key": {"file": "stripe_key"},
                "webhook_secrets": [{"file": "webhook_secret"}],
            },
            "adyen": {"merchant": "ConcordShop", "hmac_keys": [{"file": "hmac_key"}]},
            "douyin_pay": {"token": {"file": "token"}},
        }


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
