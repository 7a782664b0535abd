"""WeChat Pay's fake, asked and read by the library that its merchants use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import load_private_key

from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

Accounts = dict[str, dict[str, Any]]


def client_of(accounts: Accounts) -> WeChatPay:
    account = accounts["wechat-main"]
    key_id = next(each for each in account["platform_keys"] if each.startswith("PUB_KEY_ID"))
    made = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=account["merchant"],
        private_key=account["private_key"],
        cert_serial_no=account["serial"],
        apiv3_key=account["api_v3_key"],
        appid=account["apps"][0],
        public_key=account["platform_keys"][key_id],
        public_key_id=key_id,
    )
    made._core._gate_way = account["api"]
    return made


@pytest.fixture
def client(accounts: Accounts) -> WeChatPay:
    return client_of(accounts)


def test_a_trade_is_asked_for_by_both_its_numbers(platforms: Platforms, client: WeChatPay) -> None:
    platforms.control.create("wechatpay", "M1", 1250)
    before = json.loads(client.query(out_trade_no="M1")[1])
    trade = platforms.control.pay("wechatpay", "M1")

    status, by_number = client.query(out_trade_no="M1")
    _, by_id = client.query(transaction_id=trade["id"])

    told = json.loads(by_number)
    assert status == 200
    assert before["trade_state"] == "NOTPAY"
    assert "transaction_id" not in before
    assert told["trade_state"] == "SUCCESS"
    assert told["amount"]["total"] == 1250
    assert told["transaction_id"] == trade["id"]
    assert json.loads(by_id) == told


def test_a_trade_that_nobody_made_does_not_exist(platforms: Platforms, client: WeChatPay) -> None:
    status, body = client.query(out_trade_no="M404")

    assert status == 404
    assert json.loads(body)["code"] == "ORDER_NOT_EXIST"
    assert platforms.control.requests(number="M404")[0]["reason"] == "ORDER_NOT_EXIST"


def test_a_refund_is_carried_out_once_however_often_it_is_asked_for(
    platforms: Platforms, client: WeChatPay
) -> None:
    platforms.control.create("wechatpay", "M1", 1000, pay_in_s=0)
    amount = {"refund": 300, "total": 1000, "currency": "CNY"}

    answers = [client.refund("R1", amount, out_trade_no="M1") for _ in range(2)]
    platforms.control.settle()
    other = client.refund("R1", {**amount, "refund": 400}, out_trade_no="M1")
    more = client.refund("R2", {**amount, "refund": 701}, out_trade_no="M1")
    asked = json.loads(client.query_refund("R1")[1])

    assert [json.loads(body)["status"] for _, body in answers] == ["PROCESSING"] * 2
    assert answers[0] == answers[1]
    assert other[0] == more[0] == 400
    assert asked["status"] == "SUCCESS"
    assert json.loads(client.query(out_trade_no="M1")[1])["trade_state"] == "REFUND"


def test_a_request_under_a_foreign_key_is_refused(
    platforms: Platforms, client: WeChatPay, accounts: Accounts
) -> None:
    platforms.control.create("wechatpay", "M1", 1000, pay_in_s=0)
    client._core._private_key = load_private_key(accounts["alipay-main"]["private_key"])

    status, body = client.query(out_trade_no="M1")

    assert status == 401
    assert json.loads(body)["code"] == "SIGN_ERROR"


def test_the_library_reads_notices_of_payment_and_refund(
    platforms: Platforms, client: WeChatPay, merchant: Merchant
) -> None:
    platforms.control.create("wechatpay", "M1", 1250, pay_in_s=0)
    platforms.control.settle()
    platforms.control.refund("wechatpay", "M1", number="R1", amount_minor=250)
    platforms.control.settle()

    (path, *_), _ = merchant.calls
    paid, refunded = (client.callback(headers, body) for _, headers, body in merchant.calls)
    assert path == "/callbacks/wechatpay/wechat-main"
    assert paid["event_type"] == "TRANSACTION.SUCCESS"
    assert paid["resource"]["out_trade_no"] == "M1"
    assert paid["resource"]["amount"]["total"] == 1250
    assert refunded["event_type"] == "REFUND.SUCCESS"
    assert refunded["resource"]["refund_status"] == "SUCCESS"
    assert refunded["resource"]["amount"]["refund"] == 250


def test_certificates_are_listed_and_sign_after_a_rotation(
    platforms: Platforms, client: WeChatPay, merchant: Merchant
) -> None:
    serial = platforms.control.rotate("wechat-main", "certificate")
    platforms.control.create("wechatpay", "M1", 1250, pay_in_s=0)
    platforms.control.settle()

    # As a merchant without the platform's public key: the library fetches certificates.
    client._core._public_key_id = None
    client._core._update_certificates()
    _, headers, body = merchant.calls[0]

    assert headers["Wechatpay-Serial"] == serial
    assert client.callback(headers, body)["resource"]["out_trade_no"] == "M1"
    assert serial in platforms.accounts_file.read_text()


@pytest.mark.parametrize("kind", ["other_key", "changed_body", "signature_probe"])
def test_the_library_does_not_believe_a_forger(
    platforms: Platforms, client: WeChatPay, merchant: Merchant, kind: str
) -> None:
    platforms.control.create("wechatpay", "M1", 1250)
    platforms.control.forge("wechatpay", "M1", kind)
    platforms.control.settle()

    ((_, headers, body),) = merchant.calls

    assert client.callback(headers, body) is None
    assert [each["is_right"] for each in platforms.control.calls()] == [False]
    assert platforms.control.statistics()["wrong"] == 1
