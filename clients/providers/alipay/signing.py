"""Signatures of Alipay (RSA2): ours on requests, the platform's on notices and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from clients.providers.accounts.account import AlipayAccount
from clients.providers.calls import Refusal, RefusedError
from clients.providers.keys import is_signed, sign
from clients.providers.parsing import bounded, json_object, malformed, text_of

RSA2: Final = "RSA2"
BEIJING: Final = timezone(timedelta(hours=8))
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
WHITE: Final = " \t\r\n"


def request(
    account: AlipayAccount, method: str, business: Mapping[str, Any], now: datetime
) -> dict[str, str]:
    """Return the signed form fields of a request, to be url-encoded in UTF-8."""
    fields = {
        "app_id": account.app,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": RSA2,
        "timestamp": now.astimezone(BEIJING).strftime(TIME_FORMAT),
        "version": "1.0",
        "app_cert_sn": account.app_certificate_sn,
        "alipay_root_cert_sn": account.root_certificate_sn,
        "biz_content": json.dumps(business, ensure_ascii=False, separators=(",", ":")),
    }
    given = {name: value for name, value in fields.items() if value}
    text = text_to_sign({name: value.encode() for name, value in given.items()})
    return {**given, "sign": sign(account.private_key, text)}


def text_to_sign(fields: Mapping[str, bytes]) -> bytes:
    """Return the fields that have a value, sorted, as `k=v&k=v`; the charset is theirs."""
    return b"&".join(
        name.encode() + b"=" + value for name, value in sorted(fields.items()) if value
    )


def verify(account: AlipayAccount, text: bytes, signature: str, now: datetime) -> None:
    """Check that the platform has signed the text.

    Raises:
        RefusedError: SIGNATURE, or KEY_UNKNOWN where every certificate that we hold has run out.
    """
    keys = [each for each in account.platform_keys if each.counts_at(now)]
    if not keys:
        raise RefusedError(Refusal.KEY_UNKNOWN, "no key of the platform counts at this time")
    if not any(is_signed(each.key, text, signature) for each in keys):
        raise RefusedError(Refusal.SIGNATURE, "sign is not the platform's")


def answer(account: AlipayAccount, method: str, body: bytes, now: datetime) -> dict[str, Any]:
    """Return the verified answer to a request: what stands under `alipay_…_response`.

    The signature covers that object as it stands in the body, to the byte; it is cut out, never
    written anew. That the platform has answered is no success yet: `code` must be `10000`.

    Raises:
        RefusedError: MALFORMED, SIGNATURE or KEY_UNKNOWN.
    """
    spans = _members(text_of(bounded(body)))
    signature = json.loads(spans["sign"]) if "sign" in spans else None
    if not isinstance(signature, str) or not signature:
        raise RefusedError(Refusal.SIGNATURE, "sign is missing")
    name = method.replace(".", "_") + "_response"
    if name not in spans:
        name = "error_response"
    if name not in spans:
        raise malformed("the answer is to another method")
    verify(account, spans[name].encode(), signature, now)
    return json_object(spans[name])


def _members(text: str) -> dict[str, str]:
    """Return the members of a JSON object, each value as it is written."""
    json_object(text)
    found: dict[str, str] = {}
    decoder = json.JSONDecoder()
    at = _after_white(text, _after_white(text, 0) + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        # Past the colon; the text is known to be one sound object.
        at = _after_white(text, _after_white(text, at) + 1)
        _, end = decoder.raw_decode(text, at)
        found[name] = text[at:end]
        at = _after_white(text, end)
        if text[at] == ",":
            at = _after_white(text, at + 1)
    return found


def _after_white(text: str, at: int) -> int:
    while text[at] in WHITE:
        at += 1
    return at
