"""The platforms' side of each protocol, with keys of the tests' own: they sign, we verify."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509.oid import NameOID

from clients.providers import keys
from clients.providers.accounts import (
    Account,
    AlipayAccount,
    UnionPayAccount,
    WechatPayAccount,
)
from clients.providers.callbacks import PROTOCOLS, Call, Opened, Refusal, RefusedError
from tests.unit.clients.providers.key_ring import (
    NOW,
    certified,
    pem_of,
    pem_of_public,
    rsa_key,
    signed,
)

API_V3_KEY = b"0123456789abcdef0123456789abcdef"
# Its MD5 begins with a zero: whoever makes a number of it loses a digit.
API_V2_KEY = b"00000000000000000000000000000017"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092024"


def opened(account: Account, call: Call, at: datetime = NOW) -> Opened:
    """Open a call as the gateway does."""
    return PROTOCOLS[account.provider].open(account, call, at)


def refusal(account: Account, call: Call, at: datetime = NOW) -> Refusal:
    """Return why a call is refused; it must be."""
    try:
        found = opened(account, call, at)
    except RefusedError as error:
        return error.refusal
    raise AssertionError(f"believed: {found.template}")


def a_call(body: bytes, headers: Mapping[str, str] | None = None) -> Call:
    return Call("POST", "/callbacks/provider/main", "", dict(headers or {}), body)


# WeChat Pay


def a_wechatpay_account(**changes: object) -> WechatPayAccount:
    certificate = certified("wechatpay platform")
    serial = f"{certificate.serial_number:X}"
    account = WechatPayAccount(
        name="main",
        merchant="1900000109",
        apps=frozenset({"wx8888888888888888"}),
        private_key=rsa_key("ours"),
        serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        api_v3_key=API_V3_KEY,
        api_v2_key=API_V2_KEY,
        platform_keys={
            serial: keys.key_of(certificate),
            PUBLIC_KEY_ID: keys.platform_key(pem_of_public(rsa_key("wechatpay public key"))),
        },
    )
    return replace(account, **changes)


def a_transaction(**changes: object) -> dict[str, Any]:
    return {
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "out_trade_no": "T-1",
        "transaction_id": "4200000000000000000000000001",
        "trade_state": "SUCCESS",
        "success_time": "2026-11-22T12:00:00+08:00",
        "amount": {"total": 100, "currency": "CNY"},
    } | changes


def a_refund(**changes: object) -> dict[str, Any]:
    return {
        "mchid": "1900000109",
        "out_trade_no": "T-1",
        "transaction_id": "4200000000000000000000000001",
        "refund_id": "50000000000000000000000000001",
        "out_refund_no": "R-1",
        "refund_status": "SUCCESS",
        "success_time": "2026-11-22T12:00:00+08:00",
        "amount": {"total": 100, "refund": 40},
    } | changes


def a_sealed_notice(
    event: str, content: Mapping[str, Any], about: str | None = "transaction", **changes: object
) -> bytes:
    """Return the envelope of version 3, not signed yet."""
    nonce = "0123456789ab"
    plain = json.dumps(content, ensure_ascii=False).encode()
    sealed = AESGCM(API_V3_KEY).encrypt(nonce.encode(), plain, (about or "").encode())
    resource = {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "nonce": nonce,
    } | ({} if about is None else {"associated_data": about})
    envelope = {
        "id": "EV-1",
        "create_time": "2026-11-22T12:00:01+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": resource | changes,
    }
    return json.dumps(envelope, ensure_ascii=False).encode()


def a_wechatpay_call(
    body: bytes, at: datetime = NOW, serial: str = "", key: str = "wechatpay platform"
) -> Call:
    """Return the body signed as the platform does, with its certificate's key or another."""
    timestamp, nonce = str(int(at.timestamp())), "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
    text = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return a_call(
        body,
        {
            "content-type": "application/json",
            "wechatpay-timestamp": timestamp,
            "wechatpay-nonce": nonce,
            "wechatpay-serial": serial or f"{certified('wechatpay platform').serial_number:X}",
            "wechatpay-signature": signed(rsa_key(key), text),
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        },
    )


def xml_of(fields: Mapping[str, str], root: str = "xml") -> bytes:
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>\n" for name, value in fields.items())
    return f"<{root}>\n{inner}</{root}>".encode()


def a_version_2_payment(**changes: str) -> dict[str, str]:
    return {
        "return_code": "SUCCESS",
        "result_code": "SUCCESS",
        "appid": "wx8888888888888888",
        "mch_id": "1900000109",
        "nonce_str": "5d2b6c2a8db53831f7eda20af46e531c",
        "attach": "支付测试",
        "out_trade_no": "T-1",
        "transaction_id": "4200000000000000000000000001",
        "total_fee": "100",
        "time_end": "20261122120000",
        "device_info": "",
        "coupon_fee_1": "2",
        "coupon_fee_0": "1",
    } | changes


def a_version_2_call(fields: Mapping[str, str], kind: str = "MD5", key: bytes = API_V2_KEY) -> Call:
    given = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value)
    text = f"{given}&key=".encode() + key
    digest = (
        hashlib.md5(text) if kind == "MD5" else hmac.new(key, text, hashlib.sha256)  # noqa: S324  # The platform's choice.
    ).hexdigest()
    return a_call(xml_of({**fields, "sign": digest.upper()}), {"content-type": "text/xml"})


def a_version_2_refund_call(plain: bytes, key: bytes = API_V2_KEY, **changes: str) -> Call:
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    sealing = Cipher(AES256(hashlib.md5(key).hexdigest().encode()), ECB()).encryptor()  # noqa: S305, S324  # The platform's choice.
    sealed = base64.b64encode(sealing.update(padded) + sealing.finalize()).decode()
    fields = {
        "return_code": "SUCCESS",
        "appid": "wx8888888888888888",
        "mch_id": "1900000109",
        "nonce_str": "TeqClE3i0mvn3DrK",
        "req_info": sealed,
    } | changes
    return a_call(xml_of(fields), {"content-type": "text/xml"})


# Alipay


def an_alipay_account(**changes: object) -> AlipayAccount:
    account = AlipayAccount(
        name="main",
        app="2021000000000001",
        seller="2088000000000001",
        private_key=rsa_key("ours"),
        platform_keys=(keys.platform_key(pem_of_public(rsa_key("alipay"))),),
    )
    return replace(account, **changes)


def an_alipay_notice(**changes: str) -> dict[str, str]:
    return {
        "notify_id": "2026112200222120000000000000000001",
        "notify_type": "trade_status_sync",
        "notify_time": "2026-11-22 12:00:00",
        "app_id": "2021000000000001",
        "seller_id": "2088000000000001",
        "out_trade_no": "T-1",
        "trade_no": "2026112222001400000000000001",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "1.00",
        "subject": "a+b 测试 & more",
        "body": "",
        "gmt_payment": "2026-11-22 12:00:00",
        "charset": "utf-8",
        "version": "1.0",
    } | changes


def an_alipay_call(fields: Mapping[str, str], charset: str = "utf-8", key: str = "alipay") -> Call:
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value)
    sent = {**fields, "sign": signed(rsa_key(key), text.encode(charset)), "sign_type": "RSA2"}
    return a_call(
        form_of(sent, charset),
        {"content-type": f"application/x-www-form-urlencoded; charset={charset}"},
    )


def form_of(fields: Mapping[str, str], charset: str = "utf-8") -> bytes:
    return "&".join(
        f"{name}={quote_plus(value.encode(charset))}" for name, value in fields.items()
    ).encode()


# UnionPay


def unionpay_root() -> x509.Certificate:
    return certified("unionpay root", is_authority=True)


def unionpay_certificate(
    name: str = "041@8310@中国银联股份有限公司@0001", **kind: object
) -> x509.Certificate:
    return certified(name, unionpay_root(), "unionpay root", **kind)


def a_unionpay_account(**changes: object) -> UnionPayAccount:
    account = UnionPayAccount(
        name="main",
        merchant="777290058110048",
        private_key=rsa_key("ours"),
        certificate_id="68759663125",
        root_certificates=(unionpay_root(),),
    )
    return replace(account, **changes)


def a_unionpay_notice(**changes: str) -> dict[str, str]:
    return {
        "version": "5.1.0",
        "encoding": "utf-8",
        "signMethod": "01",
        "bizType": "000201",
        "txnType": "01",
        "txnSubType": "01",
        "merId": "777290058110048",
        "orderId": "T1T1T1T1",
        "txnTime": "20261122120000",
        "txnAmt": "100",
        "currencyCode": "156",
        "queryId": "782609081322060674028",
        "respCode": "00",
        "respMsg": "成功[0000000]",
        "reserved": "",
    } | changes


def unionpay_fields(
    fields: Mapping[str, str], certificate: x509.Certificate, key: str = "", charset: str = "utf-8"
) -> dict[str, str]:
    """Return the fields with certificate and signature; of the certificate's key or another."""
    sent = {**fields, "signPubKeyCert": pem_of(certificate).decode().replace("\n", "\r\n").strip()}
    text = "&".join(f"{name}={value}" for name, value in sorted(sent.items()) if value)
    digest = hashlib.sha256(text.encode(charset)).hexdigest().encode()
    name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return {**sent, "signature": signed(rsa_key(key or str(name)), digest)}


def a_unionpay_call(
    fields: Mapping[str, str],
    certificate: x509.Certificate | None = None,
    key: str = "",
    charset: str = "utf-8",
) -> Call:
    sent = unionpay_fields(fields, certificate or unionpay_certificate(), key, charset)
    return a_call(
        form_of(sent, charset),
        {"content-type": f"application/x-www-form-urlencoded;charset={charset}"},
    )
