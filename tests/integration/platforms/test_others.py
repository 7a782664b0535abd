"""Adyen's and Douyin's notices, and WeChat Pay's of v2, read as their documents say."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from Adyen.util import is_valid_hmac_notification
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring

from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

Accounts = dict[str, dict[str, Any]]

V2_SUCCESS = b"<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>"


def test_adyens_library_verifies_its_notices(
    platforms: Platforms, accounts: Accounts, merchant: Merchant
) -> None:
    platforms.control.create("adyen", "D1", 1250)
    platforms.control.move("adyen", "D1", "authorise")
    platforms.control.settle()
    platforms.control.pay("adyen", "D1")
    platforms.control.settle()
    platforms.control.refund("adyen", "D1", number="R1", amount_minor=250)
    platforms.control.settle()

    key = accounts["adyen-main"]["hmac_keys"][0]
    notices = [json.loads(body) for _, _, body in merchant.calls]
    items = [each["notificationItems"][0]["NotificationRequestItem"] for each in notices]
    assert all(is_valid_hmac_notification(each, key) for each in notices)
    assert [each["eventCode"] for each in items] == ["AUTHORISATION", "CAPTURE", "REFUND"]
    assert [each["amount"]["value"] for each in items] == [1250, 1250, 250]
    assert items[2]["originalReference"] == items[0]["pspReference"]


@pytest.mark.parametrize("kind", ["other_key", "changed_body"])
def test_adyens_library_does_not_believe_a_forger(
    platforms: Platforms, accounts: Accounts, merchant: Merchant, kind: str
) -> None:
    platforms.control.create("adyen", "D1", 1250)
    platforms.control.forge("adyen", "D1", kind)
    platforms.control.settle()

    ((_, _, body),) = merchant.calls

    assert not is_valid_hmac_notification(json.loads(body), accounts["adyen-main"]["hmac_keys"][0])


def test_douyin_signs_its_notices(
    platforms: Platforms, accounts: Accounts, merchant: Merchant
) -> None:
    merchant.answers = [(200, b'{"err_no":0,"err_tips":"success"}')]
    platforms.control.create("douyin_pay", "Y1", 1250, pay_in_s=0)
    platforms.control.settle()

    ((path, _, body),) = merchant.calls
    told = json.loads(body)
    parts = (accounts["douyin-main"]["token"], told["timestamp"], told["nonce"], told["msg"])
    assert path == "/callbacks/douyin_pay/douyin-main"
    assert told["msg_signature"] == hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  # Theirs.
    assert json.loads(told["msg"])["cp_orderno"] == "Y1"
    assert platforms.control.statistics()["platforms"]["douyin_pay"]["notices"]["settled"] == 1


def fields_of(element: Element) -> dict[str, str]:
    return {child.tag: (child.text or "").strip() for child in element}


def test_v2_is_signed_with_md5_and_seals_refunds(
    platforms: Platforms, accounts: Accounts, merchant: Merchant
) -> None:
    merchant.answers = [(200, V2_SUCCESS)]
    platforms.control.create("wechatpay", "M2", 1250, dialect="v2", pay_in_s=0)
    platforms.control.settle()
    platforms.control.refund("wechatpay", "M2", number="R2", amount_minor=250)
    platforms.control.settle()

    paid, refunded = (fields_of(fromstring(body)) for _, _, body in merchant.calls)
    key = accounts["wechat-main"]["api_v2_key"]
    signature = paid.pop("sign")
    text = "&".join(f"{name}={paid[name]}" for name in sorted(paid) if paid[name])
    digest = hashlib.md5(f"{text}&key={key}".encode()).hexdigest().upper()  # noqa: S324  # Theirs.
    secret = hashlib.md5(key.encode()).hexdigest().encode()  # noqa: S324  # Theirs.
    decryptor = Cipher(algorithms.AES(secret), modes.ECB()).decryptor()  # noqa: S305  # Theirs.
    plain = decryptor.update(base64.b64decode(refunded["req_info"])) + decryptor.finalize()
    sealed = fields_of(fromstring(plain[: -plain[-1]]))
    assert signature == digest
    assert (paid["out_trade_no"], paid["total_fee"]) == ("M2", "1250")
    assert (sealed["out_refund_no"], sealed["refund_fee"]) == ("R2", "250")
    assert sealed["refund_status"] == "SUCCESS"
