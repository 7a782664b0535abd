"""Receipts go in and are looked at; cases are opened, handled and ended."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clients.sdk.testing import FakeConcord
from concord.cases.v1.case_service_pb2 import Case
from concord.intake.v1.fact_pb2 import OUTCOME_REJECTED
from concord.intake.v1.receipt_pb2 import Receipt, Rejection

from .conftest import Run, an_order


def test_a_file_is_submitted_as_one_receipt(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    file = tmp_path / "push.json"
    file.write_bytes('{"备注": "好"}\n'.encode())

    first = concord(
        "receipt", "submit", str(file), "--template", "douyin.push", "--source", "douyin"
    )
    again = concord("receipt", "submit", str(file), "-t", "douyin.push", "-s", "douyin", "--json")

    assert "1 stored, 0 known before" in first.stdout
    assert json.loads(again.stdout) == {"stored": [], "repeated": 1}
    assert fake.model.receipts["receipts/rcp-1"].body == file.read_bytes()


def test_lines_are_submitted_in_batches(fake: FakeConcord, concord: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f'{{"id": "{n}"}}\n' for n in range(450)) + "\n")

    done = concord("receipt", "submit", str(file), "-t", "concord.event", "-s", "test", "--lines")

    assert "450 stored" in done.stdout
    sizes = [len(request.receipts) for request in fake.requests("SubmitReceipts")]
    assert sizes == [200, 200, 50]
    assert re.fullmatch(r"(submitting: \d+ %\n)+submitting: done\n", done.stderr)


def test_a_rejected_receipt_says_why_and_what_to_do(fake: FakeConcord, concord: Run) -> None:
    fake.model.receipts["receipts/rcp-1"] = Receipt(
        name="receipts/rcp-1",
        source="douyin",
        template="douyin.push",
        template_version=2,
        body=b"{",
        outcome=OUTCOME_REJECTED,
        rejection=Rejection(
            reason=Rejection.REASON_FIELD_MISSING, field="data.pay_amount", advice="Send it."
        ),
    )

    shown = concord("receipt", "show", "rcp-1")
    listed = concord("receipt", "list", "--outcome", "rejected")

    for result in (shown, listed):
        assert "FIELD_MISSING: data.pay_amount: Send it." in result.stdout
    assert "douyin.push, version 2" in shown.stdout
    assert concord("receipt", "show", "rcp-1", "--body").stdout == "{"


def test_an_unknown_outcome_is_a_usage_error(concord: Run) -> None:
    shown = concord("receipt", "list", "--outcome", "LOST")

    assert shown.exit_code == 2
    assert "REJECTED" in shown.stderr


def test_a_retry_names_receipts_or_says_which(fake: FakeConcord, concord: Run) -> None:
    assert concord("receipt", "retry").exit_code == 2
    assert "1 published again" in concord("receipt", "retry", "rcp-1").stdout
    assert concord("receipt", "retry", "--rejected-for", "FIELD_MISSING").exit_code == 0

    named, rejected = fake.requests("RetryReceipts")
    assert list(named.names) == ["receipts/rcp-1"]
    assert rejected.rejected_for == Rejection.REASON_FIELD_MISSING


def test_a_case_is_handled_from_its_opening_to_its_end(fake: FakeConcord, concord: Run) -> None:
    fake.model.put(an_order())
    steps = [
        ("open", "douyin:4705288465508532862", "DUPLICATE_CHARGE", "--note", "paid twice"),
        ("assign", "case-1", "li.lei"),
        ("note", "case-1", "asked the provider"),
        ("resolve", "case-1", "REFUNDED"),
    ]

    for step in steps:
        assert concord("case", *step).exit_code == 0, step

    shown = concord("case", "show", "case-1")
    assert fake.model.cases["cases/case-1"].state == Case.STATE_RESOLVED
    for said in ("paid twice", "li.lei", "asked the provider", "REFUNDED", "已解决 RESOLVED"):
        assert said in shown.stdout


def test_a_resolved_case_is_not_assigned(fake: FakeConcord, concord: Run) -> None:
    fake.model.cases["cases/case-1"] = Case(name="cases/case-1", state=Case.STATE_RESOLVED)

    shown = concord("case", "assign", "case-1", "li.lei")

    assert shown.exit_code == 1
    assert "takes notes only" in shown.stderr


def test_cases_are_listed_by_role(fake: FakeConcord, concord: Run) -> None:
    for number, role in ((1, "finance"), (2, "warehouse")):
        name = f"cases/case-{number}"
        fake.model.cases[name] = Case(name=name, owner_role=role, state=Case.STATE_OPEN)

    listed = concord("case", "list", "--role", "finance", "--json")

    assert [each["name"] for each in json.loads(listed.stdout)["cases"]] == ["cases/case-1"]
