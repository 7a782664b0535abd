"""Queues, counts and the desk's numbers are shown; cases are acted upon with their documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from clients.cli import config
from clients.sdk.testing import FakeConcord
from concord.cases.v1.case_service_pb2 import Case, PurchaseRequest
from concord.cases.v1.handling_pb2 import HandlingEntry
from concord.cases.v1.queue_service_pb2 import DeskStatistics, Queue, QueueCounts

from .conftest import Run, an_order

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "now", lambda: NOW)


def at(minutes: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(NOW + timedelta(minutes=minutes))
    return stamp


def span(minutes: int) -> Duration:
    return Duration(seconds=60 * minutes)


def a_case(number: int = 1, **fields: object) -> Case:
    case = Case(
        name=f"cases/case-{number}",
        order="orders/ord-1",
        type="WRONG_ITEM",
        state=Case.STATE_OPEN,
        owner_role="warehouse",
        open_time=at(-60),
        due_time=at(90),
        etag="3",
    )
    case.MergeFrom(Case(**fields))  # type: ignore[arg-type]  # any field of the message
    return case


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_filters_of_a_queue_reach_the_service(fake: FakeConcord, concord: Run) -> None:
    shown = concord(
        "case", "list", "--side", "supply", "--state", "open", "--assignee", "wang",
        "--channel", "jd", "--due-within", "2h", "--open-for", "1d",
    )  # fmt: skip

    (asked,) = fake.requests("ListCases")
    assert shown.exit_code == 0, shown.stderr
    assert getattr(asked, "class") == Case.CLASS_SUPPLY
    assert list(asked.states) == [Case.STATE_OPEN]
    assert (asked.assignee, asked.channel) == ("wang", "jd")
    assert (asked.due_within.seconds, asked.open_for.seconds) == (7_200, 86_400)


def test_a_side_that_is_none_is_a_usage_error(concord: Run) -> None:
    shown = concord("case", "list", "--side", "other")

    assert shown.exit_code == 2
    assert "SUPPLY" in shown.stderr


def test_a_list_says_how_long_each_case_has_left(fake: FakeConcord, concord: Run) -> None:
    for case in (
        a_case(1),
        a_case(2, breach_time=at(-5), due_time=at(-5)),
        a_case(3, pause_time=at(-30)),
    ):
        fake.model.cases[case.name] = case

    lines = words(concord("case", "list").stdout)

    assert lines[1].endswith("in 1 h 30 min")
    assert lines[2].endswith("5 min 0 s overdue")
    assert lines[3].endswith("paused")


def test_a_watched_queue_is_shown_whole_with_each_change(fake: FakeConcord, concord: Run) -> None:
    row = QueueCounts.Row(owner_role="warehouse", type="WRONG_ITEM", open=7, in_breach=2)
    counts = QueueCounts(rows=[row], read_time=at(0))
    fake.answer(
        "WatchQueue",
        [Queue(cases=[a_case(1)], counts=counts), Queue(cases=[a_case(2)], counts=counts)],
    )

    shown = concord("case", "watch", "--role", "warehouse", "--times", "2")

    assert shown.exit_code == 0, shown.stderr
    for said in ("7 open", "2 in breach", "cases/case-1", "cases/case-2", "and 6 more"):
        assert said in shown.stdout
    assert fake.requests("WatchQueue")[0].filter.owner_role == "warehouse"


def test_what_is_open_is_counted_by_role_and_type(fake: FakeConcord, concord: Run) -> None:
    fake.model.cases["cases/case-1"] = a_case(1)
    fake.model.cases["cases/case-2"] = a_case(2, assignee="wang")

    shown = words(concord("case", "count").stdout)

    assert shown[1].startswith("warehouse WRONG_ITEM 2 1 0 0 0")


def test_the_numbers_say_where_hands_are_missing(fake: FakeConcord, concord: Run) -> None:
    told = DeskStatistics(start_time=at(-600), end_time=at(0), long_wait=span(120))
    told.types.add(
        type="PAYMENT_DISPUTE", opened=9, resolved=4, open=5, p50=span(60), p95=span(600),
        breach_share=0.25,
    )  # fmt: skip
    told.steps.add(
        type="PAYMENT_DISPUTE", step="approval", role="finance", count=4, p50=span(50),
        p95=span(500), breach_share=0.25, waiting=5, waiting_long=3, longest_wait=span(400),
    )  # fmt: skip
    fake.answer("GetDeskStatistics", told, told)

    english, chinese = concord("case", "stats"), concord("case", "stats", "--lang", "zh")

    lines = words(english.stdout)
    assert "PAYMENT_DISPUTE 9 4 5 1 h 0 min 10 h 0 min 25.0 %" in lines
    assert "PAYMENT_DISPUTE approval finance 4 50 min 0 s 8 h 20 min 25.0 % 5 3 6 h 40 min" in lines
    assert "wait at approval for more than 2 h 0 min: look at the hands of finance" in (
        english.stdout
    )
    assert "请评估人力配置或审批规则" in chinese.stdout


def test_an_act_carries_its_documents(fake: FakeConcord, concord: Run) -> None:
    case = a_case()
    case.allowed_acts.add(step="approval", act="approve", missing_documents=["approval_number"])
    fake.model.cases[case.name] = case

    without = concord("case", "act", "case-1", "approve")
    done = concord("case", "act", "case-1", "approve", "-d", "approval_number=FIN-118")

    assert without.exit_code == 1
    assert "approval_number" in without.stderr
    assert done.exit_code == 0, done.stderr
    assert [(each.kind, each.text) for each in case.documents] == [("approval_number", "FIN-118")]
    assert case.log[-1].step == "approval.approve"


def test_a_document_must_be_named(concord: Run) -> None:
    shown = concord("case", "act", "case-1", "approve", "-d", "FIN-118")

    assert shown.exit_code == 2
    assert "approval_number=FIN-118" in shown.stderr


def test_a_file_goes_in_and_comes_out_as_it_was(
    fake: FakeConcord, concord: Run, tmp_path: Path
) -> None:
    fake.model.cases["cases/case-1"] = a_case()
    photo, copy = tmp_path / "front.jpg", tmp_path / "copy.jpg"
    photo.write_bytes(b"\xff\xd8\x00")

    added = concord("case", "document", "case-1", "photo", "--file", str(photo))
    given = concord("case", "fetch", "case-1", "1", "--to", str(copy))

    assert added.exit_code == given.exit_code == 0, added.stderr + given.stderr
    assert copy.read_bytes() == photo.read_bytes()
    assert fake.requests("AddCaseDocument")[0].media_type == "image/jpeg"
    assert concord("case", "document", "case-1", "photo").exit_code == 2


def test_a_case_is_paused_resumed_merged_and_reopened(fake: FakeConcord, concord: Run) -> None:
    for number in (1, 2):
        fake.model.cases[f"cases/case-{number}"] = a_case(number)
    acts = [
        ("pause", "case-1", "customer is asked for the door number"),
        ("resume", "case-1"),
        ("escalate", "case-1", "no answer"),
        ("link", "case-1", "case-2"),
        ("merge", "case-1", "case-2"),
        ("reopen", "case-1", "not the same"),
    ]

    for each in acts:
        assert concord("case", *each).exit_code == 0, each

    case = fake.model.cases["cases/case-1"]
    told = [each.act for each in case.log]
    assert told == ["PAUSED", "RESUMED", "ESCALATED", "LINKED", "MERGED", "REOPENED"]
    assert (case.level, case.reopened, case.state) == (1, 1, Case.STATE_OPEN)


def test_a_case_shows_what_may_be_done_and_what_was(fake: FakeConcord, concord: Run) -> None:
    case = a_case(workflow="wrong_item@1", severity=Case.SEVERITY_HIGH)
    case.steps.add(step="ask", number=1, role="customer_service", begin_time=at(-60),
                   end_time=at(-30), act="ask_return", actor="li")  # fmt: skip
    case.steps.add(step="receive", number=1, role="warehouse", begin_time=at(-30),
                   timer_time=at(30))  # fmt: skip
    case.allowed_acts.add(
        step="receive", act="received", roles=["warehouse"], missing_documents=["return_receipt"]
    )
    case.log.add(act="ACTED", actor="li", role="customer_service", address="10.0.0.7",
                 act_time=at(-30), step="ask.ask_return", text="sent the label")  # fmt: skip
    case.log.add(act="BEGUN", actor="system", act_time=at(-30), step="receive", automatic=True)
    fake.model.cases[case.name] = case

    shown = concord("case", "show", "case-1").stdout

    for said in ("wrong_item@1", "return_receipt", "active for 30 min 0 s, by itself in 30 min 0 s",
                 "li (customer_service)", "10.0.0.7", "sent the label", "by itself"):  # fmt: skip
        assert said in shown


def test_an_order_shows_what_was_done_about_it(fake: FakeConcord, concord: Run) -> None:
    entry = HandlingEntry(
        case="cases/case-1", case_type="ADDRESS_CHANGE", act="ACTED", step="decide.accept",
        actor="li", role="customer_service", act_time=at(-5), text="new door",
    )  # fmt: skip
    fake.model.put(an_order(handling=[entry]))

    shown = words(concord("order", "show", "ord-1").stdout)

    assert shown[-1].endswith("ADDRESS_CHANGE ACTED decide.accept li (customer_service) new door")


def test_purchasing_sees_what_is_asked_of_it_and_answers(fake: FakeConcord, concord: Run) -> None:
    purchase = PurchaseRequest(
        name="purchaseRequests/pur-1", order="orders/ord-1", state=PurchaseRequest.STATE_OPEN,
        lines=[PurchaseRequest.Line(sku="SKU-1", quantity=3)],
    )  # fmt: skip
    fake.model.purchases[purchase.name] = purchase

    assert "3 × SKU-1" in concord("purchase", "list").stdout
    assert concord("purchase", "answer", "pur-1", "lost").exit_code == 2
    answered = concord(
        "purchase", "answer", "pur-1", "ordered", "--expected", "2026-11-25T09:00:00+08:00"
    )

    assert answered.exit_code == 0, answered.stderr
    assert purchase.state == PurchaseRequest.STATE_ORDERED
    assert purchase.expect_time.ToDatetime() == datetime(2026, 11, 25, 1)  # noqa: DTZ001
    listed = json.loads(concord("purchase", "list", "--json").stdout)
    assert [each["name"] for each in listed["purchaseRequests"]] == [purchase.name]
