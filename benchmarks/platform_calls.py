"""Callbacks as each platform sends them, signed with its made-up keys, and the answers it wants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.merchant import PLATFORM_KEY, Merchant

BEIJING: Final = timezone(timedelta(hours=8))
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"

# What makes each platform stop: HTTP status and body; None where the body does not matter.
STOPS: Final[Mapping[str, tuple[int, bytes | None]]] = {
    "wechatpay": (200, None),
    "alipay": (200, b"success"),
    "unionpay": (200, None),
    "stripe": (200, None),
    "adyen": (200, None),
    "douyin_pay": (200, b'{"err_no":0,"err_tips":"success"}'),
}


@dataclass(frozen=True)
class PlatformCall:
    """One callback: what is sent, and by what its receipt is found."""

    provider: str
    headers: Mapping[str, str]
    body: bytes
    message_id: str
    order: str
    account: str = "main"

    @property
    def path(self) -> str:
        """Where it goes."""
        return f"/callbacks/{self.provider}/{self.account}"

    def forged(self) -> PlatformCall:
        """Return it with one byte of the body changed, which its signature does not cover."""
        at = self.body.index(self.order.encode()) if self.order.encode() in self.body else 20
        flipped = bytes([self.body[at] ^ 1])
        return replace(self, body=self.body[:at] + flipped + self.body[at + 1 :])


def stops(provider: str, status: int, body: bytes) -> bool:
    """Return whether the platform takes this answer for the end."""
    wanted, text = STOPS[provider]
    return status == wanted and (text is None or body == text)


def wechatpay(merchant: Merchant, order: str, now: datetime) -> PlatformCall:
    """Return the notice of a payment, version 3."""
    message_id = hashlib.sha256(order.encode()).hexdigest()[:36]
    resource = {
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "out_trade_no": order,
        "transaction_id": f"4200{_digits(order, 24)}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "bank_type": "OTHERS",
        "success_time": now.astimezone(BEIJING).isoformat(timespec="seconds"),
        "amount": {"total": 8800, "payer_total": 8800, "currency": "CNY", "payer_currency": "CNY"},
    }
    nonce = secrets.token_hex(6)
    plain = json.dumps(resource, ensure_ascii=False).encode()
    sealed = AESGCM(merchant.api_v3_key).encrypt(nonce.encode(), plain, b"transaction")
    body = _json(
        {
            "id": message_id,
            "create_time": resource["success_time"],
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "transaction",
                "nonce": nonce,
            },
        }
    )
    stamp, salt = str(int(now.timestamp())), secrets.token_hex(16)
    text = f"{stamp}\n{salt}\n".encode() + body + b"\n"
    headers = {
        "content-type": JSON,
        "wechatpay-timestamp": stamp,
        "wechatpay-nonce": salt,
        "wechatpay-serial": PLATFORM_KEY,
        "wechatpay-signature": _rsa(merchant.wechat, text),
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
    }
    return PlatformCall("wechatpay", headers, body, message_id, order)


def alipay(merchant: Merchant, order: str, now: datetime) -> PlatformCall:
    """Return the notice of a payment."""
    at = f"{now.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    fields = {
        "notify_id": hashlib.sha256(order.encode()).hexdigest()[:34],
        "notify_type": "trade_status_sync",
        "notify_time": at,
        "app_id": "2021000000000001",
        "auth_app_id": "2021000000000001",
        "seller_id": "2088000000000001",
        "out_trade_no": order,
        "trade_no": f"2026{_digits(order, 24)}",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "88.00",
        "receipt_amount": "88.00",
        "buyer_pay_amount": "88.00",
        "gmt_create": at,
        "gmt_payment": at,
        "subject": "一件 T+恤",
        "charset": "utf-8",
        "version": "1.0",
    }
    text = "&".join(f"{key}={value}" for key, value in sorted(fields.items()))
    signed = {**fields, "sign_type": "RSA2", "sign": _rsa(merchant.alipay, text.encode())}
    body = urlencode(signed).encode()
    return PlatformCall("alipay", {"content-type": FORM}, body, fields["notify_id"], order)


def unionpay(merchant: Merchant, order: str, now: datetime) -> PlatformCall:
    """Return the notice of a payment."""
    at = f"{now.astimezone(BEIJING):%Y%m%d%H%M%S}"
    fields = {
        "version": "5.1.0",
        "encoding": "UTF-8",
        "signMethod": "01",
        "txnType": "01",
        "txnSubType": "01",
        "bizType": "000201",
        "accessType": "0",
        "merId": "777290058110048",
        "orderId": order,
        "txnTime": at,
        "txnAmt": "8800",
        "currencyCode": "156",
        "queryId": f"{at}{_digits(order, 7)}",
        "respCode": "00",
        "respMsg": "成功[0000000]",
        "settleAmt": "8800",
        "settleCurrencyCode": "156",
        "settleDate": at[4:8],
        "traceNo": _digits(order, 6),
        "traceTime": at[4:],
        "signPubKeyCert": merchant.unionpay.pem.decode(),
    }
    text = "&".join(f"{key}={value}" for key, value in sorted(fields.items()))
    digest = hashlib.sha256(text.encode()).hexdigest().encode()
    body = urlencode({**fields, "signature": _rsa(merchant.unionpay.key, digest)}).encode()
    return PlatformCall("unionpay", {"content-type": FORM}, body, fields["queryId"], order)


def stripe(merchant: Merchant, order: str, now: datetime) -> PlatformCall:
    """Return the event of a payment."""
    stamp = int(now.timestamp())
    message_id = f"evt_{hashlib.sha256(order.encode()).hexdigest()[:24]}"
    intent = {
        "id": f"pi_{hashlib.sha256(order.encode()).hexdigest()[24:48]}",
        "object": "payment_intent",
        "amount": 8800,
        "amount_received": 8800,
        "currency": "cny",
        "created": stamp,
        "status": "succeeded",
        "metadata": {"order": order},
    }
    event = {
        "id": message_id,
        "object": "event",
        "created": stamp,
        "type": "payment_intent.succeeded",
        "data": {"object": intent},
        "livemode": False,
    }
    body = _json(event)
    signed = hmac.new(merchant.webhook_secret.encode(), f"{stamp}.".encode() + body, "sha256")
    headers = {"content-type": JSON, "stripe-signature": f"t={stamp},v1={signed.hexdigest()}"}
    return PlatformCall("stripe", headers, body, message_id, order)


def adyen(merchant: Merchant, order: str, now: datetime) -> PlatformCall:
    """Return the notice of an authorisation."""
    item: dict[str, Any] = {
        "pspReference": hashlib.sha256(order.encode()).hexdigest()[:16].upper(),
        "originalReference": "",
        "merchantAccountCode": "ConcordShop",
        "merchantReference": order,
        "amount": {"value": 8800, "currency": "CNY"},
        "eventCode": "AUTHORISATION",
        "success": "true",
        "eventDate": now.isoformat(timespec="seconds"),
        "paymentMethod": "visa",
    }
    amount = item["amount"]
    text = ":".join(
        (
            item["pspReference"],
            item["originalReference"],
            item["merchantAccountCode"],
            item["merchantReference"],
            str(amount["value"]),
            amount["currency"],
            item["eventCode"],
            item["success"],
        )
    )
    signature = hmac.new(merchant.hmac_key, text.encode(), "sha256").digest()
    item["additionalData"] = {"hmacSignature": base64.b64encode(signature).decode()}
    body = _json({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]})
    message_id = f"{item['pspReference']}:AUTHORISATION:true"
    return PlatformCall("adyen", {"content-type": JSON}, body, message_id, order)


def douyin_pay(merchant: Merchant, order: str, now: datetime) -> PlatformCall:
    """Return the notice of a payment in a mini program."""
    message = {
        "appid": "tt07e3715e98c9aac0",
        "cp_orderno": order,
        "order_id": _digits(order, 19),
        "status": "SUCCESS",
        "total_amount": 8800,
        "paid_at": int(now.timestamp()),
    }
    text = json.dumps(message, separators=(",", ":"))
    stamp, nonce = str(int(now.timestamp())), secrets.token_hex(4)
    joined = "".join(sorted((merchant.token, stamp, nonce, text)))
    envelope = {
        "timestamp": stamp,
        "nonce": nonce,
        "msg": text,
        "type": "payment",
        "msg_signature": hashlib.sha1(joined.encode()).hexdigest(),  # noqa: S324  # The platform's.
    }
    message_id = f"payment:{order}:SUCCESS"
    return PlatformCall("douyin_pay", {"content-type": JSON}, _json(envelope), message_id, order)


MAKE: Final[Mapping[str, Callable[[Merchant, str, datetime], PlatformCall]]] = {
    "wechatpay": wechatpay,
    "alipay": alipay,
    "unionpay": unionpay,
    "stripe": stripe,
    "adyen": adyen,
    "douyin_pay": douyin_pay,
}


def _digits(order: str, count: int) -> str:
    """Return as many digits, always the same of an order."""
    return str(int(hashlib.sha256(order.encode()).hexdigest(), 16))[:count]


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _rsa(key: RSAPrivateKey, text: bytes) -> str:
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()
