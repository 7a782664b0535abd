"""Opens notices of WeChat Pay version 2: XML, signed with the APIv2 key or sealed with it.

There is no time of sending in them, so no replay window: a call that is played again says the
same again. A refund is sealed but not signed, in blocks that do not hang together (the platform's
design), so what comes out must look like a refund in every field that we use.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7

from clients.providers.accounts.account import WechatPayAccount
from clients.providers.calls import Call, Opened, Refusal, RefusedError
from clients.providers.keys import canonical_base64
from clients.providers.parsing import fields_of_xml, malformed, name

CONTENT_TYPE: Final = "text/xml; charset=utf-8"
SUCCESS: Final = "SUCCESS"
# The kinds of signature by the length of their hexadecimal text.
MD5: Final = "MD5"
HMAC_SHA256: Final = "HMAC-SHA256"
KINDS: Final = {32: MD5, 64: HMAC_SHA256}

NUMBER: Final = re.compile(r"[\w|*@-]{1,64}", re.ASCII)
AMOUNT: Final = re.compile(r"\d{1,12}", re.ASCII)
REFUND_FIELDS: Final[Mapping[str, re.Pattern[str]]] = {
    "out_trade_no": NUMBER,
    "out_refund_no": NUMBER,
    "transaction_id": NUMBER,
    "refund_id": NUMBER,
    "refund_fee": AMOUNT,
    "total_fee": AMOUNT,
    "refund_status": re.compile(r"[A-Z_]{1,20}", re.ASCII),
}


def opened(account: WechatPayAccount, call: Call) -> Opened:
    """Return what the notice says.

    Raises:
        RefusedError: it is not proved.
    """
    fields = fields_of_xml(call.body, "xml")
    if account.api_v2_key is None:
        raise RefusedError(Refusal.KEY_UNKNOWN, "the account has no api_v2_key")
    if fields.get("return_code") != SUCCESS:
        raise malformed("return_code tells of no notice")
    if "req_info" in fields:
        return _refund(account, account.api_v2_key, fields)
    verify(account.api_v2_key, fields)
    _check_owner(account, fields)
    is_payment = "transaction_id" in fields and "total_fee" in fields
    return Opened(
        template="wechatpay.v2.transaction" if is_payment else "wechatpay.unknown",
        message_id=name(fields.get("transaction_id")),
        body=call.body,
        content_type=CONTENT_TYPE,
        order_hint=name(fields.get("out_trade_no")),
    )


def signature(key: bytes, fields: Mapping[str, str], kind: str) -> str:
    """Return the signature, MD5 or HMAC-SHA256, of fields of a message."""
    given = sorted((field, value) for field, value in fields.items() if value and field != "sign")
    text = "".join(f"{field}={value}&" for field, value in given).encode() + b"key=" + key
    if kind == HMAC_SHA256:
        return hmac.new(key, text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(text).hexdigest().upper()  # noqa: S324  # The platform's choice.


def verify(key: bytes, fields: Mapping[str, str]) -> None:
    """Check that the fields are signed with the key.

    Raises:
        RefusedError: SIGNATURE.
    """
    given = fields.get("sign", "")
    kind = KINDS.get(len(given))
    if kind is None or fields.get("sign_type", kind) != kind:
        raise RefusedError(Refusal.SIGNATURE, "sign is missing, or of another kind")
    if not hmac.compare_digest(signature(key, fields, kind).encode(), given.encode()):
        raise RefusedError(Refusal.SIGNATURE, "sign is not the platform's")


def _refund(account: WechatPayAccount, key: bytes, fields: Mapping[str, str]) -> Opened:
    plain = _unsealed(key, fields["req_info"])
    refund = fields_of_xml(plain, "root")
    for field, pattern in REFUND_FIELDS.items():
        if pattern.fullmatch(refund.get(field, "")) is None:
            raise malformed(f"req_info has no sound {field}")
    _check_owner(account, fields)
    return Opened(
        template="wechatpay.v2.refund",
        message_id=name(f"{refund['refund_id']}:{refund['refund_status']}"),
        body=plain,
        content_type=CONTENT_TYPE,
        order_hint=name(refund["out_trade_no"]),
    )


def _unsealed(key: bytes, sealed: str) -> bytes:
    """Return `req_info` in plain: AES-256-ECB, its key the MD5 of ours as 32 hexadecimal digits."""
    content = canonical_base64(sealed)
    if content is None:
        raise malformed("req_info is no base64")
    digits = hashlib.md5(key).hexdigest().encode()  # noqa: S324  # The platform's choice.
    opening = Cipher(AES256(digits), ECB()).decryptor()  # noqa: S305  # The platform's choice.
    unpadding = PKCS7(128).unpadder()
    try:
        padded = opening.update(content) + opening.finalize()
        return unpadding.update(padded) + unpadding.finalize()
    except ValueError:
        raise RefusedError(Refusal.SIGNATURE, "req_info is not sealed with api_v2_key") from None


def _check_owner(account: WechatPayAccount, fields: Mapping[str, str]) -> None:
    if fields.get("mch_id") != account.merchant:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "mch_id is another")
    if fields.get("appid") not in account.apps:
        raise RefusedError(Refusal.OTHER_ACCOUNT, "appid is another")
