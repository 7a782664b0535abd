"""Alipay's fake, asked and read by the library that its merchants use, in both modes."""

from __future__ import annotations

import urllib.parse
from typing import Any

import httpx2
import pytest
from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayException, AliPayValidationError

from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

# The library's certificate mode asks pyOpenSSL for what that has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:X509:DeprecationWarning")

Accounts = dict[str, dict[str, Any]]


def client_of(accounts: Accounts, name: str) -> AliPay:
    account = accounts[name]
    if "platform_key" in account:
        client = AliPay(
            appid=account["app"],
            app_private_key_string=account["private_key"],
            alipay_public_key_string=account["platform_key"],
        )
    else:
        client = DCAliPay(
            appid=account["app"],
            app_private_key_string=account["private_key"],
            app_public_key_cert_string=account["app_certificate"],
            alipay_public_key_cert_string=account["platform_certificate"],
            alipay_root_cert_string=account["root_certificate"],
        )
    client._gateway = account["api"]
    return client


@pytest.fixture(params=["alipay-main", "alipay-cert"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(accounts: Accounts, name: str) -> AliPay:
    return client_of(accounts, name)


def fields_of(body: bytes) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))


def test_a_trade_is_asked_for(platforms: Platforms, client: AliPay, name: str) -> None:
    platforms.control.create("alipay", "A1", 1250, account=name)
    before = client.api_alipay_trade_query(out_trade_no="A1")
    platforms.control.pay("alipay", "A1")

    told = client.api_alipay_trade_query(out_trade_no="A1")

    assert before["trade_status"] == "WAIT_BUYER_PAY"
    assert told["trade_status"] == "TRADE_SUCCESS"
    assert told["total_amount"] == "12.50"
    assert client.api_alipay_trade_query(trade_no=told["trade_no"])["out_trade_no"] == "A1"


def test_what_is_wrong_comes_as_http_200(platforms: Platforms, client: AliPay) -> None:
    told = client.api_alipay_trade_query(out_trade_no="A404")

    assert (told["code"], told["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")
    assert platforms.control.requests(number="A404")[0]["status"] == 200


def test_a_refund_is_carried_out_once_however_often_it_is_asked_for(
    platforms: Platforms, client: AliPay, name: str
) -> None:
    platforms.control.create("alipay", "A1", 1000, account=name, pay_in_s=0)
    platforms.control.behave("alipay", refund_takes_s=0)

    first, again = (
        client.api_alipay_trade_refund("3.00", out_trade_no="A1", out_request_no="R1")
        for _ in range(2)
    )
    second = client.api_alipay_trade_refund("2.00", out_trade_no="A1", out_request_no="R2")
    other = client.api_alipay_trade_refund("4.00", out_trade_no="A1", out_request_no="R1")
    asked = client.api_alipay_trade_fastpay_refund_query("R1", out_trade_no="A1")
    unknown = client.api_alipay_trade_fastpay_refund_query("R9", out_trade_no="A1")

    assert [first["fund_change"], again["fund_change"]] == ["Y", "N"]
    assert [first["refund_fee"], second["refund_fee"]] == ["3.00", "5.00"]
    assert other["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert asked["refund_status"] == "REFUND_SUCCESS"
    assert asked["refund_amount"] == "3.00"
    assert unknown["code"] == "10000"
    assert "refund_status" not in unknown


def test_the_library_verifies_notices(
    platforms: Platforms, client: AliPay, name: str, merchant: Merchant
) -> None:
    platforms.control.create("alipay", "A1", 1250, account=name, pay_in_s=0)
    platforms.control.settle()
    platforms.control.refund("alipay", "A1", number="R1", amount_minor=250)
    platforms.control.settle()
    platforms.control.refund("alipay", "A1", number="R2")
    platforms.control.settle()

    notices = [fields_of(body) for _, _, body in merchant.calls]
    for fields in notices:
        unsigned = {key: value for key, value in fields.items() if key != "sign"}
        assert client.verify(dict(unsigned), fields["sign"])
        assert not client.verify({**unsigned, "total_amount": "12.51"}, fields["sign"])
    assert [each["trade_status"] for each in notices] == [
        "TRADE_SUCCESS",
        "TRADE_SUCCESS",
        "TRADE_CLOSED",
    ]
    assert [each.get("refund_fee") for each in notices] == [None, "2.50", "12.50"]
    assert [each.get("out_biz_no") for each in notices] == [None, "R1", "R2"]
    assert "+" in notices[0]["subject"]


def test_a_forged_notice_does_not_verify(
    platforms: Platforms, client: AliPay, name: str, merchant: Merchant
) -> None:
    platforms.control.create("alipay", "A1", 1250, account=name)
    for kind in ("other_key", "changed_body"):
        platforms.control.forge("alipay", "A1", kind)
    platforms.control.settle()

    for _, _, body in merchant.calls:
        fields = fields_of(body)
        signature = fields.pop("sign")
        assert fields["trade_status"] == "TRADE_SUCCESS"
        assert not client.verify(fields, signature)


def test_a_request_that_was_changed_is_refused(accounts: Accounts, client: AliPay) -> None:
    query = client.sign_data(client.build_body("alipay.trade.query", {"out_trade_no": "A1"}))
    url = f"{accounts['alipay-main']['api']}?{query.replace('A1', 'A2')}"

    told = httpx2.get(url, trust_env=False).json()["alipay_trade_query_response"]

    assert told["sub_code"] == "isv.invalid-signature"


def test_the_library_notices_a_wrong_signature(platforms: Platforms, client: AliPay) -> None:
    platforms.control.behave("alipay", query_faults={"wrong_signature": 1})

    with pytest.raises((AliPayValidationError, AliPayException)):
        client.api_alipay_trade_query(out_trade_no="A1")
