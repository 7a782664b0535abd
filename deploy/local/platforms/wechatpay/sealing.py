"""WeChat Pay's cryptography: signatures of v3 and v2, and what notices are sealed with."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deploy.local.platforms.accounts import SigningKey
from deploy.local.platforms.signing import sign
from deploy.local.platforms.trades import letters

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
ALGORITHM: Final = "AEAD_AES_256_GCM"

FIELD: Final = re.compile(r'(\w+)="([^"]*)"')


def signed(key: SigningKey, body: bytes, timestamp_s: int) -> dict[str, str]:
    """Return the headers that sign a notice or an answer."""
    nonce = letters(32)
    message = f"{timestamp_s}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": key.id,
        "Wechatpay-Signature": sign(key.key, message),
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": str(timestamp_s),
        "Request-ID": f"08{secrets.token_hex(16).upper()}-0",
    }


def seal(key: bytes, plaintext: bytes, associated_data: str) -> dict[str, str]:
    """Return the fields of a sealed resource."""
    nonce = letters(12)
    sealed = AESGCM(key).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return {
        "algorithm": ALGORITHM,
        "ciphertext": base64.b64encode(sealed).decode(),
        "nonce": nonce,
        "associated_data": associated_data,
    }


def read_authorization(header: str) -> dict[str, str]:
    """Return the fields of an `Authorization` header; empty if it is of another scheme."""
    scheme, _, fields = header.partition(" ")
    return dict(FIELD.findall(fields)) if scheme == SCHEME else {}


def request_message(method: str, target: str, fields: Mapping[str, str], body: bytes) -> bytes:
    """Return what a merchant signs of a request."""
    head = f"{method}\n{target}\n{fields['timestamp']}\n{fields['nonce_str']}\n"
    return head.encode() + body + b"\n"


def v2_sign(fields: Mapping[str, str], key: str) -> str:
    """Return the MD5 signature of v2: of everything that is not empty, sorted."""
    parts = [f"{name}={fields[name]}" for name in sorted(fields) if fields[name]]
    text = "&".join([*parts, f"key={key}"])
    return hashlib.md5(text.encode()).hexdigest().upper()  # noqa: S324  # v2's own.


def v2_seal(key: str, plaintext: bytes) -> str:
    """Return `req_info`: AES-256-ECB under the MD5 of the key, in 32 lower-case digits."""
    digest = hashlib.md5(key.encode()).hexdigest()  # noqa: S324  # v2's own.
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(digest.encode()), modes.ECB()).encryptor()  # noqa: S305  # As above.
    padded = padder.update(plaintext) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
