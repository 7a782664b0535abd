"""In whichever order facts come, and whenever the clockwork looks, the shelves end alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from service.application.allocating import Allocating
from service.application.intake import Intake, Reading
from service.application.ports import NewReceipt
from service.application.stocking import Stocking
from service.domain.facts import Fact, FactKind, OrderLine
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, a_fact
from tests.fakes import FakeClock, FakeIds, FakeStorage

CREATED = replace(a_fact(), lines=(OrderLine("A", 2), OrderLine("B", 1)))
PAID = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1)
ALLOCATED = a_fact(FactKind.STOCK_ALLOCATED, minute=2, source="warehouse")
SHIPPED = a_fact(FactKind.PARCEL_SHIPPED, minute=4)
CANCELLED = a_fact(FactKind.ORDER_CANCELLED, minute=3)
REFUNDED = a_fact(FactKind.REFUND_SUCCEEDED, minute=5)

# Where an hour before there were ten of each: what is left of A, and what of it is promised.
STORIES: dict[str, tuple[tuple[Fact, ...], tuple[int, int]]] = {
    "paid": ((CREATED, PAID), (10, 2)),
    "paid and allocated by the warehouse": ((CREATED, PAID, ALLOCATED), (10, 2)),
    "shipped": ((CREATED, PAID, ALLOCATED, SHIPPED), (8, 0)),
    "cancelled": ((CREATED, PAID, CANCELLED), (10, 0)),
    "refunded": ((CREATED, PAID, REFUNDED), (10, 0)),
    "shipped after the cancel": ((CREATED, PAID, CANCELLED, SHIPPED), (8, 0)),
    "all of it": ((CREATED, PAID, CANCELLED, SHIPPED, REFUNDED), (8, 0)),
    "never paid": ((CREATED, CANCELLED), (10, 0)),
}


class House:
    """Shelves, an order, and a clockwork that looks when it is told to."""

    def __init__(self) -> None:
        self.storage, self.ids = FakeStorage(), FakeIds()
        self.clock = FakeClock(NOON - timedelta(hours=1))
        self.count("A", 10)
        self.count("B", 10)
        self.clock.pass_time(timedelta(hours=2))
        self.clockwork = Allocating(
            self.storage,
            ProtobufEncoder(),
            self.clock,
            chance=lambda: 0.5,
            pause=lambda _seconds: None,
        )

    def count(self, sku: str, on_hand: int) -> None:
        self.storage.transact(lambda unit: Stocking(unit, self.clock()).count(sku, "bj1", on_hand))

    def tell(self, fact: Fact) -> None:
        intake = Intake(self.storage, ProtobufEncoder(), self.clock)
        receipt = NewReceipt(
            "douyin", self.ids(), "t", "douyin", b"{}", "", NOON, "", "127.0.0.1", ""
        )
        (taken,) = intake.submit([receipt])
        intake.apply([Reading(taken.receipt_id, (fact,))])

    def look(self) -> None:
        while self.clockwork.settle_due():
            pass

    @property
    def shelf(self) -> tuple[int, int]:
        stock = self.storage.tables.stock.stock["A", "bj1"]
        return stock.on_hand, stock.reserved


@pytest.mark.parametrize("looks", ["after each", "at the end"])
@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_arrival_leaves_the_same_on_the_shelves(story: str, looks: str) -> None:
    happened, end = STORIES[story]

    for arrival in permutations(happened):
        house = House()
        for fact in (*arrival, *arrival):
            house.tell(fact)
            if looks == "after each":
                house.look()
        house.look()

        assert house.shelf == end, [each.kind.value for each in arrival]
        standing = [
            each
            for each in house.storage.tables.stock.reservations.values()
            if each.released_at is None
        ]
        assert len(standing) <= 1


def test_of_a_crash_before_the_commit_nothing_is_left_and_the_lease_ends() -> None:
    house = House()
    for fact in (CREATED, PAID):
        house.tell(fact)
    now = house.clock()
    # Leased by somebody who then dies.
    house.storage.transact(
        lambda unit: unit.claim_stock_work(now, until=now + timedelta(seconds=60), most=9)
    )

    house.look()
    before = house.shelf
    house.clock.pass_time(timedelta(seconds=60))
    house.look()

    assert (before, house.shelf) == ((10, 0), (10, 2))
