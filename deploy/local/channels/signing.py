"""Signatures of shops' platforms in China, as those who check them write them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping


def sandwich(fields: Mapping[str, str], secret: str, without: tuple[str, ...] = ("sign",)) -> bytes:
    """Return the secret, all names with their values in order, and the secret again."""
    pieces = [secret]
    for name in sorted(set(fields) - set(without)):
        pieces += [name, fields[name]]
    return "".join([*pieces, secret]).encode()


def md5(fields: Mapping[str, str], secret: str) -> str:
    """Return JD's, Pinduoduo's and Taobao's."""
    return hashlib.md5(sandwich(fields, secret), usedforsecurity=False).hexdigest().upper()


def sha256(fields: Mapping[str, str], secret: str) -> str:
    """Return Douyin's, which leaves out the token and how it is signed."""
    text = sandwich(fields, secret, ("sign", "sign_method", "access_token"))
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
