"""Stock follows orders: by storage in memory and in PostgreSQL alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.application.allocating import AGAIN_AFTER, SWEEP_AFTER, TRIES
from service.application.stock_desk import LOOK_AGAIN, Settled
from service.application.stock_ports import StockAsked
from service.domain.errors import (
    StockNotFoundError,
    StockReservedError,
)
from service.domain.facts import Circumstance, FactKind
from service.domain.lifecycle import State
from service.domain.picking import PickState
from service.domain.stages import measures
from service.domain.truth import derive
from tests.contract.conftest import Store
from tests.contract.stock_world import Warehouse

SHIPPED = FactKind.PARCEL_SHIPPED
CANCELLED = FactKind.ORDER_CANCELLED


@pytest.fixture
def house(store: Store) -> Warehouse:
    return Warehouse(store)


def test_a_paid_order_gets_stock_and_a_pick_list_by_itself(house: Warehouse) -> None:
    house.count("A", 5)
    house.paid(A=2)

    house.settle()

    order = house.order()
    (reservation,) = house.reservations()
    (pick,) = house.lists()
    assert order.state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (5, 2)
    assert [(each.quantity, each.warehouse) for each in reservation.parts] == [(2, "bj1")]
    assert (pick.state, pick.warehouse, pick.reservation_id) == (
        PickState.OPEN,
        "bj1",
        reservation.reservation_id,
    )
    assert [(each.sku, each.quantity) for each in pick.lines] == [(house.sku("A"), 2)]
    assert pick.order_number == house.store.ref().value
    assert not house.is_queued()


def test_the_fact_of_allocation_names_the_reservation(house: Warehouse) -> None:
    house.count("A", 5)
    house.paid(A=2)

    house.settle()

    dossier = house.store.reader.dossier(house.order().order_id)
    (fact,) = [each for each in dossier.facts if each.kind is FactKind.STOCK_ALLOCATED]
    assert (fact.source, fact.voucher) == ("inventory", house.reservations()[0].reservation_id)
    assert fact.circumstances == frozenset()
    assert len(fact.fact_id) <= 64


def test_an_order_of_articles_that_are_not_kept_is_left_to_the_warehouse(
    house: Warehouse,
) -> None:
    house.count("A", 5)
    house.paid(1, B=1)
    house.paid(2, A=1, B=1)

    house.settle()

    for number in (1, 2):
        assert house.order(number).state is State.PAID
        assert house.reservations(number) == []
        assert not house.is_queued(number)
    assert house.stock("A") == (5, 0)


def test_the_payment_may_be_told_before_the_order(house: Warehouse) -> None:
    house.count("A", 5)
    created, paid = house.facts(1, FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, A=2)
    house.store.tell(paid)
    house.settle()
    house.store.tell(created)

    house.settle()

    assert house.order().state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (5, 2)


def test_orders_paid_before_stock_was_kept_are_served_when_it_is(house: Warehouse) -> None:
    house.paid(1, A=2)
    house.settle()
    house.count("A", 5)

    house.settle()

    assert house.order(1).state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (5, 2)


def test_stock_that_began_to_be_kept_is_looked_at_once_more(house: Warehouse) -> None:
    house.count("A", 5)
    while house.clockwork.sweep():
        pass
    house.store.clock.pass_time(SWEEP_AFTER + timedelta(seconds=1))

    swept = [house.clockwork.sweep() for _ in range(2)]

    assert swept[0] >= 1
    assert swept[1] == 0


def test_an_order_on_hold_waits_until_it_is_released(house: Warehouse) -> None:
    house.count("A", 5)
    order = house.paid(A=2)
    ask = house.store.ask(order)
    held = house.store.command(lambda commands: commands.place_hold(ask, "RISK"))
    house.settle()
    before = house.reservations()

    release = house.store.ask(order)
    hold_id = held.holds[0].hold_id
    house.store.command(lambda commands: commands.release_hold(release, hold_id))
    house.settle()

    assert before == []
    assert house.order().state is State.AWAITING_OUTBOUND


def test_too_little_stock_opens_one_case_and_ends_it_when_stock_comes(house: Warehouse) -> None:
    house.count("A", 1)
    house.paid(A=3)
    house.settle()
    house.adjust("A", 1)
    house.settle()
    (waiting,) = house.cases()
    before = house.order().state

    house.adjust("A", 1)
    house.settle()

    (ended,) = house.cases()
    assert (waiting.type, waiting.is_resolved, before) == ("OUT_OF_STOCK", False, State.PAID)
    assert (ended.case_id, ended.outcome) == (waiting.case_id, "STOCK_CAME")
    assert house.settled == {Settled.SHORT: 2, Settled.RESERVED: 1}
    assert house.order().state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (3, 3)
    assert house.store.reader.verify_chain(house.order().order_id).problem == ""


def test_what_waits_for_stock_is_looked_at_now_and_then_all_the_same(house: Warehouse) -> None:
    house.count("A", 1)
    house.paid(A=3)
    house.settle()

    house.settle()
    house.store.clock.pass_time(LOOK_AGAIN)
    house.settle()

    assert house.settled[Settled.SHORT] == 2
    assert len(house.cases()) == 1


def test_a_case_for_want_of_stock_ends_with_its_order(house: Warehouse) -> None:
    house.count("A", 1)
    house.paid(A=3)
    house.settle()

    house.tell(CANCELLED)
    house.settle()

    (ended,) = [each for each in house.cases() if each.type == "OUT_OF_STOCK"]
    assert ended.outcome == "NOT_NEEDED"
    assert not house.is_queued()


def test_what_an_order_gives_back_goes_to_the_one_that_waits(house: Warehouse) -> None:
    house.count("A", 2)
    house.paid(1, A=2)
    house.settle()
    house.paid(2, A=1)
    house.settle()
    before = house.order(2).state

    house.tell(CANCELLED, 1)
    house.settle()

    assert before is State.PAID
    assert house.order(2).state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (2, 1)
    assert [(each.state, each.void_reason) for each in house.lists(1)] == [
        (PickState.VOID, "CANCELLED")
    ]
    (given_back,) = house.reservations(1)
    assert given_back.released_at is not None


def test_money_that_went_back_in_full_gives_the_stock_back(house: Warehouse) -> None:
    house.count("A", 2)
    house.paid(A=2)
    house.settle()

    house.tell(FactKind.REFUND_SUCCEEDED)
    house.settle()

    assert house.stock("A") == (2, 0)
    assert [each.void_reason for each in house.lists()] == ["REFUNDED"]


def test_a_parcel_that_left_takes_what_was_reserved(house: Warehouse) -> None:
    house.count("A", 5)
    house.paid(A=2)
    house.settle()

    house.tell(SHIPPED)
    house.settle()
    house.tell(FactKind.PARCEL_DELIVERED)
    house.settle()

    assert house.stock("A") == (3, 0)
    assert [each.void_reason for each in house.lists()] == ["SHIPPED"]


def test_a_parcel_that_left_before_anything_was_reserved_is_taken_once(house: Warehouse) -> None:
    house.count("A", 5)
    house.store.clock.pass_time(timedelta(minutes=1))
    house.paid(A=2)
    house.tell(SHIPPED)

    house.settle()
    house.tell(FactKind.PARCEL_DELIVERED)
    house.settle()

    assert house.stock("A") == (3, 0)
    assert house.lists() == []
    assert house.settled[Settled.TAKEN] == 1


def test_a_parcel_that_left_before_the_count_is_not_taken_from_it(house: Warehouse) -> None:
    house.paid(A=2)
    house.tell(SHIPPED)
    house.store.clock.pass_time(timedelta(minutes=1))
    house.count("A", 5)

    house.tell(FactKind.PARCEL_DELIVERED)
    house.settle()

    assert house.stock("A") == (5, 0)
    assert not house.is_queued()


def test_a_parcel_that_left_after_the_cancel_takes_from_where_it_lay(house: Warehouse) -> None:
    house.count("A", 2, "bj1")
    house.paid(A=2)
    house.settle()
    house.tell(CANCELLED)
    house.settle()
    house.count("A", 9, "sh1")
    house.store.clock.pass_time(timedelta(minutes=1))

    house.tell(SHIPPED)
    house.settle()

    assert (house.stock("A", "bj1"), house.stock("A", "sh1")) == ((0, 0), (9, 0))


def test_an_order_that_was_reinstated_is_reserved_for_again(house: Warehouse) -> None:
    house.count("A", 2)
    house.paid(A=2)
    house.settle()
    house.tell(CANCELLED)
    house.settle()
    house.store.clock.pass_time(timedelta(minutes=1))

    house.tell(FactKind.ORDER_REINSTATED)
    house.settle()

    assert house.stock("A") == (2, 2)
    assert [each.is_held for each in house.reservations()] == [False, True]
    assert sorted(each.state.value for each in house.lists()) == ["OPEN", "VOID"]


def test_however_often_an_order_is_looked_at_it_has_its_stock_once(house: Warehouse) -> None:
    house.count("A", 9)
    order = house.paid(A=2)
    for _ in range(3):
        house.settle()
        house.store.storage.transact(
            lambda unit: unit.queue_stock(
                {order.order_id: StockAsked(order.channel, (house.sku("A"),))},
                at=house.store.clock(),
            )
        )
    house.tell(FactKind.STOCK_ALLOCATED, source="warehouse")

    house.settle()

    assert house.stock("A") == (9, 2)
    assert len(house.reservations()) == len(house.lists()) == 1


def test_where_the_warehouse_was_faster_the_books_follow(house: Warehouse) -> None:
    house.count("A", 9)
    house.paid(A=2)
    house.tell(FactKind.STOCK_ALLOCATED, source="warehouse")

    house.settle()

    assert house.stock("A") == (9, 2)
    assert len(house.lists()) == 1


def test_stock_of_two_warehouses_makes_two_lists(house: Warehouse) -> None:
    house.count("A", 2, "bj1")
    house.count("A", 1, "sh1")
    house.paid(A=3)

    house.settle()

    assert sorted((each.warehouse, each.lines[0].quantity) for each in house.lists()) == [
        ("bj1", 2),
        ("sh1", 1),
    ]


def test_nothing_is_counted_or_taken_away_below_what_is_promised(house: Warehouse) -> None:
    house.count("A", 5)
    house.paid(A=2)
    house.settle()

    with pytest.raises(StockReservedError) as refused:
        house.count("A", 1)
    with pytest.raises(StockReservedError):
        house.adjust("A", -4)
    assert refused.value.metadata()["reserved"] == "2"
    assert house.stock("A") == (5, 2)


def test_stock_that_is_not_kept_cannot_be_corrected(house: Warehouse) -> None:
    with pytest.raises(StockNotFoundError):
        house.adjust("A", 1)


# Locks.


def busy(house: Warehouse, times: int) -> None:
    """Let others hold the article's row for so many tries; memory scripts it."""
    house.store.storage.tables.stock.taken[house.sku("A")] = times  # type: ignore[attr-defined]


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_a_taken_lock_is_tried_again_and_stands_as_the_cause(house: Warehouse) -> None:
    house.count("A", 5)
    house.paid(A=2)
    busy(house, 2)

    house.settle()

    dossier = house.store.reader.dossier(house.order().order_id)
    (fact,) = [each for each in dossier.facts if each.kind is FactKind.STOCK_ALLOCATED]
    truth = derive(dossier.facts)
    assert truth is not None
    assert house.settled == {Settled.BUSY: 2, Settled.RESERVED: 1}
    assert house.pauses == [0.01, 0.02]
    assert fact.circumstances == {Circumstance.STOCK_LOCK_RETRY}
    measured = measures(truth)[State.PAID, State.AWAITING_OUTBOUND]
    assert measured.cause == "STOCK_LOCK_CONFLICT"


@pytest.mark.parametrize("store", ["memory"], indirect=True)
def test_a_lock_that_stays_taken_is_left_for_later(house: Warehouse) -> None:
    house.count("A", 5)
    house.paid(A=2)
    busy(house, TRIES + 1)

    house.settle()
    state = house.order().state
    house.store.clock.pass_time(2 * AGAIN_AFTER)
    house.settle()

    assert state is State.PAID
    assert house.order().state is State.AWAITING_OUTBOUND
    assert house.settled[Settled.BUSY] == TRIES + 1
