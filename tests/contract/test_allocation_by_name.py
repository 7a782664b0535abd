"""Stock goes to the order that asked, also where it goes by a name that is another order's."""

from __future__ import annotations

from dataclasses import replace

from service.domain.facts import FactKind, OrderRef
from service.domain.lifecycle import State
from tests.contract.conftest import Store
from tests.contract.stock_world import Warehouse


def test_an_order_that_goes_by_anothers_name_gets_its_own_stock(store: Store) -> None:
    house = Warehouse(store)
    house.count("A", 5)
    # It sorts before the channel's own names.
    taken = OrderRef("a", store.name)
    (other,) = house.facts(2, FactKind.ORDER_CREATED)
    store.tell(replace(other, ref=taken))
    house.paid(A=2)
    (created,) = house.facts(1, FactKind.ORDER_CREATED, A=2)
    store.tell(replace(created, fact_id=store.fresh(), more_refs=(taken,)))

    house.settle()

    order = house.order()
    assert order.refs[0] == taken
    assert order.state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (5, 2)
    assert store.reader.order_by_ref(taken).state is State.PENDING_PAYMENT
