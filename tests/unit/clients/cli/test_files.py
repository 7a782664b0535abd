"""`concord file`: a file in numbers, rows that need somebody, and what is not here."""

from __future__ import annotations

import csv
import json
import os
import pty
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients.cli.file_progress import progress
from clients.sdk.testing import FakeConcord, refusal
from concord.imports.v1 import import_service_pb2 as api
from concord.intake.v1 import intake_service_pb2 as intake
from concord.reconciliations.v1.statement_pb2 import Statement

from .conftest import Run

ORDER = "6917930000000000001"
HEADER = "主订单编号,子订单编号,商品数量,订单应付金额,订单提交时间,订单状态"
ROW = f'"\t{ORDER}","\t{ORDER}1",1,28.90,2025-12-28 00:54:10,已完成'
DONE = api.Import(
    name="imports/imp-1",
    channel="douyin",
    shop="flagship",
    template="douyin.orders.file",
    day="2025-12-28",
    file_name="orders.csv",
    size_bytes=1_204,
    arrivals=1,
    state=api.Import.STATE_DONE,
    encoding="gb18030",
    delimiter=",",
    columns=HEADER.split(","),
    notes=["HEADER_REPEATED"],
    counts=api.ImportCounts(rows=1_200, orders=1_100, stored=1_099, repeated=1, open=1, passed=2),
)
WRONG = api.ImportRow(
    number=17,
    reason=api.ImportRow.REASON_NUMBER_ROUNDED,
    column="主订单编号",
    state=api.ImportRow.STATE_OPEN,
    text=json.dumps(["6.91793E+18", ORDER, "1", "28.90", "2025-12-28 00:54:10", "已完成"]).encode(),
)


def submitted(request: intake.SubmitReceiptsRequest) -> intake.SubmitReceiptsResponse:
    each = intake.SubmitReceiptsResponse.Submitted(receipt="receipts/rcp-1")
    return intake.SubmitReceiptsResponse(submitted=[each] * len(request.receipts))


def test_a_file_is_imported_and_told_in_numbers(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    file = tmp_path / "orders-20251228.csv"
    file.write_bytes(f"{HEADER}\r\n{ROW}\r\n".encode("gb18030"))
    begun = api.Import(
        name=DONE.name, channel="douyin", shop="flagship", day="2025-12-28",
        template="douyin.orders.file", state=api.Import.STATE_RUNNING,
    )  # fmt: skip
    fake.answer("BeginImport", begun)
    fake.answer("SubmitReceipts", submitted)
    fake.answer("CloseStatement", Statement())
    fake.answer("ReportImport", DONE)

    shown = concord(
        "file", "import", str(file), "--shop", "flagship", "--work", str(tmp_path / "work")
    )

    for told in ("imp-1", "DONE", "gb18030 ','", "1,200 of 1,100 orders; 2 passed over",
                 "1,099 stored, 1 known before", "1 open", "HEADER_REPEATED"):  # fmt: skip
        assert told in shown.stdout
    # Somebody has to look: the end says so, to programs as well.
    assert shown.exit_code == 1
    assert "concord file rows imp-1" in shown.stderr
    (sent,) = fake.requests("SubmitReceipts")
    (receipt,) = sent.receipts
    assert (receipt.order_hint, receipt.account, receipt.message_id) == (ORDER, "flagship", "")
    assert json.loads(receipt.body)["day"] == "2025-12-28"


def test_a_file_that_was_imported_before_changes_nothing(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(f"{HEADER}\n{ROW}\n")
    known = api.Import()
    known.CopyFrom(DONE)
    known.counts.open = 0
    fake.answer("BeginImport", known)

    again = concord("file", "import", str(file), "--work", str(tmp_path / "work"))

    assert again.exit_code == 0
    assert "nothing changed" in again.stderr
    assert not fake.requests("SubmitReceipts")


def test_a_file_that_cannot_be_read_says_what_it_lacks(concord: Run, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(HEADER.replace("订单状态", "订单状况") + "\n" + ROW)

    refused = concord("file", "import", str(file), "--work", str(tmp_path / "work"))

    assert refused.exit_code == 1
    for told in ("douyin.orders.file", "订单状态", "订单状况"):
        assert told in refused.stderr


def test_files_are_listed_for_people_and_for_programs(fake: FakeConcord, concord: Run) -> None:
    fake.answer("ListImports", *[api.ListImportsResponse(imports=[DONE])] * 2)

    shown = concord("file", "list", "--day", "2025-12-28")
    listed = concord("file", "list", "--json")

    for told in ("imp-1", "DONE", "flagship", "1,200", "orders.csv"):
        assert told in shown.stdout
    assert json.loads(listed.stdout)["imports"][0]["name"] == DONE.name
    assert fake.requests("ListImports")[0].day == "2025-12-28"


def test_rows_are_shown_with_what_is_wrong_and_exported_to_be_corrected(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    fake.answer("GetImport", DONE, DONE)
    fake.answer("ListImportRows", *[api.ListImportRowsResponse(rows=[WRONG])] * 2)
    sheet = tmp_path / "bad.csv"

    shown = concord("file", "rows", "imp-1")
    exported = concord("file", "rows", "imp-1", "--export", str(sheet))

    for told in ("17", "NUMBER_ROUNDED", "主订单编号", "6.91793E+18"):
        assert told in shown.stdout
    assert exported.exit_code == 0
    _, row = csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines())
    # Excel leaves a number behind a tab as it is.
    assert row[:4] == ["17", "NUMBER_ROUNDED 主订单编号", "6.91793E+18", f"\t{ORDER}"]


def test_a_corrected_row_is_sent_alone(fake: FakeConcord, concord: Run, tmp_path: Path) -> None:
    fake.answer("GetImport", DONE)
    fake.answer("ListImportRows", api.ListImportRowsResponse(rows=[WRONG]))
    fake.answer("SubmitReceipts", submitted)
    fake.answer("SettleRows", DONE)
    sheet = tmp_path / "bad.csv"
    sheet.write_text(
        f"行号 row,问题 problem,{HEADER}\n17,NUMBER_ROUNDED,{ROW}\n", encoding="utf-8-sig"
    )

    fixed = concord("file", "fix", "imp-1", str(sheet))

    assert fixed.exit_code == 0
    assert "1 rows sent, 0 still wrong" in fixed.stdout
    (settled,) = fake.requests("SettleRows")
    assert list(settled.numbers) == [17]


def test_what_is_still_wrong_is_told_and_not_sent(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetImport", DONE)
    fake.answer("ListImportRows", api.ListImportRowsResponse(rows=[WRONG]))

    retried = concord("file", "retry", "imp-1", "--json")

    assert retried.exit_code == 1
    assert json.loads(retried.stdout) == {
        "sent": [],
        "wrong": [{"row": 17, "reason": "NUMBER_ROUNDED"}],
    }
    assert not fake.requests("SubmitReceipts")


def test_what_is_expected_and_not_here_is_shown(fake: FakeConcord, concord: Run) -> None:
    file = api.ExpectedFile(
        feed="feeds/douyin-flagship", day="2025-12-28", state=api.ExpectedFile.STATE_MISSING
    )
    file.due_time.FromDatetime(datetime(2025, 12, 28, 18, tzinfo=UTC))
    fake.answer("ListExpectedFiles", api.ListExpectedFilesResponse(files=[file]))

    shown = concord("file", "expected", "--missing")

    for told in ("douyin-flagship", "2025-12-28", "MISSING"):
        assert told in shown.stdout
    assert fake.requests("ListExpectedFiles")[0].state == api.ExpectedFile.STATE_MISSING


def test_an_import_that_is_not_there_is_refused_with_advice(
    fake: FakeConcord, concord: Run
) -> None:
    fake.answer("GetImport", refusal("IMPORT_NOT_FOUND", importId="imp-9"))

    refused = concord("file", "show", "imp-9")

    assert refused.exit_code == 1
    assert "concord file list" in refused.stderr


def test_a_terminal_sees_a_bar_with_how_much_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with progress(1_000) as told:
            told.on_bytes(1_000)
            told.on_read(500)
            told.on_orders(250)
            told.on_orders(250)
    shown = all_of(ours)

    assert "sending" in shown
    assert "500/500" in shown


def all_of(terminal: int) -> str:
    """Return what was shown on a terminal whose other end is closed."""
    shown = b""
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as opened:
        while more := opened.read(65_536):
            shown += more
    return shown.decode(errors="replace")


def test_elsewhere_each_tenth_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(1_000) as told:
        told.on_read(1_000)
        for _ in range(20):
            told.on_orders(50)

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "1,000 orders to send"
    assert lines[-1] == "sent: 1,000 of 1,000"
    assert len(lines) == 11
