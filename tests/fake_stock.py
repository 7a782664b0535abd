"""Stock, its queue and pick lists in memory; `tests/contract/test_stock_storage.py` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.application.stock_ports import StockAsked, StockBusyError, StockWork
from service.domain.errors import PickListNotFoundError, StockNotFoundError
from service.domain.lifecycle import State
from service.domain.picking import PickList
from service.domain.stock import Reservation, Stock, needs
from tests.fake_rows import Table, Undo
from tests.fake_stock_plans import FakeStockPlans, PlanTables


@dataclass(slots=True)
class QueuedOrder:
    """An order whose stock must be looked at."""

    since: datetime
    due_at: datetime
    conflicts: int = 0
    waits_for: tuple[str, ...] = ()


class StockTables:
    """Everything that is stored of stock."""

    def __init__(self, undo: Undo) -> None:
        self.stock: Table[tuple[str, str], Stock] = Table(undo)
        self.kept_at: Table[tuple[str, str], datetime] = Table(undo)
        self.swept: Table[tuple[str, str], bool] = Table(undo)
        self.queue: Table[str, QueuedOrder] = Table(undo)
        self.reservations: Table[str, Reservation] = Table(undo)
        self.pick_lists: Table[str, PickList] = Table(undo)
        # How often a lock of an article is still taken by somebody else: theirs, not ours.
        self.taken: dict[str, int] = {}
        self.plans = PlanTables(undo)


class FakeStockUnit(FakeStockPlans):
    """Implements `service.application.stock_ports.StockPart` on tables in memory."""

    @property
    def _own(self) -> StockTables:
        own: StockTables = self.tables.stock
        return own

    def queue_stock(self, orders: Mapping[str, StockAsked], *, at: datetime) -> None:
        kept = {sku for sku, _ in self._own.stock}
        mapped = {channel for channel, _ in self._own.plans.mappings}
        for order_id, asked in orders.items():
            if asked.channel in mapped or set(asked.items) <= kept:
                self._own.queue.setdefault(order_id, QueuedOrder(at, at))
                queued = self._own.queue.change(order_id)
                queued.due_at = min(queued.due_at, at)

    def claim_stock_work(self, now: datetime, *, until: datetime, most: int) -> list[StockWork]:
        due = sorted(
            (each.due_at, each.since, order_id)
            for order_id, each in self._own.queue.items()
            if each.due_at <= now
        )[:most]
        for _, _, order_id in due:
            self._own.queue.change(order_id).due_at = until
        names = sorted((since, order_id) for _, since, order_id in due)
        return [work for _, name in names if (work := self.stock_work(name))]

    def stock_work(self, order_id: str) -> StockWork | None:
        queued = self._own.queue.get(order_id)
        own = sorted(ref for ref, owner in self.tables.refs.items() if owner == order_id)
        if queued is None or not own:
            return None
        return StockWork(order_id, own[0], queued.conflicts)

    def finish_stock_work(self, order_id: str) -> None:
        self._own.queue.pop(order_id, None)

    def put_off_stock_work(
        self, order_id: str, *, until: datetime, skus: Sequence[str] = (), conflicts: int = 0
    ) -> None:
        if order_id in self._own.queue:
            queued = self._own.queue.change(order_id)
            queued.due_at, queued.waits_for = until, tuple(skus)
            queued.conflicts += conflicts

    def wake_stock_work(self, skus: Sequence[str], *, at: datetime) -> None:
        for order_id, each in list(self._own.queue.items()):
            if set(each.waits_for) & set(skus):
                self._own.queue.change(order_id).due_at = min(each.due_at, at)

    def adopt_orders(self, item: str, *, at: datetime, channel: str = "") -> None:
        for order in self.tables.orders.values():
            waits = order.state in {State.PAID, State.AWAITING_OUTBOUND}
            if waits and item in needs(order.lines) and channel in {"", order.channel}:
                self._own.queue.setdefault(order.order_id, QueuedOrder(order.state_since, at))

    def claim_unswept(self, before: datetime, *, most: int) -> list[str]:
        found = [
            key
            for key, kept_at in sorted(self._own.kept_at.items(), key=lambda each: each[1])
            if kept_at < before and key not in self._own.swept
        ][:most]
        self._own.swept.update(dict.fromkeys(found, True))
        return sorted({sku for sku, _ in found})

    def lock_stock(self, skus: Sequence[str], *, wait: bool) -> list[Stock]:
        for sku in skus:
            if not wait and self._own.taken.get(sku, 0):
                self._own.taken[sku] -= 1
                raise StockBusyError
        return [each for key, each in sorted(self._own.stock.items()) if key[0] in skus]

    def lock_one_stock(self, sku: str, warehouse: str) -> Stock:
        if (sku, warehouse) not in self._own.stock:
            raise StockNotFoundError(sku=sku, warehouse=warehouse)
        return self._own.stock[sku, warehouse]

    def keep_stock(self, stock: Stock) -> Stock:
        key = stock.sku, stock.warehouse
        self._own.kept_at.setdefault(key, stock.counted_at)
        return self._own.stock.setdefault(key, stock)

    def save_stock(self, stocks: Sequence[Stock]) -> None:
        for each in stocks:
            assert 0 <= each.reserved <= each.on_hand, "what a CHECK refuses"
            self._own.stock[each.sku, each.warehouse] = each

    def reservations(self, order_id: str) -> list[Reservation]:
        return [each for each in self._own.reservations.values() if each.order_id == order_id]

    def save_reservation(self, reservation: Reservation) -> None:
        ordered = replace(reservation, parts=tuple(sorted(reservation.parts)))
        self._own.reservations[reservation.reservation_id] = ordered

    def lock_pick_lists(self, order_id: str) -> list[PickList]:
        found = [each for each in self._own.pick_lists.values() if each.order_id == order_id]
        return sorted(found, key=lambda each: each.pick_list_id)

    def save_pick_lists(self, lists: Sequence[PickList]) -> None:
        self._own.pick_lists.update({each.pick_list_id: each for each in lists})

    def order_of_pick_list(self, pick_list_id: str) -> str:
        if pick_list_id not in self._own.pick_lists:
            raise PickListNotFoundError(pick_list=pick_list_id)
        return self._own.pick_lists[pick_list_id].order_id
