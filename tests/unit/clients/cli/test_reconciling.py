"""`concord reconcile`: a day in a sentence, its differences, and a report that opens safely."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from clients.sdk.testing import FakeConcord, refusal
from concord.orders.v1.order_pb2 import OrderRef
from concord.reconciliations.v1.reconciliation_pb2 import Difference, Reconciliation
from concord.reconciliations.v1.reconciliation_service_pb2 import (
    ListDifferencesResponse,
    ListReconciliationsResponse,
)

from .conftest import Run

NUMBER = "4705288465508532862"
DONE = Reconciliation(
    name="reconciliations/rec-1",
    channel="douyin",
    day="2025-12-28",
    zone="Asia/Shanghai",
    state=Reconciliation.STATE_DONE,
    lines=1_200,
    agreeing=1_199,
    counts=[Reconciliation.Count(kind=Difference.KIND_AMOUNT, found=1, open=1)],
    notes=["LINES_MISSING"],
    summary_zh="对账完成。",
    summary_en="It is compared.",
)
FOUND = Difference(
    name="differences/dif-1",
    reconciliation="reconciliations/rec-1",
    kind=Difference.KIND_AMOUNT,
    ref=OrderRef(namespace="douyin", value=NUMBER),
    order="orders/ord-1",
    file_value="16900 CNY",
    order_value="16800 CNY",
    state=Difference.STATE_IN_CASE,
    case="cases/case-1",
    explanation_zh="金额不一致。",
    explanation_en="The amounts differ.",
)


def test_a_day_is_compared_now_and_shown(fake: FakeConcord, concord: Run) -> None:
    running = Reconciliation(name=DONE.name, state=Reconciliation.STATE_RUNNING)
    fake.answer("RunReconciliation", running)
    fake.answer("GetReconciliation", DONE)
    fake.answer("ListDifferences", ListDifferencesResponse(differences=[FOUND]))

    shown = concord("reconcile", "run", "douyin", "2025-12-28", "--lang", "zh")

    assert shown.exit_code == 0
    for told in ("对账完成", "1,200", "金额不符", NUMBER, "文件行未全部到齐"):
        assert told in shown.stdout
    assert "The amounts differ" not in shown.stdout


def test_a_report_is_a_file_that_keeps_every_digit(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    fake.answer("GetReconciliation", DONE)
    fake.answer("ListDifferences", ListDifferencesResponse(differences=[FOUND]))
    path = tmp_path / "report.csv"

    written = concord("reconcile", "show", "rec-1", "--csv", str(path))

    assert written.exit_code == 0
    (row,) = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    assert row["order_number"] == f"\t{NUMBER}"
    assert (row["kind"], row["file"], row["ours"]) == ("AMOUNT", "16900 CNY", "16800 CNY")
    assert row["explanation_zh"] == "金额不一致。"


def test_days_are_listed_for_programs(fake: FakeConcord, concord: Run) -> None:
    fake.answer("ListReconciliations", ListReconciliationsResponse(reconciliations=[DONE]))

    listed = concord("reconcile", "list", "--json")

    assert json.loads(listed.stdout)["reconciliations"][0]["name"] == DONE.name


def test_one_difference_is_explained(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetDifference", FOUND)

    shown = concord("reconcile", "explain", "dif-1", "--lang", "en")

    for told in ("The amounts differ.", f"douyin:{NUMBER}", "16800 CNY", "cases/case-1"):
        assert told in shown.stdout


def test_a_day_whose_file_is_not_here_says_what_to_do(fake: FakeConcord, concord: Run) -> None:
    fake.answer("RunReconciliation", refusal("STATEMENT_NOT_FOUND", day="2025-12-28"))

    refused = concord("reconcile", "run", "douyin", "2025-12-28")

    assert refused.exit_code == 1
    assert "Import the file of 2025-12-28 first" in refused.stderr


def test_a_kind_that_is_none_is_refused_with_those_that_are(concord: Run) -> None:
    refused = concord("reconcile", "show", "rec-1", "--kind", "colour")

    assert refused.exit_code == 2
    assert "missing_here" in refused.stderr
