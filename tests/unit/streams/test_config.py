"""Settings: everything that is wrong is said at once, and no secret is shown."""

from __future__ import annotations

import pytest

from streams.config import REQUIRED, ConfigError, Settings

GOOD = dict.fromkeys(REQUIRED, "x") | {"CONCORD_REDIS_URL": "redis://:secret@127.0.0.1/0"}


def test_everything_that_is_missing_or_malformed_is_said_at_once() -> None:
    wrong = {
        "CONCORD_KAFKA_PARTITIONS": "four",
        "CONCORD_TRACE_SAMPLE_RATIO": "2",
        "CONCORD_PSEUDONYM_KEY": "short",
    }

    with pytest.raises(ConfigError) as error:
        Settings.from_env(wrong)

    for name in (*REQUIRED, *wrong):
        assert name in str(error.value)


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings.from_env(GOOD | {"CONCORD_PSEUDONYM_KEY": "k" * 16}))

    assert "secret" not in shown
    assert "kkkk" not in shown


def test_every_process_has_a_name_of_its_own() -> None:
    assert Settings.from_env(GOOD).worker_id != Settings.from_env(GOOD).worker_id
