"""Counts and corrects stock; orders that wait for it are looked at next."""

from dataclasses import dataclass, replace
from datetime import datetime

from service.application.ports import Unit
from service.domain.errors import StockReservedError
from service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class Stocking:
    """Keeps stock within one transaction."""

    unit: Unit
    at: datetime

    def count(self, sku: str, warehouse: str, on_hand: int) -> Stock:
        """Write down what lies there; or raise `StockReservedError`."""
        fresh = Stock(sku, warehouse, on_hand=0, reserved=0, counted_at=self.at, updated_at=self.at)
        there = self.unit.keep_stock(fresh)
        counted = replace(there.moved(on_hand=on_hand - there.on_hand, at=self.at))
        stock = self._save(replace(counted, counted_at=self.at))
        # Whatever is older than the article's first count has been waiting for a warehouse.
        if there.version == fresh.version:
            adopt(self.unit, sku, at=self.at)
        return stock

    def receive(self, sku: str, warehouse: str, pieces: int) -> Stock:
        """Add pieces that came; from then on stock of the article is kept there."""
        fresh = Stock(sku, warehouse, on_hand=0, reserved=0, counted_at=self.at, updated_at=self.at)
        there = self.unit.keep_stock(fresh)
        stock = self._save(there.moved(on_hand=pieces, at=self.at))
        if there.version == fresh.version:
            adopt(self.unit, sku, at=self.at)
        return stock

    def adjust(self, sku: str, warehouse: str, delta: int) -> Stock:
        """Add or take away pieces; or raise `StockNotFoundError`, `StockReservedError`."""
        there = self.unit.lock_one_stock(sku, warehouse)
        return self._save(there.moved(on_hand=delta, at=self.at))

    def _save(self, stock: Stock) -> Stock:
        if stock.on_hand < stock.reserved:
            raise StockReservedError(
                sku=stock.sku, warehouse=stock.warehouse, reserved=stock.reserved
            )
        self.unit.save_stock([stock])
        self.unit.wake_stock_work([stock.sku], at=self.at)
        return stock


def adopt(unit: Unit, sku: str, *, at: datetime) -> None:
    """Let orders be looked at that were paid before stock of the article was kept."""
    unit.adopt_orders(sku, at=at)
    for channel, item in unit.mappings_with(sku):
        if item != sku:
            unit.adopt_orders(item, at=at, channel=channel)
