"""`concord batch` and `concord order tag`: one command runs a batch, and files are safe to open."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from clients.cli.batch_text import as_csv
from clients.sdk.testing import FakeConcord
from concord.batches.v1.batch_service_pb2 import BatchMember
from concord.orders.v1.order_pb2 import Hold, OrderRef

from .conftest import Run, an_order


def put(fake: FakeConcord, count: int, **fields: object) -> None:
    for number in range(count):
        order = an_order(**fields)
        order.name = f"orders/ord-{number}"
        order.refs[0].CopyFrom(OrderRef(namespace="douyin", value=str(number)))
        fake.model.put(order)


def test_orders_are_tagged_by_name_by_reference_and_from_a_file(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    put(fake, 3)
    lines = tmp_path / "orders.txt"
    lines.write_text("\ufeffdouyin:1\n\norders/ord-2\ndouyin:9\n", encoding="utf-8")

    tagged = concord("order", "tag", "清关", "orders/ord-0", "--from", str(lines))

    assert tagged.exit_code == 1
    assert "3 changed" in tagged.stdout
    assert "not there: douyin:9" in tagged.stderr
    assert "清关" in concord("order", "show", "orders/ord-1").stdout
    again = concord("order", "untag", "清关", "orders/ord-0", "--json")
    assert json.loads(again.stdout) == {"changed": 1, "unchanged": 0, "missing": []}


def test_one_command_freezes_shows_runs_and_tells_how_it_ended(
    fake: FakeConcord, concord: Run
) -> None:
    put(fake, 4, tags=["customs"])

    ran = concord("batch", "run", "customs_delay", "--tag", "customs", "--yes")

    assert ran.exit_code == 0, ran.stderr
    assert "DONE" in ran.stdout
    assert "customs_delay@1: done" in ran.stderr
    (asked,) = fake.requests("CreateBatch")
    assert list(asked.selection.tags) == ["customs"]
    assert fake.requests("ConfirmBatch")[0].typed == "customs_delay 4"


def test_a_batch_with_failures_ends_the_command_with_one_and_says_where_to_look(
    fake: FakeConcord, concord: Run
) -> None:
    put(fake, 2, tags=["customs"])
    fake.model.orders["orders/ord-1"].holds.append(Hold(hold_id="h", reason="RISK"))

    ran = concord("batch", "run", "customs_delay", "--tag", "customs", "--yes")

    assert ran.exit_code == 1
    assert "concord batch results bat-1 --state FAILED" in ran.stderr
    failed = concord("batch", "results", "bat-1", "--state", "failed")
    assert "ORDER_ON_HOLD" in failed.stdout
    assert "ord-0" not in failed.stdout


def test_without_a_terminal_nobody_confirms_by_mistake(fake: FakeConcord, concord: Run) -> None:
    put(fake, 2, tags=["customs"])

    ran = concord("batch", "run", "customs_delay", "--tag", "customs")

    assert ran.exit_code == 1
    assert "concord batch confirm bat-1" in ran.stderr
    assert not fake.requests("ConfirmBatch")


def test_batches_are_made_shown_listed_paused_and_called_off(
    fake: FakeConcord, concord: Run
) -> None:
    put(fake, 1, tags=["customs"])
    made = concord(
        "batch", "create", "customs_delay", "--tag", "customs", "--set", "delay_days=4",
        "--where", "order.amount > 1.0", "--order", "douyin:7", "--state", "PAID", "--json",
    )  # fmt: skip

    asked = fake.requests("CreateBatch")[0]
    assert dict(asked.inputs) == {"delay_days": "4"}
    assert asked.selection.condition == "order.amount > 1.0"
    assert [each.value for each in asked.selection.refs] == ["7"]
    assert json.loads(made.stdout)["name"] == "batches/bat-1"
    assert "mark" in concord("batch", "preview", "bat-1").stdout
    assert "FROZEN" in concord("batch", "list").stdout
    assert "customs_delay v1" in concord("batch", "templates").stdout
    early = concord("batch", "pause", "bat-1")
    assert (early.exit_code, "FROZEN" in early.stderr) == (1, True)
    assert "RUNNING" in concord("batch", "confirm", "bat-1", "--type", "customs_delay 1").stdout
    assert "PAUSED" in concord("batch", "pause", "bat-1").stdout
    assert "RUNNING" in concord("batch", "resume", "bat-1").stdout
    assert "CANCELLED" in concord("batch", "cancel", "bat-1").stdout


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x"])
def test_no_cell_of_a_file_is_computed_by_a_spreadsheet(cell: str) -> None:
    (_, row) = csv.reader(as_csv([BatchMember(order="orders/ord-1", number=cell)]).splitlines())

    assert row[:2] == ["ord-1", f"'{cell}"]


def test_results_are_written_as_a_file_that_excel_reads(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    put(fake, 2, tags=["customs"])
    concord("batch", "run", "customs_delay", "--tag", "customs", "--yes")
    file = tmp_path / "results.csv"

    told = concord("batch", "results", "bat-1", "--csv", str(file))

    assert "2 orders" in told.stderr
    assert file.read_bytes().startswith(b"\xef\xbb\xbforder,number,state")
    assert len(file.read_text("utf-8-sig").splitlines()) == 3


def test_what_is_said_without_a_value_is_refused(concord: Run) -> None:
    made = concord("batch", "create", "customs_delay", "--tag", "x", "--set", "delay_days")

    assert made.exit_code == 2
