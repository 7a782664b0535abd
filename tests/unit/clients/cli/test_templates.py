"""`concord template …`: what channels' messages become; no server is asked."""

from __future__ import annotations

import json
from pathlib import Path

from clients.cli.template import WORDS
from concord.intake.v1.fact_pb2 import Fact
from tests.unit.clients.cli.conftest import Run


def test_a_mistake_in_a_template_is_told_like_a_compiler_does(concord: Run, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("name: own\norder: {namespace: {is: own}, value: id}\nalwayss: []\n")

    result = concord("template", "check", str(file))

    assert result.exit_code == 1
    assert result.stdout.startswith(f"{file}:3:1: Unknown key alwayss. Write always.")


def test_a_message_is_told_field_by_field_and_why(concord: Run, tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    data = {"p_id": 4705288465508532862, "pay_time": 1618990587, "pay_amount": 2990}
    file.write_text(json.dumps({"tag": "110", "data": data}))

    result = concord("template", "try", "douyin.push", str(file))

    assert result.exit_code == 0
    assert "PAYMENT_SUCCEEDED  the money came" in result.stdout
    assert "29.90 CNY" in result.stdout
    assert "because tag is 110" in result.stdout
    assert "data.pay_amount = 2990" in result.stdout
    assert "douyin:4705288465508532862" in result.stdout


def test_every_kind_of_fact_is_said_in_words() -> None:
    # Words for all kinds of the contract but the one that stands for none.
    kinds = {name.removeprefix("KIND_") for name in Fact.Kind.keys()}  # noqa: SIM118  # A wrapper.
    assert set(WORDS) == kinds - {"UNSPECIFIED"}


def test_a_refused_message_ends_with_one_and_says_what_to_do(concord: Run, tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text('{"errcode": 40001}')

    result = concord("template", "try", "wechat_channels.order", str(file))

    assert result.exit_code == 1
    assert "REFUSED  FIELD_INVALID at errcode" in result.stdout
    assert json.loads(concord("template", "list", "--json").stdout)["templates"]
