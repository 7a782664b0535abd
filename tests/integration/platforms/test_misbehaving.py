"""Platforms that are told to misbehave do so, on the wire."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any

import httpx2
import pytest
from alipay import AliPay
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from deploy.local.platforms.control_client import ControlError
from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

Accounts = dict[str, dict[str, Any]]


def ask_wechat(accounts: Accounts, method: str, path: str, body: str = "") -> httpx2.Response:
    """Ask as a merchant does, and return the answer as it came: no library raises for it."""
    account = accounts["wechat-main"]
    key = serialization.load_pem_private_key(account["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    at, nonce = str(int(time.time())), secrets.token_hex(16)
    message = f"{method}\n{path}\n{at}\n{nonce}\n{body}\n".encode()
    signature = base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
    header = (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{account["merchant"]}",nonce_str="{nonce}",'
        f'signature="{signature}",timestamp="{at}",serial_no="{account["serial"]}"'
    )
    return httpx2.request(
        method,
        account["api"] + path,
        content=body,
        headers={"Authorization": header},
        timeout=10,
        trust_env=False,
    )


def path_of(accounts: Accounts, number: str) -> str:
    mchid = accounts["wechat-main"]["merchant"]
    return f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}"


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("too_many", 429, "FREQUENCY_LIMITED"),
        ("server_error", 500, "SYSTEM_ERROR"),
        ("error_200", 503, "SYSTEM_ERROR"),
        ("html", 200, "<html>"),
        ("timeout", 504, "<html>"),
        ("wrong_signature", 200, "SUCCESS"),
    ],
)
def test_wechat_pay_does_not_answer_in_every_way(
    platforms: Platforms, accounts: Accounts, fault: str, status: int, text: str
) -> None:
    platforms.control.create("wechatpay", "M1", 1000, pay_in_s=0)
    platforms.control.behave("wechatpay", query_faults={fault: 1}, timeout_s=0.1)

    answer = ask_wechat(accounts, "GET", path_of(accounts, "M1"))

    assert answer.status_code == status
    assert text in answer.text
    assert platforms.control.requests(reason=fault)[0]["number"] == "M1"


def test_one_trade_alone_may_be_asked_in_vain(platforms: Platforms, accounts: Accounts) -> None:
    for number in ("M1", "M2"):
        platforms.control.create("wechatpay", number, 1000)
    platforms.control.behave("wechatpay", "M1", query_faults={"server_error": 1})

    answers = [ask_wechat(accounts, "GET", path_of(accounts, each)) for each in ("M1", "M2")]

    assert [each.status_code for each in answers] == [500, 200]


def test_a_refund_whose_answer_is_lost_was_carried_out_all_the_same(
    platforms: Platforms, accounts: Accounts
) -> None:
    account = accounts["alipay-main"]
    client = AliPay(
        appid=account["app"],
        app_private_key_string=account["private_key"],
        alipay_public_key_string=account["platform_key"],
    )
    client._gateway = account["api"]
    platforms.control.create("alipay", "A1", 1000, pay_in_s=0)
    platforms.control.behave("alipay", refund_faults={"error_200": 1})

    codes = [
        client.api_alipay_trade_refund("1.00", out_trade_no="A1", out_request_no="R1")["code"]
        for _ in range(12)
    ]
    platforms.control.settle()

    # Every other one was carried out; of twelve, it would be a wonder if none was.
    assert set(codes) == {"20000"}
    trade = platforms.control.trade("alipay", "A1")
    assert [each["amount_minor"] for each in trade["refunds"]] == [100]


def test_a_faster_clock_sends_what_would_take_a_day(
    platforms: Platforms, merchant: Merchant
) -> None:
    merchant.answers = [(500, b"")] * 15 + [(200, b"")]
    # A day in a second.
    platforms.control.clock(86_400)
    platforms.control.create("wechatpay", "M1", 1000, pay_in_s=0)

    deadline = time.monotonic() + 60
    while len(platforms.control.calls()) < 16:
        assert time.monotonic() < deadline, platforms.control.statistics()

    calls = platforms.control.calls()
    assert [call["verdict"] for call in calls] == ["again"] * 15 + ["taken"]
    assert platforms.control.statistics()["pending"]["scheduled"] == 0


def test_what_cannot_be_done_is_refused_with_a_reason(platforms: Platforms) -> None:
    control = platforms.control
    control.create("wechatpay", "M1", 1000)

    for reason, ask in (
        ("unknown", lambda: control.pay("wechatpay", "M404")),
        ("unknown", lambda: control.create("paypal", "M1", 1)),
        ("exists", lambda: control.create("wechatpay", "M1", 1)),
        ("state", lambda: control.move("wechatpay", "M1", "finish")),
        ("malformed", lambda: control.move("wechatpay", "M1", "forget_me")),
        ("malformed", lambda: control.behave(drop_chair=1)),
        ("malformed", lambda: control.clock(-1)),
        ("malformed", lambda: control.forge("wechatpay", "M1", "telepathy")),
    ):
        with pytest.raises(ControlError) as error:
            ask()
        assert error.value.reason == reason, error.value


def test_many_trades_are_made_and_paid_at_once(platforms: Platforms, merchant: Merchant) -> None:
    asked = [
        {"provider": "wechatpay", "number": f"M{each}", "amount_minor": 100, "pay_in_s": 0}
        for each in range(200)
    ]

    made = platforms.control.create_all(asked)
    platforms.control.settle()

    assert len(made) == 200
    assert len(platforms.control.trades(state="paid")) == 200
    assert len(merchant.calls) == 200
    counts = platforms.control.statistics()["platforms"]["wechatpay"]
    assert counts["notices"] == {"notices": 200, "settled": 200}


def test_the_buyer_may_pay_another_amount(platforms: Platforms, accounts: Accounts) -> None:
    platforms.control.create("wechatpay", "M1", 1000)
    platforms.control.pay("wechatpay", "M1", amount_minor=900)

    told = ask_wechat(accounts, "GET", path_of(accounts, "M1")).json()

    assert told["amount"]["total"] == 900
