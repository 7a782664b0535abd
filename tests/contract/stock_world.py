"""A warehouse of a test's own: articles, orders that want them, and the clockwork that serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from service.application.allocating import Allocating
from service.application.commands import Ask, Commands
from service.application.picking import Picking
from service.application.ports import Unit
from service.application.reading import CaseQuery
from service.application.stock_desk import Settled
from service.application.stocking import Stocking
from service.domain.cases import Case
from service.domain.facts import Fact, FactKind, OrderLine
from service.domain.order import Order
from service.domain.picking import PickList
from service.domain.stock import Reservation, Stock
from service.kafka.encoding import ProtobufEncoder
from tests.builders import a_fact, an_origin
from tests.contract.conftest import Store


@dataclass
class Warehouse:
    """Stock of this test's own articles: `sku("A")` is nobody else's A."""

    store: Store
    settled: Counter[Settled] = field(default_factory=Counter)
    pauses: list[float] = field(default_factory=list)
    # What happens while the clockwork waits for a lock.
    meanwhile: Callable[[], None] = lambda: None

    def sku(self, letter: str) -> str:
        return f"{self.store.name}-{letter}"

    @property
    def clockwork(self) -> Allocating:
        def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            self.meanwhile()

        return Allocating(
            self.store.storage,
            ProtobufEncoder(),
            self.store.clock,
            chance=lambda: 0.5,
            pause=pause,
            told=lambda settled: self.settled.update([settled]),
        )

    def settle(self) -> None:
        """Let the clockwork work until nothing is due."""
        while self.clockwork.settle_due():
            pass

    def count(self, letter: str, on_hand: int, warehouse: str = "bj1") -> Stock:
        return self.store.storage.transact(
            lambda unit: Stocking(unit, self.store.clock()).count(
                self.sku(letter), warehouse, on_hand
            )
        )

    def adjust(self, letter: str, delta: int, warehouse: str = "bj1") -> Stock:
        return self.store.storage.transact(
            lambda unit: Stocking(unit, self.store.clock()).adjust(
                self.sku(letter), warehouse, delta
            )
        )

    def stock(self, letter: str, warehouse: str = "bj1") -> tuple[int, int]:
        """Return what lies there, and what of it is reserved."""
        found = self.store.storage.transact(
            lambda unit: unit.lock_one_stock(self.sku(letter), warehouse)
        )
        return found.on_hand, found.reserved

    def facts(self, number: int, *kinds: FactKind, **asked: int) -> tuple[Fact, ...]:
        """Return facts of one order of these articles, a minute apart."""
        lines = tuple(OrderLine(self.sku(letter), count) for letter, count in asked.items())
        return tuple(
            replace(
                a_fact(
                    kind,
                    minute=minute,
                    fact_id=f"{self.store.name}-{number}-{kind.value.lower()}",
                    ref=self.store.ref(number),
                    channel=self.store.channel,
                ),
                lines=lines if kind is FactKind.ORDER_CREATED else (),
            )
            for minute, kind in enumerate(kinds)
        )

    def paid(self, number: int = 1, **asked: int) -> Order:
        """Tell of an order that is paid."""
        facts = self.facts(number, FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, **asked)
        self.store.tell(*facts)
        return self.order(number)

    def tell(self, kind: FactKind, number: int = 1, **given: object) -> None:
        """Tell what happened to an order since."""
        (fact,) = self.facts(number, kind)
        at = self.store.clock()
        self.store.tell(replace(fact, occurred_at=at, **given))  # type: ignore[arg-type]

    def order(self, number: int = 1) -> Order:
        return self.store.reader.order_by_ref(self.store.ref(number))

    def reservations(self, number: int = 1) -> list[Reservation]:
        order_id = self.order(number).order_id
        return self.store.storage.transact(lambda unit: unit.reservations(order_id))

    def lists(self, number: int = 1) -> list[PickList]:
        order_id = self.order(number).order_id
        return self.store.storage.transact(lambda unit: unit.lock_pick_lists(order_id))

    def is_queued(self, number: int = 1) -> bool:
        order_id = self.order(number).order_id
        return self.store.storage.transact(lambda unit: unit.stock_work(order_id)) is not None

    def cases(self, number: int = 1) -> list[Case]:
        query = CaseQuery(page_size=50, order_id=self.order(number).order_id, include_resolved=True)
        return list(self.store.reader.cases(query).rows)

    def pick(self, act: Callable[[Picking], PickList]) -> PickList:
        """Act on a pick list, as a picker would."""

        def work(unit: Unit) -> PickList:
            at = self.store.clock()
            commands = Commands(unit, ProtobufEncoder(), at)
            ask = Ask("", an_origin(), self.store.fresh(), source="warehouse")
            return act(Picking(unit, commands, ask, at))

        return self.store.storage.transact(work)
