"""Settings: what is missing or malformed is told at once; stages have limits of their own."""

from datetime import timedelta
from pathlib import Path

import pytest

from service.config import ConfigurationError, settings
from service.domain.lifecycle import State

ADDRESSES = {
    "CONCORD_DATABASE_URL": "postgresql://concord@127.0.0.1/concord",
    "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
    "CONCORD_METRICS_ADDRESS": "127.0.0.1:2",
    "CONCORD_REDIS_URL": "redis://127.0.0.1/0",
    "CONCORD_KAFKA_BOOTSTRAP": "127.0.0.1:3",
}


def test_everything_that_is_missing_is_named_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings("serve", {"CONCORD_KAFKA_PARTITIONS": "none"})

    told = "\n".join(caught.value.problems)
    assert all(f"{name} is not set" in told for name in list(ADDRESSES)[:4])
    assert "CONCORD_KAFKA_PARTITIONS" in told


@pytest.mark.parametrize(
    ("role", "unneeded"),
    [
        ("migrate", list(ADDRESSES)[1:]),
        ("relay", ["CONCORD_SERVICE_ADDRESS", "CONCORD_REDIS_URL"]),
        ("serve", ["CONCORD_KAFKA_BOOTSTRAP"]),
    ],
)
def test_a_process_asks_only_for_what_it_uses(role: str, unneeded: list[str]) -> None:
    given = {name: value for name, value in ADDRESSES.items() if name not in unneeded}

    assert settings(role, given).database_url == ADDRESSES["CONCORD_DATABASE_URL"]


def test_a_stage_has_the_limit_that_is_set_and_the_others_keep_theirs() -> None:
    given = {**ADDRESSES, "CONCORD_STAGE_LIMITS": "AWAITING_OUTBOUND=30m, SHIPPING=5d"}

    limits = settings("serve", given).stage_limits

    assert limits[State.AWAITING_OUTBOUND] == timedelta(minutes=30)
    assert limits[State.SHIPPING] == timedelta(days=5)
    assert limits[State.PAID] == timedelta(hours=2)


@pytest.mark.parametrize("text", ["PAID", "PAID=2", "PAID=-1h", "PAID=0s", "COMPLETED=1h", "X=1h"])
def test_a_limit_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="CONCORD_STAGE_LIMITS"):
        settings("serve", {**ADDRESSES, "CONCORD_STAGE_LIMITS": text})


def test_providers_are_asked_by_the_file_that_is_named(tmp_path: Path) -> None:
    shipped = settings("serve", ADDRESSES).terms.schedules
    with pytest.raises(ConfigurationError, match=r"CONCORD_PROBE_SCHEDULES: .*none.yaml cannot be"):
        settings("serve", {**ADDRESSES, "CONCORD_PROBE_SCHEDULES": str(tmp_path / "none.yaml")})

    assert shipped.of("alipay", "PAYMENT").give_up_after == timedelta(hours=25)


def test_secrets_do_not_show() -> None:
    assert "postgresql://" not in repr(settings("serve", ADDRESSES))


def test_a_process_that_is_to_fail_on_purpose_does_not_start_by_mistake() -> None:
    given = {**ADDRESSES, "CONCORD_FAILPOINTS": "storage:before_commit=kill"}

    with pytest.raises(ConfigurationError, match="CONCORD_FAILPOINTS_UNSAFE"):
        settings("serve", given)

    meant = settings("serve", {**given, "CONCORD_FAILPOINTS_UNSAFE": "yes"})
    assert meant.failpoints.is_armed
    assert not settings("serve", ADDRESSES).failpoints.is_armed
