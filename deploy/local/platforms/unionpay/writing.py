"""How UnionPay writes and signs: flat fields, a digest of a digest, a certificate inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.local.platforms import certificates as certs
from deploy.local.platforms.signing import is_signed, sign
from deploy.local.platforms.trades import Refund, RefundState, Trade, TradeState, digits

TIME: Final = "%Y%m%d%H%M%S"

# Chinese yuan, as ISO 4217 numbers it; nobody here uses another one.
CURRENCY: Final = "156"

# An encrypted card number, with the plus signs, slashes and equals signs that real ones have.
ACCOUNT_NUMBER: Final = base64.b64encode(bytes(range(0, 256, 2)) + b"\xfb\xef\xff" * 43).decode()

SUCCESS: Final = ("00", "成功[0000000]")
NO_TRADE: Final = ("34", "查无此交易[3400000]")
MALFORMED: Final = ("10", "报文格式错误[1000000]")
BAD_SIGNATURE: Final = ("11", "验证签名失败[1100000]")

# What became of a payment, inside the answer to a query that worked.
ORIGINAL: Final[Mapping[TradeState, tuple[str, str]]] = {
    TradeState.AUTHORISED: ("05", "交易已受理，请稍后查询[0500000]"),
    TradeState.PAYING: ("04", "交易状态未明，请查询对账结果[0400000]"),
    TradeState.PAID: SUCCESS,
    TradeState.FINISHED: SUCCESS,
    TradeState.CLOSED: ("01", "交易失败[0100000]"),
    TradeState.FAILED: ("01", "交易失败[0100000]"),
}

ORIGINAL_REFUND: Final[Mapping[RefundState, tuple[str, str]]] = {
    RefundState.PROCESSING: ("03", "交易通讯超时，请发起查询交易[0300000]"),
    RefundState.SUCCEEDED: SUCCESS,
    RefundState.CLOSED: ("01", "交易失败[0100000]"),
    RefundState.FAILED: ("01", "交易失败[0100000]"),
}


def unsigned(fields: Mapping[str, str]) -> bytes:
    """Return what is signed: the digest, as text, of all that is not empty, sorted."""
    kept = sorted((name, value) for name, value in fields.items() if value and name != "signature")
    text = "&".join(f"{name}={value}" for name, value in kept)
    return hashlib.sha256(text.encode()).hexdigest().encode()


def signed(
    fields: Mapping[str, str], key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> dict[str, str]:
    """Return the message with its certificate, whose lines end in CR LF, and its signature."""
    pem = certs.certificate_pem(certificate).strip().replace("\n", "\r\n")
    whole = {**dict(sorted(fields.items())), "signMethod": "01", "signPubKeyCert": pem}
    return {**whole, "signature": sign(key, unsigned(whole))}


def is_of(fields: Mapping[str, str], certificate: x509.Certificate) -> bool:
    """Whether the merchant of that certificate signed the message."""
    is_named = fields.get("certId") == str(certificate.serial_number)
    key = certs.key_of(certificate)
    return is_named and is_signed(key, unsigned(fields), fields.get("signature", ""))


def parse(text: str) -> dict[str, str]:
    """Read `k=v&k=v` that is not url-encoded."""
    return dict(part.split("=", 1) for part in text.split("&") if "=" in part)


def joined(fields: Mapping[str, str]) -> bytes:
    """Write `k=v&k=v` without url-encoding, as answers are."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def payment(merchant: str, trade: Trade) -> dict[str, str]:
    """Return a payment as notices and answers to queries tell it."""
    stamp = trade.paid or trade.created
    return {
        **_money(merchant, trade.amount_minor),
        "accNo": ACCOUNT_NUMBER,
        "orderId": trade.number,
        "queryId": trade.id,
        "settleDate": stamp.beijing("%m%d"),
        "traceNo": trade.id[-6:],
        # Without a year.
        "traceTime": stamp.beijing("%m%d%H%M%S"),
        "txnSubType": "01",
        "txnTime": trade.handle,
        "txnType": "01",
    }


def refund(merchant: str, told: Refund) -> dict[str, str]:
    """Return a refund as notices and answers to queries tell it."""
    stamp = told.settled or told.asked
    return {
        **_money(merchant, told.amount_minor),
        **told.metadata,
        "orderId": told.number,
        "origQryId": told.trade.id,
        "queryId": told.id,
        "settleDate": stamp.beijing("%m%d"),
        "traceNo": told.id[-6:],
        "traceTime": stamp.beijing("%m%d%H%M%S"),
        "txnSubType": "00",
        "txnTime": told.metadata.get("txnTime") or told.asked.beijing(TIME),
        "txnType": "04",
    }


def query_id(trade: Trade) -> str:
    """Return a number for a payment or a refund: the day, and digits up to 21."""
    return f"{trade.created.beijing('%y%m%d')}{digits(15)}"


def _money(merchant: str, amount_minor: int) -> dict[str, str]:
    return {
        "accessType": "0",
        "bizType": "000201",
        "currencyCode": CURRENCY,
        "encoding": "utf-8",
        "merId": merchant,
        "settleAmt": str(amount_minor),
        "settleCurrencyCode": CURRENCY,
        "txnAmt": str(amount_minor),
        "version": "5.1.0",
    }
