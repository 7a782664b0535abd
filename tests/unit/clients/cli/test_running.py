"""Settings, checks, the processes it hands over to, and how fast it starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from google.protobuf.duration_pb2 import Duration

from clients.cli import advice, checks, config
from clients.cli.config import Surroundings, masked
from clients.cli.options import span_of, time_of
from clients.sdk import ConfigError
from clients.sdk.errors import BY_REASON, MessageTooLargeError
from clients.sdk.testing import FakeConcord
from concord.insights.v1.insight_service_pb2 import StageBoard
from concord.outbox.v1.outbox_service_pb2 import Outbox

from .conftest import Run

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def test_every_reason_has_advice() -> None:
    assert set(advice.ADVICE) == {*BY_REASON, MessageTooLargeError.REASON}


def test_advice_bears_with_variables_that_the_server_left_out() -> None:
    assert "…" in advice.advice_for("ILLEGAL_TRANSITION", {})


def test_a_running_stack_is_found_by_its_state_file(tmp_path: Path) -> None:
    around = Surroundings({}, tmp_path, {"addresses": {"service": "127.0.0.1:7001"}})

    settings = around.settings()

    assert settings.address == "127.0.0.1:7001"
    assert settings.identity.role == "operator"


def test_the_environment_comes_before_the_stack(tmp_path: Path) -> None:
    around = Surroundings(
        {"CONCORD_SERVICE_ADDRESS": "10.0.0.1:1", "CONCORD_ACTOR": "li.lei"},
        tmp_path,
        {"addresses": {"service": "127.0.0.1:7001", "spans": "127.0.0.1:7002"}},
    )

    assert around.settings().address == "10.0.0.1:1"
    assert around.settings().identity.actor == "li.lei"
    assert around.trace_address() == "127.0.0.1:7002"


def test_no_span_keeper_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Surroundings({}, tmp_path, {}).trace_address()


def test_config_masks_secrets_and_names_origins(
    concord: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCORD_DATABASE_URL", "postgresql://app:hunter2@db:5432/concord")

    shown = concord("config")
    as_json = json.loads(concord("config", "--json").stdout)["settings"]

    assert "hunter2" not in shown.stdout
    assert "postgresql://app:***@db:5432/concord" in shown.stdout
    assert {"name": "CONCORD_ROLE", "value": "operator", "origin": "default"} in as_json


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("CONCORD_REDIS_URL", "redis://:secret@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("CONCORD_API_TOKEN", "abc", "***"),
        ("CONCORD_SERVICE_ADDRESS", "127.0.0.1:1", "127.0.0.1:1"),
    ],
)
def test_what_is_secret_is_masked(name: str, value: str, shown: str) -> None:
    assert masked(name, value) == shown


def a_live_board(at: datetime) -> StageBoard:
    board = StageBoard(source=StageBoard.SOURCE_VIEW)
    board.end_time.FromDatetime(at)
    board.watermark.FromDatetime(at - timedelta(seconds=5))
    return board


def test_doctor_finds_a_sound_system_sound(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetStageBoard", *[lambda _: a_live_board(config.now())] * 2)

    shown = concord("doctor")

    assert shown.exit_code == 0, shown.stdout
    for name in ("python", "disk", "service", "services", "schema", "clock", "outbox", "view"):
        assert f"✓ {name}" in shown.stdout


def test_doctor_says_what_to_do_about_each_fault(fake: FakeConcord, concord: Run) -> None:
    late = a_live_board(config.now() - timedelta(minutes=9))
    stale = StageBoard(source=StageBoard.SOURCE_JOURNAL)
    fake.answer("GetStageBoard", late, stale)
    fake.answer("GetOutbox", Outbox(backlog=7, age=Duration(seconds=3600)))

    shown = concord("doctor", "--json")

    assert shown.exit_code == 1
    faults = {
        each["name"]: each for each in json.loads(shown.stdout)["checks"] if not each["passed"]
    }
    assert set(faults) == {"clock", "outbox", "view"}
    assert all(each["fix"] for each in faults.values())


def test_doctor_looks_at_each_process_of_the_stack(tmp_path: Path) -> None:
    stack = {
        "processes": {
            "migrate": {"state": "done", "restarts": 0, "log": "migrate.log"},
            "relay": {"state": "restarting", "restarts": 3, "log": "relay.log"},
        }
    }

    migrate, relay = checks.processes(Surroundings({}, tmp_path, stack))

    assert migrate.passed
    assert (relay.passed, relay.detail) == (False, "restarting, restarted 3 times")
    assert "relay.log" in relay.fix


def test_doctor_tells_that_nobody_answers(concord: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_SERVICE_ADDRESS", "127.0.0.1:1")

    shown = concord("doctor")

    assert shown.exit_code == 3
    assert "concord up" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "becomes"),
    [
        (("up", "--logs"), ["deploy.local", "up", "--logs"]),
        (("status", "--json"), ["deploy.local", "status", "--json"]),
        (("down",), ["deploy.local", "down"]),
        (("serve",), ["service", "serve"]),
        (("relay",), ["service", "relay"]),
        (("migrate", "--help"), ["service", "migrate", "--help"]),
        (("streams",), ["streams", "worker"]),
    ],
)
def test_processes_take_the_place_of_the_command(
    arguments: tuple[str, ...],
    becomes: list[str],
    concord: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, argv: became.append(argv))

    concord(*arguments)

    assert became == [[sys.executable, "-m", *becomes]]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("1.5h", 5400)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert span_of(text) == timedelta(seconds=seconds)
    assert time_of(text, NOW) == NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "5", "-1h", "2026-13-01T00:00:00Z", ""])
def test_what_is_no_time_is_a_usage_error(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        time_of(text, NOW)


def test_help_reads_neither_grpc_nor_the_commands() -> None:
    program = (
        "import sys, clients.cli.main as main\n"
        "try:\n    main.app(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'grpc', 'google.protobuf', 'opentelemetry', 'asyncio', 'clients.sdk'}\n"
        "sys.exit(repr(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stderr


def test_nothing_is_coloured_into_a_pipe(fake: FakeConcord, concord: Run) -> None:
    assert not re.search(r"\x1b\[", concord("doctor").stdout)
    assert not re.search(r"\x1b\[", concord("order", "show", "ord-1").stderr)
