"""`concord simulate` and `concord replay`, as a person or a script calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from clients.cli.replay import replay
from clients.cli.simulate import simulate
from clients.sdk import Concord
from clients.sdk.testing import FakeConcord
from concord.intake.v1 import intake_service_pb2

LOG = """\
ocel:eid,ocel:activity,ocel:timestamp,ocel:type:items,ocel:type:orders,ocel:type:packages,price
1.0,place order,2031-03-01 09:00:00.000Z,['i1'],['o1'], ,30.5
2.0,confirm order,2031-03-01 10:00:00.000Z, ,['o1'], ,30.5
3.0,pick item,2031-03-01 11:00:00.000Z,['i9'], , ,20.0
"""

app = typer.Typer()
app.command()(simulate)
app.command()(replay)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeConcord]:
    with FakeConcord() as fake:
        monkeypatch.setenv("CONCORD_SERVICE_ADDRESS", fake.address)
        monkeypatch.setenv("CONCORD_DATA_DIR", str(tmp_path / "data"))
        yield fake


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "log.csv"
    file.write_text(LOG, "utf-8")
    return file


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, result.stderr


def stored(fake: FakeConcord) -> int:
    with Concord(fake.address) as concord:
        return sum(1 for _ in concord.intake.list())


def test_a_finite_run_stores_every_receipt_and_says_what_the_board_must_show(
    fake: FakeConcord,
) -> None:
    code, out, _ = run("simulate", "--orders", "20", "--faults", "none", "--json")

    said = json.loads(out)
    assert code == 0
    assert said["complete"]
    assert said["receipts"] == said["stored"] == stored(fake)
    assert [row["mean_s"] for row in said["expected_stages"]] == [1.2, 8.7, 3.4, 156.2]


def test_the_same_seed_and_start_is_the_same_traffic(fake: FakeConcord) -> None:
    arguments = ("simulate", "--orders", "5", "--start", "2021-01-01T00:00:00Z")

    first = json.loads(run(*arguments, "--json")[1])
    second = json.loads(run(*arguments, "--json")[1])

    assert first["run"] == second["run"]
    assert second["stored"] == 0
    assert second["receipts"] == first["receipts"]


def test_every_row_of_a_log_is_submitted_once(fake: FakeConcord, log: Path) -> None:
    code, out, _ = run("replay", str(log), "--json")

    said = json.loads(out)
    assert code == 0
    assert (said["rows"], said["stored"], said["repeated"]) == (3, 3, 0)
    assert json.loads(run("replay", str(log), "--json")[1])["repeated"] == 3


def test_waiting_ends_when_every_row_has_its_outcome(fake: FakeConcord, log: Path) -> None:
    run("replay", str(log))
    with Concord(fake.address) as concord:
        names = [receipt.name for receipt in concord.intake.list()]
        concord.intake.apply_facts([intake_service_pb2.Reading(receipt=name) for name in names])

    code, out, _ = run("replay", str(log), "--wait", "--json")

    assert code == 0
    assert json.loads(out)["account"]["unaccounted"] == 0


def test_a_row_without_outcome_is_a_failure_when_the_wait_is_over(
    fake: FakeConcord, log: Path
) -> None:
    code, out, _ = run("replay", str(log), "--wait", "--timeout", "0s")

    assert code == 1
    assert "unaccounted" in out


def test_an_unknown_template_is_a_usage_error_that_names_the_known_ones(
    fake: FakeConcord, log: Path
) -> None:
    code, _, err = run("replay", str(log), "--template", "no-such")

    assert code == 2
    assert "ocel-order-management" in err


@pytest.mark.parametrize("command", [("simulate", "--orders", "5"), ("replay", "{log}")])
def test_without_a_service_a_command_says_so_instead_of_trying_for_ever(
    command: tuple[str, ...], log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONCORD_DATA_DIR", str(tmp_path / "data"))
    # Port 1 is the multiplexer that nobody runs.
    monkeypatch.setenv("CONCORD_SERVICE_ADDRESS", "127.0.0.1:1")

    code, _, err = run(*(each.format(log=log) for each in command))

    assert code == 3
    assert "UNREACHABLE" in err
