"""The shop's warehouse counts its stock once, and sends what Concord lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import grpc

from clients.sdk.error_kinds import Failure
from clients.sdk.errors import OutageError, RefusalError
from clients.traffic.purchases import CATALOGUE
from clients.traffic.shop.selling import an_order
from clients.traffic.shop.warehouse import ROUND, WAREHOUSE, Warehouse


@dataclass
class FakeConcord:
    """Lists what is open, and notes what is done; the SDK's three sub-clients in one."""

    open: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    is_away: bool = False
    counted: list[str] = field(default_factory=list)
    shipped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inventory = self.fulfilment = self.orders = self

    def set_stock(self, sku: str, warehouse: str, on_hand: int) -> None:
        if self.is_away:
            raise OutageError(Failure(grpc.StatusCode.UNAVAILABLE))
        self.counted.append(sku)

    def list_pick_lists(self, *, warehouse: str) -> Iterator[SimpleNamespace]:
        assert warehouse == WAREHOUSE
        yield from (SimpleNamespace(name=f"pickLists/{each}", order=each) for each in self.open)

    def complete_pick_list(self, name: str) -> None:
        order = name.removeprefix("pickLists/")
        if order in self.held:
            raise RefusalError(Failure(grpc.StatusCode.FAILED_PRECONDITION))
        self.open = [each for each in self.open if each != order]

    def ship(self, name: str, *, voucher: str) -> None:
        assert voucher.startswith("SF")
        self.shipped.append(name)


def test_stock_is_counted_once_of_the_articles_that_are_sold() -> None:
    concord = FakeConcord()
    warehouse = Warehouse(concord)

    warehouse.work()
    warehouse.work()

    sold = {line.sku for number in range(50) for line in an_order("shop-1", number).lines}
    assert sold <= set(concord.counted)
    assert len(concord.counted) == len(CATALOGUE)


def test_a_round_is_picked_and_sent() -> None:
    concord = FakeConcord(open=[f"ord-{number}" for number in range(ROUND + 1)])
    warehouse = Warehouse(concord)

    warehouse.work()

    assert concord.shipped == [f"ord-{number}" for number in range(ROUND)]
    assert warehouse.sent == ROUND


def test_what_is_held_does_not_stop_the_rest() -> None:
    held = [f"ord-{number}" for number in range(ROUND)]
    concord = FakeConcord(open=[*held, "ord-free"], held=set(held))
    warehouse = Warehouse(concord)

    warehouse.work()
    warehouse.work()

    assert concord.shipped == ["ord-free"]


def test_a_service_that_is_away_is_asked_in_the_next_round() -> None:
    concord = FakeConcord(open=["ord-1"], is_away=True)
    warehouse = Warehouse(concord)

    warehouse.work()
    concord.is_away = False
    warehouse.work()

    assert concord.shipped == ["ord-1"]
