"""What the fakes send, Concord's verifiers open; what forgers send in their name, they refuse.

The fakes know nothing of these verifiers, and the verifiers nothing of the fakes: where both agree
with the platforms' own libraries (the other files here), they agree with the platforms.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from clients.providers.accounts import Accounts, load
from clients.providers.callbacks import PROTOCOLS, Call, RefusedError
from deploy.local.platforms.server import Platforms
from tests.integration.platforms.conftest import Merchant

PROVIDERS = ("wechatpay", "alipay", "unionpay", "stripe", "adyen", "douyin_pay")

FORGERIES = {
    "wechatpay": ("other_key", "changed_body", "stale", "unknown_serial", "signature_probe"),
    "alipay": ("other_key", "changed_body", "no_signature"),
    "unionpay": ("other_key", "changed_body", "own_certificate", "other_merchant"),
    "stripe": ("other_key", "changed_body", "stale"),
    "adyen": ("other_key", "changed_body", "no_signature"),
    "douyin_pay": ("other_key", "changed_body"),
}

ALL = [(provider, kind) for provider, kinds in FORGERIES.items() for kind in kinds]


class Gateway:
    """A merchant's end that answers by the protocols, and notes what came of each call."""

    def __init__(self, accounts: Callable[[], Accounts]) -> None:
        self._accounts = accounts
        self.came: list[str] = []
        """Templates of calls that were believed, refusals of those that were not."""
        self.hints: list[str] = []

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        provider, name = path.split("/")[-2:]
        protocol: Any = PROTOCOLS[provider]
        account = self._accounts().find(provider, name)
        assert account is not None
        lowered = {key.lower(): value for key, value in headers.items()}
        call = Call("POST", path, "", lowered, body)
        try:
            opened = protocol.open(account, call, datetime.now(tz=UTC))
        except RefusedError as error:
            self.came.append(error.refusal.value)
            told = protocol.refused(call, error.refusal)
        else:
            self.came.append(opened.template)
            self.hints.append(opened.order_hint)
            told = protocol.taken(call)
        return told.status, told.body


@pytest.fixture
def gateway(platforms: Platforms, merchant: Merchant) -> Gateway:
    made = Gateway(lambda: load(platforms.accounts_file, {}))
    merchant.decide = made.answer
    return made


def number_of(provider: str) -> str:
    # UnionPay takes letters and digits alone, at least eight.
    return f"{provider.replace('_', '').upper()}0001"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_everything_that_a_platform_sends_is_believed_and_taken(
    platforms: Platforms, gateway: Gateway, provider: str
) -> None:
    number = number_of(provider)
    platforms.control.create(provider, number, 1000, pay_in_s=0)
    platforms.control.settle()
    for amount_minor in (300, 700):
        platforms.control.refund(provider, number, amount_minor=amount_minor)
        platforms.control.settle()
    platforms.control.create(provider, f"{number}2", 1000)
    platforms.control.move(provider, f"{number}2", "close")
    platforms.control.settle()

    calls = platforms.control.calls(provider=provider)
    assert {call["verdict"] for call in calls} == {"taken"}
    assert len(calls) == len(gateway.came) >= 3
    assert all("." in template for template in gateway.came)
    assert number in gateway.hints


def test_alipays_certificate_mode_is_believed_too(platforms: Platforms, gateway: Gateway) -> None:
    platforms.control.create("alipay", "A1", 1000, account="alipay-cert", pay_in_s=0)
    platforms.control.settle()

    assert gateway.came == ["alipay.notice"]


def test_v2_of_wechat_pay_is_believed_too(platforms: Platforms, gateway: Gateway) -> None:
    platforms.control.create("wechatpay", "M1", 1000, dialect="v2", pay_in_s=0)
    platforms.control.settle()
    platforms.control.refund("wechatpay", "M1", amount_minor=300)
    platforms.control.settle()

    assert gateway.came == ["wechatpay.v2.transaction", "wechatpay.v2.refund"]
    assert {call["verdict"] for call in platforms.control.calls()} == {"taken"}


@pytest.mark.parametrize(("provider", "kind"), ALL)
def test_a_forger_is_refused_as_the_protocol_has_it(
    platforms: Platforms, gateway: Gateway, provider: str, kind: str
) -> None:
    number = number_of(provider)
    platforms.control.create(provider, number, 1000)
    platforms.control.settle()
    gateway.came.clear()
    platforms.control.forge(provider, number, kind)
    platforms.control.settle()

    (call,) = platforms.control.calls(is_forged="true")
    assert call["is_right"], call
    assert "." not in gateway.came[0]


def test_a_key_that_is_not_announced_makes_the_platform_come_again(
    platforms: Platforms, gateway: Gateway
) -> None:
    platforms.control.rotate("wechat-main", is_announced=False)
    platforms.control.create("wechatpay", "M1", 1000, pay_in_s=0)
    platforms.control.deliver()
    platforms.control.deliver()
    before = list(gateway.came)

    platforms.control.announce("wechat-main")
    platforms.control.settle()

    assert set(before) == {"key_unknown"}
    assert gateway.came[-1] == "wechatpay.v3.transaction"
    assert platforms.control.calls()[-1]["verdict"] == "taken"


@pytest.mark.parametrize("mode", ["public_key", "certificate"])
def test_a_rotation_loses_no_notice(platforms: Platforms, gateway: Gateway, mode: str) -> None:
    platforms.control.create("wechatpay", "M1", 1000, pay_in_s=0)
    platforms.control.settle()
    platforms.control.rotate("wechat-main", mode)
    platforms.control.create("wechatpay", "M2", 1000, pay_in_s=0)
    platforms.control.settle()

    assert gateway.came == ["wechatpay.v3.transaction"] * 2
