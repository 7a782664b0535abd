"""Signatures of WeChat Pay version 3: ours on requests, the platform's on notices and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from clients.providers.accounts.account import WechatPayAccount
from clients.providers.calls import Refusal, RefusedError
from clients.providers.keys import is_signed, sign
from clients.providers.parsing import malformed

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
# The window of the platform's own SDK: what is 300 s off, either way, is a replay.
WINDOW_S: Final = 300
TIMESTAMP: Final = re.compile(r"[1-9]\d{8,10}", re.ASCII)
HEADERS: Final = (
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-serial",
    "wechatpay-signature",
)


def authorization(
    account: WechatPayAccount, method: str, target: str, body: bytes, nonce: str, now: datetime
) -> str:
    """Return the `Authorization` header of a request.

    `target` is path and query as they go over the wire; the body is empty for GET.
    """
    timestamp = str(int(now.timestamp()))
    text = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return (
        f'{SCHEME} mchid="{account.merchant}",nonce_str="{nonce}",'
        f'signature="{sign(account.private_key, text)}",timestamp="{timestamp}",'
        f'serial_no="{account.serial}"'
    )


def verify(
    account: WechatPayAccount, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Check that the platform has signed these raw bytes just now; header names in lower case.

    For a notice and for the answer to a request alike.

    Raises:
        RefusedError: MALFORMED, STALE, KEY_UNKNOWN or SIGNATURE. Nothing is fetched for a key that
            is unknown: whoever calls could make us call.
    """
    for name in HEADERS:
        if not headers.get(name):
            raise RefusedError(Refusal.SIGNATURE, f"header {name} is missing")
    timestamp, nonce, serial, signature = (headers[name] for name in HEADERS)
    kind = headers.get("wechatpay-signature-type", SCHEME)
    if kind != SCHEME:
        raise RefusedError(Refusal.SIGNATURE, "signature is of another type")
    if TIMESTAMP.fullmatch(timestamp) is None:
        raise malformed("wechatpay-timestamp is no time")
    if abs(now.timestamp() - int(timestamp)) >= WINDOW_S:
        raise RefusedError(Refusal.STALE, "wechatpay-timestamp is 300 s off, or more")
    key = account.platform_keys.get(serial)
    if key is None or not key.counts_at(now):
        raise RefusedError(Refusal.KEY_UNKNOWN, "wechatpay-serial names no key that we hold")
    text = f"{timestamp}\n{nonce}\n".encode("utf-8", "surrogatepass") + body + b"\n"
    if not is_signed(key.key, text, signature):
        raise RefusedError(Refusal.SIGNATURE, "wechatpay-signature is not the platform's")
