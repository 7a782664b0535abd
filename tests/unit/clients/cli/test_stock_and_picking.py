"""Stock is counted and corrected; pick lists are listed, printed and worked off."""

from __future__ import annotations

import json

import pytest

from clients.sdk.testing import FakeConcord
from concord.fulfilment.v1.fulfilment_service_pb2 import PickList

from .conftest import Run, an_order


def a_list(number: int = 1, **fields: object) -> PickList:
    pick = PickList(
        name=f"pickLists/pck-{number}",
        order="orders/ord-1",
        order_number="4705288465508532862",
        channel="douyin",
        warehouse="bj1",
        state=PickList.STATE_OPEN,
        lines=[PickList.Line(sku="SKU-1", quantity=2)],
    )
    for name, value in fields.items():
        setattr(pick, name, value)
    return pick


def put(fake: FakeConcord, *lists: PickList) -> None:
    fake.model.pick_lists.update({each.name: each for each in lists})


def test_stock_is_counted_corrected_and_listed(concord: Run) -> None:
    counted = concord("stock", "set", "SKU-1", "bj1", "1200")
    less = concord("stock", "adjust", "SKU-1", "bj1", "-3")
    more = concord("stock", "adjust", "SKU-1", "bj1", "10", "--json")
    listed = concord("stock", "list", "--sku", "SKU-1")
    shown = concord("stock", "show", "SKU-1", "bj1")

    assert "1,200" in counted.stdout
    assert "1,197" in less.stdout
    assert json.loads(more.stdout)["onHand"] == "1207"
    assert "1,207" in listed.stdout
    assert "1,207" in shown.stdout


def test_stock_that_is_not_kept_is_said_to_be_missing(concord: Run) -> None:
    shown = concord("stock", "show", "SKU-9", "bj1")

    assert shown.exit_code == 1
    assert "concord stock list" in shown.stderr


def test_what_is_promised_cannot_be_taken_away(fake: FakeConcord, concord: Run) -> None:
    concord("stock", "set", "SKU-1", "bj1", "5")
    fake.model.stock["SKU-1", "bj1"].reserved = 4

    refused = concord("stock", "adjust", "SKU-1", "bj1", "-2")

    assert refused.exit_code == 1
    assert "At least 4 must be there" in refused.stderr


@pytest.mark.parametrize("arguments", [("--json",), ()])
def test_an_empty_warehouse_is_no_error(concord: Run, arguments: tuple[str, ...]) -> None:
    assert concord("stock", "list", *arguments).exit_code == 0
    assert concord("pick", "list", *arguments).exit_code == 0


def test_open_pick_lists_are_listed_and_those_of_an_order_in_every_state(
    fake: FakeConcord, concord: Run
) -> None:
    fake.model.put(an_order())
    put(fake, a_list(1), a_list(2, state=PickList.STATE_DONE))

    is_open = concord("pick", "list", "--warehouse", "bj1")
    of_order = concord("pick", "list", "--order", "douyin:4705288465508532862", "--json")
    done = concord("pick", "list", "--state", "done", "--json")

    assert "pck-1" in is_open.stdout
    assert "pck-2" not in is_open.stdout
    assert len(json.loads(of_order.stdout)["pickLists"]) == 2
    assert [each["name"] for each in json.loads(done.stdout)["pickLists"]] == ["pickLists/pck-2"]


def test_a_pick_list_goes_from_open_to_done(fake: FakeConcord, concord: Run) -> None:
    put(fake, a_list())

    begun = concord("pick", "start", "pck-1", "--picker", "li.lei")
    done = concord("pick", "done", "pck-1", "--reason", "all there")
    again = concord("pick", "done", "pck-1")

    assert "拣货中 PICKING" in begun.stdout
    assert "li.lei" in begun.stdout
    assert "已完成 DONE" in done.stdout
    assert fake.requests("CompletePickList")[0].reason == "all there"
    assert again.exit_code == 1
    assert "PICK_LIST_CLOSED" in again.stderr


@pytest.mark.parametrize(("language", "wanted"), [("en", 1), ("zh", 2), (None, 0)])
def test_a_pick_list_is_printed_as_it_is(
    fake: FakeConcord, concord: Run, language: str | None, wanted: int
) -> None:
    put(fake, a_list())

    printed = concord("pick", "print", "pck-1", *(("--lang", language) if language else ()))

    assert printed.stdout == "pck-1\n2 x SKU-1\n"
    assert fake.requests("PrintPickList")[0].language == wanted


def test_a_pick_list_is_shown_with_its_lines(fake: FakeConcord, concord: Run) -> None:
    put(fake, a_list(state=PickList.STATE_VOID, void_reason="CANCELLED"))

    shown = concord("pick", "show", "pck-1")

    for said in ("SKU-1", "4705288465508532862", "已作废 VOID", "CANCELLED"):
        assert said in shown.stdout
