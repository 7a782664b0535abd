"""The small parts of the gateway: who sent it, how often it is said, settings, recognition."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from clients.gateway import proving, requests
from clients.gateway.config import Settings
from clients.gateway.peers import sender
from clients.gateway.pulse import LATE_S, Pulse
from clients.gateway.seldom import Seldom
from clients.providers.accounts import AdyenAccount, StripeAccount
from clients.sdk import ConfigError

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
INSIDE = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
SETTINGS = {
    "CONCORD_ACCOUNTS": "accounts.yaml",
    "CONCORD_SERVICE_ADDRESS": "127.0.0.1:7001",
    "CONCORD_METRICS_ADDRESS": "127.0.0.1:7002",
}


@pytest.mark.parametrize(
    ("connected", "forwarded", "believed"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_a_sender_is_believed_as_far_as_trusted_proxies_name_him(
    connected: str, forwarded: str, believed: str
) -> None:
    assert sender(connected, forwarded, INSIDE) == believed


def test_nobody_is_believed_who_is_not_trusted() -> None:
    assert sender("10.0.0.1", "198.51.100.7", ()) == "10.0.0.1"


def test_the_same_thing_is_said_once_a_second_with_its_count() -> None:
    now = 100.0
    seldom = Seldom(lambda: now)

    assert seldom.count("a") == 1
    assert [seldom.count("a") for _ in range(5)] == [0] * 5
    assert seldom.count("b") == 1
    now += 1.0
    assert seldom.count("a") == 6


def test_settings_have_defaults_for_all_but_addresses_and_accounts() -> None:
    settings = Settings.from_env(SETTINGS)

    assert settings.address == "127.0.0.1:18080"
    assert settings.concurrency == 500
    assert settings.trusted_proxies == ()


def test_everything_that_is_wrong_with_settings_is_told_together() -> None:
    with pytest.raises(ConfigError) as told:
        Settings.from_env(
            {
                "CONCORD_GATEWAY_ADDRESS": "nowhere",
                "CONCORD_GATEWAY_CONCURRENCY": "0",
                "CONCORD_TRUSTED_PROXIES": "10.0.0.0/8, everybody",
                "CONCORD_TRACE_SAMPLE_RATIO": "2",
                "CONCORD_LOG_LEVEL": "loud",
            }
        )

    for name in (
        "CONCORD_ACCOUNTS",
        "CONCORD_SERVICE_ADDRESS",
        "CONCORD_METRICS_ADDRESS",
        "CONCORD_GATEWAY_ADDRESS",
        "CONCORD_GATEWAY_CONCURRENCY",
        "'everybody'",
        "CONCORD_TRACE_SAMPLE_RATIO",
        "CONCORD_LOG_LEVEL",
    ):
        assert name in str(told.value)


def test_secrets_do_not_show_in_the_settings() -> None:
    assert "s3cret" not in repr(Settings.from_env({**SETTINGS, "STRIPE": "s3cret"}))


STRIPE = StripeAccount(name="main", api_key="sk_1", webhook_secrets=("a" * 16, "b" * 16))


def test_who_holds_the_same_account_is_recognised() -> None:
    same = StripeAccount(
        name="main",
        callback_url="https://elsewhere",
        api_key="sk_1",
        webhook_secrets=("b" * 16, "a" * 16),
    )

    assert proving.is_sealed(proving.question(STRIPE, "/p", NOW), same, "/p", NOW)


@pytest.mark.parametrize(
    "other",
    [
        StripeAccount(name="main", api_key="sk_2", webhook_secrets=("a" * 16, "b" * 16)),
        StripeAccount(name="main", api_key="sk_1", webhook_secrets=("a" * 16,)),
        StripeAccount(name="other", api_key="sk_1", webhook_secrets=("a" * 16, "b" * 16)),
        AdyenAccount(name="main", merchant="sk_1", hmac_keys=(b"a" * 16,)),
    ],
)
def test_who_holds_another_account_is_not(other: StripeAccount | AdyenAccount) -> None:
    assert not proving.is_sealed(proving.question(STRIPE, "/p", NOW), other, "/p", NOW)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1", "x.y", "1." + "0" * 64, "٣." + "0" * 64, "9" * 40 + "." + "0" * 64, "1.é"],
)
def test_what_is_no_question_is_not_answered(text: str) -> None:
    assert not proving.is_sealed(text, STRIPE, "/p", NOW)


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_question_of_another_time_or_place_is_not_answered(age: timedelta) -> None:
    asked = proving.question(STRIPE, "/p", NOW)

    assert not proving.is_sealed(asked, STRIPE, "/p", NOW + age)
    assert not proving.is_sealed(asked, STRIPE, "/q", NOW)


def test_headers_that_come_twice_are_kept_both() -> None:
    raw = [(b"Stripe-Signature", b"t=1"), (b"stripe-signature", b"t=2"), (b"x", b"\xe9")]

    assert requests.headers_of(raw) == {"stripe-signature": "t=1,t=2", "x": "é"}


async def test_the_pulse_knows_when_the_loop_is_late() -> None:
    now = 0.0
    pulse = Pulse(lambda: now)
    pulse.begin()
    assert not pulse.is_late

    now += 2 * LATE_S
    async with asyncio.timeout(10):
        while not pulse.is_late:  # noqa: ASYNC110  # It sets no event.
            await asyncio.sleep(0)
    pulse.end()
