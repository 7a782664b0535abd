"""What callers may read of stock and pick lists."""

from dataclasses import dataclass
from typing import Protocol

from service.application.reading import Page
from service.domain.picking import PickList, PickState
from service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class StockQuery:
    """Which stock to list."""

    page_size: int
    page_token: str = ""
    sku: str = ""
    warehouse: str = ""


@dataclass(frozen=True, slots=True)
class PickQuery:
    """Which pick lists to list; no states mean all."""

    page_size: int
    page_token: str = ""
    order_id: str = ""
    warehouse: str = ""
    states: tuple[PickState, ...] = ()


class StockReader(Protocol):
    """Reads stock and pick lists, without locks."""

    def stock(self, sku: str, warehouse: str) -> Stock:
        """Return stock, or raise `StockNotFoundError`."""

    def stocks(self, query: StockQuery) -> Page[Stock]:
        """List stock by article and warehouse; or raise `CursorInvalidError`."""

    def pick_list(self, pick_list_id: str) -> PickList:
        """Return a pick list with its lines, or raise `PickListNotFoundError`."""

    def pick_lists(self, query: PickQuery) -> Page[PickList]:
        """List pick lists without lines, oldest first; or raise `CursorInvalidError`."""
