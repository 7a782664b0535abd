"""Every row of an event log becomes one message, with one event for each order concerned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from clients.traffic.eventlog import Template, TemplateError, names_in
from clients.traffic.replaying import TEMPLATES, Log, LogError, template_named, template_names

TEMPLATE = "ocel-order-management"
HEADER = (
    "ocel:eid,ocel:activity,ocel:timestamp,ocel:type:customers,ocel:type:items,"
    "ocel:type:orders,ocel:type:packages,ocel:type:products,weight,price"
)
# Two orders; one parcel with an item of each, one with the rest of the first order.
MADE_UP = """\
1.0,place order,2031-03-01 09:00:00.000Z, ,"['i1','i2']","['o1']", , ,1.0,30.5
2.0,place order,2031-03-01 09:05:00.250Z, ,"['i3']","['o2']", , ,1.0,7.99
3.0,confirm order,2031-03-01 10:00:00.000Z, , ,"['o1']", , ,1.0,30.5
4.0,pick item,2031-03-01 11:00:00.000Z, ,"['i3']", , , ,0.5,7.99
5.0,pay order,2031-03-02 08:00:00.000Z, , ,"['o1']", , ,1.0,30.5
6.0,send package,2031-03-03 12:00:00.000Z, , , ,['p1'], ,1.0,20.0
7.0,create package,2031-03-03 10:00:00.000Z, ,"['i1','i3']", ,['p1'], ,1.0,20.0
8.0,create package,2031-03-04 10:00:00.000Z, ,['i2'], ,['p2'], ,1.0,18.49
9.0,package delivered,2031-03-05 15:00:00.000Z, , , ,['p1'], ,1.0,20.0
10.0,failed delivery,2031-03-05 16:00:00.000Z, , , ,['p2'], ,1.0,18.49
11.0,pick item,2031-03-05 17:00:00.000Z, ,['i9'], , , ,1.0,1.0
12.0,weigh parcel,2031-03-05 17:00:00.000Z, , , ,['p2'], ,1.0,1.0
13.0,pay order,yesterday, , ,['o2'], , ,1.0,7.99
"""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    file = tmp_path / "made_up.csv"
    file.write_text(f"{HEADER}\n{MADE_UP}", "utf-8")
    return Log.open(file, template_named(TEMPLATE))


def bodies(log: Log) -> list[dict[str, Any]]:
    return [orjson.loads(message.body) for message in log.messages(0)]


def events(log: Log, row: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = bodies(log)[row - 1]["events"]
    return told


def orders(log: Log, row: int) -> list[str]:
    return [event["order"]["value"] for event in events(log, row)]


def test_every_row_is_one_message_named_by_its_event(log: Log) -> None:
    ids = [message.message_id for message in log.messages(0)]

    assert log.rows == 13
    assert ids == [f"ocel-order-management-{number}.0" for number in range(1, 14)]


def test_a_placed_order_has_its_total_in_the_templates_currency(log: Log) -> None:
    assert events(log, 1) == [
        {
            "id": events(log, 1)[0]["id"],
            "type": "order.created",
            "channel": "order_management",
            "source": "order_management",
            "order": {"namespace": "order_management", "value": "o1"},
            "occurred_at": "2031-03-01T09:00:00.000000+00:00",
            "amount": {"currency": "EUR", "value": "30.5"},
        }
    ]


def test_times_keep_their_milliseconds(log: Log) -> None:
    assert events(log, 2)[0]["occurred_at"] == "2031-03-01T09:05:00.250000+00:00"


def test_each_activity_means_what_the_template_says(log: Log) -> None:
    assert [events(log, row)[0]["type"] for row in (3, 4, 5, 6, 7, 9, 10)] == [
        "payment.started",
        "noted",
        "payment.succeeded",
        "parcel.shipped",
        "stock.allocated",
        "parcel.delivered",
        "noted",
    ]
    assert events(log, 5)[0]["amount"] == {"currency": "EUR", "value": "30.5"}
    assert events(log, 4)[0]["note"] == "item_picked"
    assert events(log, 6)[0]["voucher"] == "p1"


def test_an_item_concerns_the_order_that_it_was_placed_with(log: Log) -> None:
    assert orders(log, 4) == ["o2"]


def test_a_package_concerns_every_order_with_an_item_in_it(log: Log) -> None:
    assert orders(log, 9) == ["o1", "o2"]
    assert orders(log, 10) == ["o1"]


def test_what_belongs_together_is_known_before_the_row_that_says_so(log: Log) -> None:
    assert orders(log, 6) == ["o1", "o2"]


def test_a_row_that_concerns_no_known_order_is_kept_without_events(log: Log) -> None:
    assert events(log, 11) == []
    assert bodies(log)[10]["row"]["ocel:type:items"] == "['i9']"


def test_an_activity_that_the_template_does_not_know_is_noted(log: Log) -> None:
    assert events(log, 12)[0]["type"] == "noted"
    assert events(log, 12)[0]["note"] == "weigh_parcel"


def test_a_time_that_cannot_be_read_is_left_for_the_reader_to_reject(log: Log) -> None:
    assert events(log, 13)[0]["occurred_at"] == "yesterday"


def test_event_ids_differ_by_row_and_order_and_stay_the_same(log: Log) -> None:
    ids = [event["id"] for body in bodies(log) for event in body["events"]]

    assert len(set(ids)) == len(ids)
    assert ids == [event["id"] for body in bodies(log) for event in body["events"]]


def test_a_message_hints_at_its_order_only_when_there_is_one(log: Log) -> None:
    hints = [message.order_hint for message in log.messages(0)]

    assert hints[3] == "o2"
    assert hints[8] == ""
    assert hints[10] == ""


def test_a_time_without_an_offset_is_taken_in_the_templates_zone(tmp_path: Path) -> None:
    text = _text_of(TEMPLATE)
    text["time"] = {"format": "%d.%m.%Y %H:%M", "zone": "Asia/Shanghai"}
    file = tmp_path / "log.csv"
    file.write_text(f"{HEADER}\n1.0,place order,01.03.2031 09:00, ,['i'],['o'], , ,1,2\n", "utf-8")

    log = Log.open(file, Template.from_mapping(text))

    assert events(log, 1)[0]["occurred_at"] == "2031-03-01T09:00:00.000000+08:00"


def test_a_file_without_a_column_of_the_template_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("id,what\n1,x\n", "utf-8")

    with pytest.raises(LogError, match="ocel:activity"):
        Log.open(file, template_named(TEMPLATE))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError):
        Log.open(tmp_path / "none.csv", template_named(TEMPLATE))


def test_an_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TemplateError, match=TEMPLATE):
        template_named("no-such")


def test_a_template_that_lacks_something_is_refused() -> None:
    text = _text_of(TEMPLATE)
    del text["currency"]

    with pytest.raises(TemplateError, match="currency"):
        Template.from_mapping(text)


def test_a_template_that_relates_objects_of_no_column_is_refused() -> None:
    text = _text_of(TEMPLATE)
    del text["objects"]["package"]

    with pytest.raises(TemplateError, match="package"):
        Template.from_mapping(text)


@pytest.mark.parametrize("name", template_names())
def test_every_template_that_ships_can_be_read(name: str) -> None:
    assert template_named(name).name == name


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (" ", []),
        ("", []),
        ("['a','b']", ["a", "b"]),
        ("[1, 2]", ["1", "2"]),
        ("a", ["a"]),
        ("[", []),
    ],
)
def test_cells_hold_lists_bare_names_or_nothing(cell: str, names: list[str]) -> None:
    assert names_in(cell) == names


@pytest.mark.skipif("CONCORD_SAMPLES" not in os.environ, reason="the samples are not here")
def test_all_rows_of_the_real_log_become_messages() -> None:
    file = Path(os.environ["CONCORD_SAMPLES"]) / "datasets" / "ocel_order_management.csv"
    _report(file)

    log = Log.open(file, template_named(TEMPLATE))
    messages = list(log.messages(0))

    assert len(messages) == len({message.message_id for message in messages}) == 22_367
    told = [event for message in messages for event in orjson.loads(message.body)["events"]]
    assert len({event["id"] for event in told}) == len(told) == 32_447
    assert len({event["order"]["value"] for event in told}) == 2000
    assert all(orjson.loads(message.body)["events"] for message in messages)


def _report(file: Path) -> None:
    if "CONCORD_SAMPLES_REPORT" in os.environ:
        with Path(os.environ["CONCORD_SAMPLES_REPORT"]).open("a", encoding="utf-8") as report:
            report.write(f"{file.name}\n")


def _text_of(name: str) -> dict[str, Any]:
    text: dict[str, Any] = yaml.safe_load((TEMPLATES / f"{name}.yaml").read_text("utf-8"))
    return text
