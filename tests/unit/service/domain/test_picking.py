"""Pick lists: one a warehouse, from open to done, and as text for paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from concord.fulfilment.v1.fulfilment_service_pb2 import PickList as PickListProto
from service.domain.errors import PickListClosedError
from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.domain.picking import (
    Language,
    PickLine,
    PickList,
    PickState,
    lists_for,
    order_number,
    printed,
    void_reason,
)
from service.domain.stock import Part, Reservation
from tests.builders import EVENING, NOON, REF, an_order

ORDER = an_order(State.PAID)
RESERVATION = Reservation(
    "rsv-1", "ord-1", (Part("B", "sh1", 1), Part("A", "bj1", 2), Part("B", "bj1", 3)), NOON
)


def a_list() -> PickList:
    return lists_for(ORDER, RESERVATION, at=NOON)[0]


def test_each_warehouse_gets_a_list_of_its_own() -> None:
    first, second = lists_for(ORDER, RESERVATION, at=NOON)

    assert (first.warehouse, first.lines) == ("bj1", (PickLine("A", 2), PickLine("B", 3)))
    assert (second.warehouse, second.lines) == ("sh1", (PickLine("B", 1),))
    assert first.pick_list_id != second.pick_list_id
    assert {each.state for each in (first, second)} == {PickState.OPEN}


def test_the_same_reservation_makes_the_same_lists() -> None:
    assert lists_for(ORDER, RESERVATION, at=NOON) == lists_for(ORDER, RESERVATION, at=NOON)


def test_a_list_goes_from_open_over_picking_to_done() -> None:
    begun = a_list().start("Li Lei", at=NOON)
    taken_over = begun.start("Han Meimei", at=EVENING)
    done = taken_over.complete("clerk", at=EVENING)

    assert (begun.state, begun.picker, begun.started_at) == (PickState.PICKING, "Li Lei", NOON)
    assert (taken_over.picker, taken_over.started_at) == ("Han Meimei", NOON)
    assert (done.state, done.picker, done.ended_at) == (PickState.DONE, "Han Meimei", EVENING)


def test_who_ends_a_list_that_nobody_began_picked_it() -> None:
    done = a_list().complete("clerk", at=EVENING)

    assert (done.picker, done.started_at) == ("clerk", EVENING)


@pytest.mark.parametrize("state", [PickState.DONE, PickState.VOID])
def test_nothing_is_picked_from_a_closed_list(state: PickState) -> None:
    closed = replace(a_list(), state=state)

    for act in (closed.start, closed.complete):
        with pytest.raises(PickListClosedError) as refused:
            act("clerk", at=EVENING)
        assert refused.value.metadata() == {
            "pickList": closed.pick_list_id,
            "state": state.value,
        }


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.CANCELLED, "CANCELLED"),
        (State.SHIPPING, "SHIPPED"),
        (State.AWAITING_OUTBOUND, "REFUNDED"),
    ],
)
def test_a_void_list_says_why(state: State, reason: str) -> None:
    assert void_reason(an_order(state)) == reason


def test_people_know_an_order_by_its_channels_number() -> None:
    refs = (OrderRef("douyin", "4705"), OrderRef("aaa", "1"))

    assert order_number(an_order(refs=refs, channel="douyin")) == "4705"
    assert order_number(an_order(refs=refs, channel="jd")) == "4705"


PAPER = f"""\
PICK LIST  {a_list().pick_list_id}
Order: {REF.value}
Channel: douyin
Warehouse: bj1
Made: 2026-11-22 12:00 UTC
------------------------------------------------
      Take  Article
[ ]      2 x A
[ ]      3 x B
------------------------------------------------
Articles, pieces: 2, 5
"""


def test_a_list_is_printed_with_what_a_picker_needs() -> None:
    assert printed(a_list(), Language.EN) == PAPER


def test_a_list_is_printed_in_chinese_or_in_both_languages() -> None:
    chinese = printed(a_list(), Language.ZH)
    both = printed(a_list())

    assert chinese.startswith("拣货单  pck-")
    assert "Warehouse" not in chinese
    assert "Warehouse 仓库: bj1" in both


def test_no_person_is_on_the_paper() -> None:
    assert "Li Lei" not in printed(a_list().start("Li Lei", at=NOON))


def test_a_void_list_says_so_in_print() -> None:
    assert "*** VOID - DO NOT PICK ***" in printed(
        a_list().void("CANCELLED", at=EVENING), Language.EN
    )


def test_an_article_cannot_break_out_of_its_line() -> None:
    evil = replace(a_list(), lines=(PickLine("A\n[ ] 9 x GOLD\x1b[2J", 1),))

    rows = printed(evil, Language.EN).splitlines()

    assert "[ ]      1 x A [ ] 9 x GOLD [2J" in rows


def test_states_are_named_as_in_the_contract() -> None:
    names = {each.removeprefix("STATE_") for each in PickListProto.State.keys()}  # noqa: SIM118

    assert names == {"UNSPECIFIED"} | {each.value for each in PickState}
