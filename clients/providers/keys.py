"""Keys of both sides: read from PEM, and used to sign and to verify.

Base64 must be the one canonical spelling of its bytes: else a changed character could mean the
same signature, and one call could pass for two.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

# What every provider of this folder asks for; less can be broken with money.
RSA_BITS_MIN: Final = 2048


class KeyUnreadableError(Exception):
    """The text is no key of the kind that is needed; the message says what it should be."""


@dataclass(frozen=True)
class PlatformKey:
    """A public key of a platform, and when it counts; a bare key always does."""

    key: RSAPublicKey = field(repr=False)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    serial: str = ""
    """Of its certificate, in capital hexadecimal; empty for a bare key."""

    def counts_at(self, now: datetime) -> bool:
        """Return whether the certificate's dates cover the time."""
        return (self.valid_from is None or self.valid_from <= now) and (
            self.valid_until is None or now <= self.valid_until
        )


# Checking an RSA key takes 40 ms, and the accounts are read again as a whole when one file of
# theirs has changed.
@lru_cache(maxsize=64)
def private_key(pem: bytes) -> RSAPrivateKey:
    """Return the RSA key of a PEM text without password.

    Raises:
        KeyUnreadableError: it is something else, or too short.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnreadableError("must be a private key in PEM, without password") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise KeyUnreadableError(f"must be an RSA key of {RSA_BITS_MIN} bits or more")
    return key


def platform_key(pem: bytes) -> PlatformKey:
    """Return the public key of a PEM text, which may be a certificate.

    Raises:
        KeyUnreadableError: it is neither.
    """
    if b"-----BEGIN CERTIFICATE-----" in pem:
        return key_of(certificate(pem))
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadableError("must be a public key or a certificate in PEM") from error
    return PlatformKey(_long_enough(key))


def certificate(pem: bytes) -> x509.Certificate:
    """Return the certificate of a PEM text.

    Raises:
        KeyUnreadableError: it is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except (ValueError, x509.InvalidVersion) as error:
        raise KeyUnreadableError("must be a certificate in PEM") from error


def key_of(certified: x509.Certificate) -> PlatformKey:
    """Return a certificate's key with its dates.

    Raises:
        KeyUnreadableError: the key is not RSA, or too short.
    """
    try:
        key = certified.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnreadableError("must certify an RSA key") from error
    return PlatformKey(
        _long_enough(key),
        certified.not_valid_before_utc,
        certified.not_valid_after_utc,
        f"{certified.serial_number:X}",
    )


def sign(key: RSAPrivateKey, text: bytes) -> str:
    """Return the signature (RSA PKCS#1 v1.5 over SHA-256) in base64."""
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()


def is_signed(key: RSAPublicKey, text: bytes, signature: str) -> bool:
    """Return whether the signature (RSA PKCS#1 v1.5 over SHA-256, base64) is the key's."""
    decoded = canonical_base64(signature)
    if decoded is None:
        return False
    try:
        key.verify(decoded, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def canonical_base64(text: str) -> bytes | None:
    """Return the bytes, or None where the text is not exactly their base64."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == text else None


def _long_enough(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey) or key.key_size < RSA_BITS_MIN:
        raise KeyUnreadableError(f"must be an RSA key of {RSA_BITS_MIN} bits or more")
    return key
