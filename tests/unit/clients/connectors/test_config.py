"""Settings are read at once, or every fault of them is told."""

from __future__ import annotations

import pytest

from clients.connectors.config import ConfigError, Settings
from clients.connectors.pacing import RATES, Rate

NEEDED = {
    "CONCORD_ACCOUNTS": "accounts.yaml",
    "CONCORD_SERVICE_ADDRESS": "127.0.0.1:50051",
    "CONCORD_METRICS_ADDRESS": "127.0.0.1:9100",
}


def test_what_is_needed_is_enough() -> None:
    settings = Settings.from_env(NEEDED)

    assert settings.providers == ("wechatpay", "alipay", "unionpay", "stripe")
    assert settings.rates == RATES
    assert (settings.concurrency, settings.lease_s, settings.proxy) == (16, 60, None)


def test_rates_are_replaced_one_by_one() -> None:
    settings = Settings.from_env(
        NEEDED
        | {
            "CONCORD_CONNECTORS_RATES": "wechatpay=50, unionpay=0.5",
            "CONCORD_CONNECTORS_PROVIDERS": "wechatpay,unionpay",
        }
    )

    assert settings.rates["wechatpay"] == Rate(50.0, 100)
    assert settings.rates["unionpay"] == Rate(0.5, 1)
    assert settings.rates["alipay"] == RATES["alipay"]
    assert settings.providers == ("wechatpay", "unionpay")


def test_every_fault_is_told_at_once() -> None:
    wrong = {
        "CONCORD_SERVICE_ADDRESS": "nowhere",
        "CONCORD_CONNECTORS_CONCURRENCY": "many",
        "CONCORD_CONNECTORS_LEASE_S": "900",
        "CONCORD_CONNECTORS_POLL_S": "0",
        "CONCORD_CONNECTORS_TIMEOUT_S": "-1",
        "CONCORD_CONNECTORS_RATES": "paypal=3,stripe=fast",
        "CONCORD_CONNECTORS_PROVIDERS": "paypal",
        "CONCORD_TRACE_SAMPLE_RATIO": "2",
    }

    with pytest.raises(ConfigError) as caught:
        Settings.from_env(wrong)

    told = str(caught.value)
    for name in {**NEEDED, **wrong}:
        assert name in told
    assert "paypal=3" in told
    assert "stripe=fast" in told


def test_secrets_are_not_shown() -> None:
    settings = Settings.from_env(
        NEEDED | {"CONCORD_CONNECTORS_PROXY": "http://user:hidden@proxy:1", "KEY": "hidden"}
    )

    assert "hidden" not in repr(settings)
