"""How Chinese shops' platforms have requests signed: names and values in order, in secrets."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping


def md5_signed(parameters: Mapping[str, str], secret: str) -> str:
    """Return the signature of JD, Pinduoduo and Taobao: MD5 over all but `sign`, in capitals."""
    text = f"{secret}{_joined(parameters)}{secret}"
    # MD5 is theirs to choose.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def hmac_signed(parameters: Mapping[str, str], secret: str) -> str:
    """Return the signature of Douyin: HMAC-SHA256 over the same text, in small letters."""
    text = f"{secret}{_joined(parameters)}{secret}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _joined(parameters: Mapping[str, str]) -> str:
    return "".join(f"{name}{parameters[name]}" for name in sorted(parameters) if name != "sign")
