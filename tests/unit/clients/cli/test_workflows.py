"""`concord workflow …`: what is known, and what somebody wrote."""

from __future__ import annotations

import json
from pathlib import Path

from clients.sdk.testing import FakeConcord
from tests.unit.clients.cli.conftest import Run


def test_kinds_of_cases_are_listed_with_deadlines_and_workflow(concord: Run) -> None:
    told = concord("workflow", "list", "--lang", "zh").stdout

    assert "OUT_OF_STOCK" in told
    assert "缺货" in told
    assert "4h" in told
    assert "out_of_stock@1" in told


def test_a_workflow_is_shown_step_by_step(concord: Run) -> None:
    told = concord("workflow", "show", "out_of_stock", "--lang", "en").stdout

    assert "▶ wait" in told
    assert "by itself: stock" in told
    assert "■ RESTOCKED" in told


def test_a_workflow_that_is_not_there_says_where_to_look(concord: Run) -> None:
    result = concord("workflow", "show", "missing")

    assert result.exit_code != 0
    assert "concord workflow list" in result.stderr


def test_mistakes_are_told_like_a_compiler_does(concord: Run, tmp_path: Path) -> None:
    sound, wrong = tmp_path / "a.yaml", tmp_path / "b.yaml"
    sound.write_text("workflow: out_of_stock\n", encoding="utf-8")
    wrong.write_text("steps: []\n", encoding="utf-8")

    result = concord("workflow", "check", str(sound), str(wrong))

    assert result.exit_code == 1
    assert f"{sound}: out_of_stock@1 is fine, 1 steps" in result.stdout
    assert f"{wrong}:1:1: the workflow has no `workflow`; add `workflow: …`" in result.stdout
    assert concord("workflow", "check", str(sound)).exit_code == 0
    as_json = json.loads(concord("workflow", "check", str(wrong), "--json").stdout)
    assert as_json["files"][0]["mistakes"][0]["line"] == 1


def test_a_chart_is_drawn_by_name_or_from_a_file(
    concord: Run, fake: FakeConcord, tmp_path: Path
) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("workflow: own\n", encoding="utf-8")

    assert concord("workflow", "draw", "out_of_stock").stdout.startswith("flowchart TD\n")
    assert concord("workflow", "draw", str(file), "--lang", "en").exit_code == 0
    named, written = fake.requests("DrawWorkflow")
    assert (named.name, named.language) == ("workflows/out_of_stock", "zh")
    assert (written.text, written.language) == ("workflow: own\n", "en")
