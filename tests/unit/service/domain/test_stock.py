"""What an order asks of the stock follows from its state; what it gets, from what is there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.facts import FactKind, OrderLine
from service.domain.lifecycle import State
from service.domain.order import Hold
from service.domain.stock import (
    NUMBER_LENGTH,
    Part,
    Reservation,
    Spread,
    Step,
    Stock,
    Wanted,
    concerns_stock,
    left_at,
    needs,
    next_step,
    number_for,
    spread,
    standing,
    wanted,
)
from service.domain.truth import RefundState
from tests.builders import EVENING, NOON, a_fact, a_truth, an_order

HELD = Reservation("rsv-1", "ord-1", (Part("A", "bj1", 2),), NOON)
RELEASED = Reservation("rsv-1", "ord-1", HELD.parts, NOON, released_at=EVENING)
TAKEN = Reservation("rsv-1", "ord-1", HELD.parts, NOON, taken_at=EVENING)
LINES = (OrderLine("A", 2),)


def some(sku: str, warehouse: str, count: int, *, reserved: int = 0) -> Stock:
    return Stock(sku, warehouse, count, reserved, NOON, NOON)


@pytest.mark.parametrize(
    ("state", "asks"),
    [
        (State.PENDING_PAYMENT, Wanted.NOTHING),
        (State.PAYING, Wanted.NOTHING),
        (State.PAID, Wanted.RESERVED),
        (State.AWAITING_OUTBOUND, Wanted.RESERVED),
        (State.SHIPPING, Wanted.TAKEN),
        (State.DELIVERED, Wanted.TAKEN),
        (State.COMPLETED, Wanted.TAKEN),
        (State.CANCELLED, Wanted.NOTHING),
    ],
)
def test_an_order_asks_by_its_state(state: State, asks: Wanted) -> None:
    assert wanted(an_order(state)) is asks


@pytest.mark.parametrize("state", [State.PAID, State.AWAITING_OUTBOUND])
def test_an_order_whose_money_went_back_asks_for_nothing(state: State) -> None:
    refunded = an_order(state, refund_state=RefundState.FULL)

    assert wanted(refunded) is Wanted.NOTHING


def test_a_refund_of_what_has_left_gives_nothing_back_to_the_shelves() -> None:
    assert wanted(an_order(State.SHIPPING, refund_state=RefundState.FULL)) is Wanted.TAKEN


@pytest.mark.parametrize(
    ("state", "made", "step"),
    [
        (State.PAID, (), Step.RESERVE),
        (State.PAID, (HELD,), Step.REST),
        (State.PAID, (RELEASED,), Step.RESERVE),
        (State.AWAITING_OUTBOUND, (), Step.RESERVE),
        (State.AWAITING_OUTBOUND, (HELD,), Step.REST),
        (State.SHIPPING, (HELD,), Step.TAKE),
        (State.SHIPPING, (TAKEN,), Step.REST),
        (State.SHIPPING, (), Step.TAKE_UNRESERVED),
        (State.SHIPPING, (RELEASED,), Step.TAKE_UNRESERVED),
        (State.COMPLETED, (HELD,), Step.TAKE),
        (State.CANCELLED, (), Step.REST),
        (State.CANCELLED, (HELD,), Step.RELEASE),
        (State.CANCELLED, (RELEASED,), Step.REST),
        (State.CANCELLED, (TAKEN,), Step.REST),
    ],
)
def test_the_next_step_leads_to_what_is_asked(
    state: State, made: tuple[Reservation, ...], step: Step
) -> None:
    assert next_step(an_order(state), made) is step


def test_an_order_on_hold_gets_nothing_and_keeps_what_it_has() -> None:
    held = an_order(State.PAID, holds=(Hold("hold-1", "RISK", "clerk", NOON),))

    assert next_step(held, ()) is Step.REST
    assert next_step(held, (HELD,)) is Step.REST


def test_what_was_released_does_not_stand() -> None:
    assert standing([RELEASED, HELD]) is HELD
    assert standing([RELEASED]) is None


@pytest.mark.parametrize("state", [State.PENDING_PAYMENT, State.PAYING])
def test_stock_does_not_look_at_orders_that_are_not_paid(state: State) -> None:
    assert not concerns_stock(an_order(state, lines=LINES))


def test_stock_does_not_look_at_orders_without_lines() -> None:
    assert not concerns_stock(an_order(State.PAID))
    assert concerns_stock(an_order(State.PAID, lines=LINES))


def test_lines_of_one_article_add_up() -> None:
    lines = (OrderLine("B", 1), OrderLine("A", 2), OrderLine("B", 3))

    assert needs(lines) == {"A": 2, "B": 4}


def test_a_parcel_left_when_the_first_of_them_did() -> None:
    truth = a_truth(
        a_fact(),
        a_fact(FactKind.PARCEL_DELIVERED, minute=9),
        a_fact(FactKind.PARCEL_SHIPPED, minute=4),
    )

    assert left_at(truth) == NOON + timedelta(minutes=4)
    assert left_at(a_truth()) is None


def test_one_warehouse_that_has_all_is_better_than_two() -> None:
    stocks = [some("A", "bj1", 9), some("A", "sh1", 2), some("B", "sh1", 1)]

    assert spread({"A": 2, "B": 1}, stocks).parts == (Part("A", "sh1", 2), Part("B", "sh1", 1))


def test_of_equal_warehouses_the_fuller_one_gives() -> None:
    stocks = [some("A", "bj1", 3), some("A", "sh1", 5)]

    assert spread({"A": 2}, stocks).parts == (Part("A", "sh1", 2),)


def test_what_no_warehouse_has_alone_comes_from_several() -> None:
    stocks = [some("A", "bj1", 3), some("A", "gz1", 1), some("A", "sh1", 2)]

    assert spread({"A": 5}, stocks).parts == (Part("A", "bj1", 3), Part("A", "sh1", 2))


def test_pieces_come_from_where_they_came_before() -> None:
    stocks = [some("A", "bj1", 2), some("A", "sh1", 9)]
    before = (Part("A", "bj1", 2),)

    assert spread({"A": 2}, stocks, before).parts == before
    assert spread({"A": 2}, stocks[1:], before).parts == (Part("A", "sh1", 2),)


def test_what_is_reserved_is_not_there_for_others() -> None:
    stocks = [some("A", "bj1", 5, reserved=4), some("B", "bj1", 1)]

    assert spread({"A": 2, "B": 1}, stocks) == Spread(missing={"A": 1})


SKUS = st.sampled_from("ABC")
STOCKS = st.lists(
    st.builds(
        lambda sku, place, count, share: some(sku, place, count, reserved=min(count, share)),
        SKUS,
        st.sampled_from(["bj1", "sh1", "gz1"]),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    unique_by=lambda each: (each.sku, each.warehouse),
)
ASKED = st.dictionaries(SKUS, st.integers(1, 12), min_size=1)


@given(STOCKS, ASKED)
def test_what_is_given_is_exactly_what_was_asked_and_never_more_than_there_is(
    stocks: list[Stock], asked: dict[str, int]
) -> None:
    found = spread(asked, stocks)

    there = {(each.sku, each.warehouse): each.available for each in stocks}
    total = {sku: sum(count for (name, _), count in there.items() if name == sku) for sku in asked}
    if any(total[sku] < count for sku, count in asked.items()):
        assert found.parts == ()
        assert dict(found.missing) == {
            sku: count - total[sku] for sku, count in asked.items() if total[sku] < count
        }
        return
    given_out = dict.fromkeys(asked, 0)
    for part in found.parts:
        assert 0 < part.quantity <= there[part.sku, part.warehouse]
        given_out[part.sku] += part.quantity
    assert given_out == asked
    assert len({(each.sku, each.warehouse) for each in found.parts}) == len(found.parts)


def test_a_number_is_the_same_for_the_same_and_short_enough_for_a_bar_code() -> None:
    number = number_for("pck", "rsv-1", "bj1")

    assert number == number_for("pck", "rsv-1", "bj1") != number_for("pck", "rsv-1", "sh1")
    assert len(number) == len("pck-") + NUMBER_LENGTH
    assert number.isascii()
