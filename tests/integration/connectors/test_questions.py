"""Each provider's answers over real HTTP, signed by the platforms' own side."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from clients.connectors.inquiry import Finding, Result
from tests.integration.connectors.conftest import PROVIDERS, TIMEOUT_S, World

UNREACHABLE, THROTTLED = Result.UNREACHABLE, Result.THROTTLED
TEMPLATES = {
    "wechatpay": "wechatpay.v3.transaction.query",
    "alipay": "alipay.trade.query",
    "unionpay": "unionpay.query",
    "stripe": "stripe.payment_intent.query",
}
# What says "paid" in each provider's words.
PAID = {
    "wechatpay": b'"trade_state":"SUCCESS"',
    "alipay": b'"trade_status":"TRADE_SUCCESS"',
    "unionpay": b"origRespCode=00",
    "stripe": b'"status":"succeeded"',
}


def compact(finding: Finding) -> bytes:
    assert finding.evidence is not None
    return finding.evidence.body.replace(b": ", b":").replace(b", ", b",")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_payment_is_learnt_whose_callback_never_came(world: World, provider: str) -> None:
    trade = world.create(provider)
    world.pay(trade)

    finding = await world.ask(trade)

    assert finding.result is Result.ANSWERED
    assert finding.evidence is not None
    assert finding.evidence.template == TEMPLATES[provider]
    assert PAID[provider] in compact(finding)
    assert trade.number.encode() in finding.evidence.body


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_same_answer_again_has_the_same_bytes(world: World, provider: str) -> None:
    trade = world.create(provider)
    world.pay(trade)

    first, second = await world.ask(trade), await world.ask(trade)

    assert first.evidence is not None
    assert first.evidence == second.evidence


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unpaid_trade_is_never_taken_for_a_paid_one(world: World, provider: str) -> None:
    trade = world.create(provider)

    finding = await world.ask(trade)

    assert finding.result in {Result.ANSWERED, Result.NOT_FOUND}
    if finding.result is Result.ANSWERED:
        assert PAID[provider] not in compact(finding)
    else:
        assert finding.evidence is None


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_trade_that_the_platform_does_not_know_is_not_found(
    world: World, provider: str
) -> None:
    trade = world.create(provider)
    trade.number = "T99999999"
    trade.handle = "pi_unknown" if provider == "stripe" else "20261122120000"

    finding = await world.ask(trade)

    assert finding.result is Result.NOT_FOUND
    assert finding.evidence is None


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "result"),
    [
        ("too_many", THROTTLED),
        ("server_error", UNREACHABLE),
        ("html", UNREACHABLE),
        ("error_200", UNREACHABLE),
        ("wrong_signature", UNREACHABLE),
        ("timeout", UNREACHABLE),
    ],
)
async def test_nothing_is_learnt_from_a_platform_that_fails(
    world: World, provider: str, fault: str, result: Result
) -> None:
    trade = world.create(provider)
    world.pay(trade)
    world.platforms.control.behave(provider, query_faults={fault: 1.0}, timeout_s=TIMEOUT_S * 3)

    finding = await world.ask(trade)

    assert finding.result is result
    assert finding.evidence is None
    # Stripe signs nothing; there it is a 5xx.
    if fault == "wrong_signature" and provider != "stripe":
        assert finding.code == "SIGNATURE"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_account_that_is_not_ours_is_refused(world: World, provider: str) -> None:
    trade = world.create(provider)
    world.pay(trade)
    # The accounts file stays; the platform forgets whose keys these are.
    changes: dict[str, Any] = {
        "wechatpay": {"serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"},
        "alipay": {"app": "2021000000000404"},
        "unionpay": {"merchant": "777290058110404"},
        "stripe": {"api_key": "sk_test_of_nobody"},
    }
    account: Any = world.book.current().find(provider, trade.account)
    for name, value in changes[provider].items():
        object.__setattr__(account, name, value)

    finding = await world.ask(trade)

    assert finding.result is Result.REFUSED
    assert finding.evidence is None


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_money_goes_back_in_parts_that_add_up(world: World, provider: str) -> None:
    trade = world.create(provider)
    world.pay(trade)

    parts = [(world.refund_number(), minor) for minor in (300, 400)]
    submitted = [
        await world.ask(trade, trade.refund(number, minor, submit=True)) for number, minor in parts
    ]
    world.platforms.control.settle(provider=provider)
    asked = [
        await world.ask(trade, trade.refund(number, minor, submit=False)) for number, minor in parts
    ]

    assert [each.result for each in submitted] == [Result.SUBMITTED] * 2
    assert [each.result for each in asked] == [Result.ANSWERED] * 2
    assert world.refunded(trade) == [300, 400]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_same_refund_number_gives_back_once_however_often_and_at_once(
    world: World, provider: str
) -> None:
    trade = world.create(provider)
    world.pay(trade)
    question = trade.refund(world.refund_number(), 300, submit=True)

    first = await world.ask(trade, question)
    again = await asyncio.gather(*(world.ask(trade, question) for _ in range(4)))

    assert first.result is Result.SUBMITTED
    assert {each.result for each in again} == {Result.SUBMITTED}
    assert world.refunded(trade) == [300]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["server_error", "timeout", "wrong_signature"])
async def test_a_refund_whose_answer_was_lost_is_asked_for_again_and_done_once(
    world: World, provider: str, fault: str
) -> None:
    trade = world.create(provider)
    world.pay(trade)
    question = trade.refund(world.refund_number(), 300, submit=True)
    knobs: dict[str, Any] = {"refund_faults": {fault: 1.0}, "timeout_s": 0.1}
    world.platforms.control.behave(provider, **knobs)
    lost = [await world.ask(trade, question) for _ in range(3)]
    world.platforms.control.behave(provider, refund_faults={})

    found = await world.ask(trade, question)

    assert lost[0].evidence is None
    assert found.result is Result.SUBMITTED
    assert world.refunded(trade) == [300]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_more_than_was_paid_does_not_go_back(world: World, provider: str) -> None:
    trade = world.create(provider)
    world.pay(trade)

    finding = await world.ask(trade, trade.refund(world.refund_number(), 1001, submit=True))

    assert finding.result is Result.REFUSED
    assert finding.evidence is None
    assert world.refunded(trade) == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refund_that_nobody_asked_for_is_not_found(world: World, provider: str) -> None:
    trade = world.create(provider)
    world.pay(trade)

    finding = await world.ask(trade, trade.refund("R99999999", 300, submit=False))

    assert finding.result is Result.NOT_FOUND


async def test_a_key_that_rolls_is_followed_without_a_restart(world: World) -> None:
    trade = world.create("wechatpay")
    world.pay(trade)
    assert (await world.ask(trade)).result is Result.ANSWERED

    world.platforms.control.rotate("wechat-main", is_announced=False)
    unknown = await world.ask(trade)
    world.platforms.control.announce("wechat-main")
    # The file is looked at once a second.
    results = [await world.ask_later(trade) for _ in range(20)]

    assert (unknown.result, unknown.code) == (UNREACHABLE, "SIGNATURE")
    assert results[-1].result is Result.ANSWERED


async def test_the_certificate_mode_of_alipay_is_understood(world: World) -> None:
    accounts = [each.name for each in world.book.current().of("alipay")]
    assert len(accounts) > 1, "one account has a key, the other certificates"
    for account in accounts:
        trade = world.create("alipay", account=account)
        world.pay(trade)

        finding = await world.ask(trade)

        assert finding.result is Result.ANSWERED
        told = json.loads(finding.evidence.body if finding.evidence else b"{}")
        assert told["alipay_trade_query_response"]["trade_status"] == "TRADE_SUCCESS"
