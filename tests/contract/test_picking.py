"""Pick lists are worked off: by storage in memory and in PostgreSQL alike."""

from __future__ import annotations

import pytest

from service.application.commands import Details
from service.domain.errors import (
    IllegalTransitionError,
    OrderOnHoldError,
    PickListClosedError,
    PickListNotFoundError,
)
from service.domain.facts import FactKind
from service.domain.lifecycle import Action
from service.domain.picking import PickState
from tests.builders import TOTAL
from tests.contract.conftest import Store
from tests.contract.stock_world import Warehouse


@pytest.fixture
def house(store: Store) -> Warehouse:
    return Warehouse(store)


def allocated(house: Warehouse) -> str:
    house.count("A", 5)
    house.paid(A=2)
    house.settle()
    return house.lists()[0].pick_list_id


def test_a_list_that_is_done_approves_outbound_under_its_number(house: Warehouse) -> None:
    number = allocated(house)

    begun = house.pick(lambda picking: picking.start(number, "Li Lei"))
    done = house.pick(lambda picking: picking.complete(number, "clerk"))

    dossier = house.store.reader.dossier(house.order().order_id)
    (fact,) = [each for each in dossier.facts if each.kind is FactKind.OUTBOUND_APPROVED]
    assert (begun.state, done.state, done.picker) == (PickState.PICKING, PickState.DONE, "Li Lei")
    assert house.order().outbound_approved
    assert (fact.voucher, fact.source) == (number, "warehouse")
    assert "Li Lei" not in repr(dossier.facts)


def test_of_two_lists_the_last_one_approves(house: Warehouse) -> None:
    house.count("A", 2, "bj1")
    house.count("A", 1, "sh1")
    house.paid(A=3)
    house.settle()
    first, second = (each.pick_list_id for each in house.lists())

    house.pick(lambda picking: picking.complete(first, "clerk"))
    before = house.order().outbound_approved
    house.pick(lambda picking: picking.complete(second, "clerk"))

    assert (before, house.order().outbound_approved) == (False, True)


def test_what_somebody_approved_before_is_picked_all_the_same(house: Warehouse) -> None:
    number = allocated(house)
    ask = house.store.ask(house.order())
    house.store.command(
        lambda commands: commands.advance(ask, Action.APPROVE_OUTBOUND, Details("", TOTAL))
    )

    done = house.pick(lambda picking: picking.complete(number, "clerk"))

    assert done.state is PickState.DONE


def test_a_hold_stops_the_picking(house: Warehouse) -> None:
    number = allocated(house)
    ask = house.store.ask(house.order())
    house.store.command(lambda commands: commands.place_hold(ask, "RISK"))

    with pytest.raises(OrderOnHoldError):
        house.pick(lambda picking: picking.start(number, "clerk"))
    with pytest.raises(OrderOnHoldError):
        house.pick(lambda picking: picking.complete(number, "clerk"))
    assert house.lists()[0].state is PickState.OPEN


def test_nobody_picks_for_an_order_that_was_cancelled(house: Warehouse) -> None:
    number = allocated(house)
    house.tell(FactKind.ORDER_CANCELLED)

    with pytest.raises(IllegalTransitionError):
        house.pick(lambda picking: picking.complete(number, "clerk"))
    house.settle()
    with pytest.raises(PickListClosedError):
        house.pick(lambda picking: picking.complete(number, "clerk"))


def test_a_list_that_was_never_made_is_not_found(house: Warehouse) -> None:
    with pytest.raises(PickListNotFoundError):
        house.pick(lambda picking: picking.start("pck-missing", "clerk"))
