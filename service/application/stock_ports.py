"""What stock and pick lists need within a transaction, as a Protocol of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from service.application.stock_plan_ports import StockPlanPart
from service.domain.facts import OrderRef
from service.domain.picking import PickList
from service.domain.stock import Reservation, Stock


class StockBusyError(Exception):
    """Somebody else holds a stock row; the transaction can go on without it."""


@dataclass(frozen=True, slots=True)
class StockWork:
    """An order whose stock must be looked at, and how often that met a lock."""

    order_id: str
    # A name that is the order's own: references are locked before orders. It may go by others
    # that another order was first to have.
    ref: OrderRef
    conflicts: int


class StockAsked(NamedTuple):
    """What an order names, in the words of its channel."""

    channel: str
    items: tuple[str, ...]


class StockPart(StockPlanPart, Protocol):
    """The part of a transaction that knows stock.

    Locks come after those of references and orders: stock rows, sorted by article and warehouse,
    then rows of the queue and pick lists.
    """

    def queue_stock(self, orders: Mapping[str, StockAsked], *, at: datetime) -> None:
        """Let the stock of orders be looked at, given what each names.

        Where the channel has no names of its own, orders with an article of which no stock is kept
        are left alone.
        """

    def claim_stock_work(self, now: datetime, *, until: datetime, most: int) -> list[StockWork]:
        """Return orders that are due, longest waiting first; nobody else gets them `until`."""

    def stock_work(self, order_id: str) -> StockWork | None:
        """Return what waits for an order; None when somebody has dealt with it."""

    def finish_stock_work(self, order_id: str) -> None:
        """Take an order off the queue."""

    def put_off_stock_work(
        self, order_id: str, *, until: datetime, skus: Sequence[str] = (), conflicts: int = 0
    ) -> None:
        """Look at an order later; sooner, should stock of these articles come."""

    def lock_stock(self, skus: Sequence[str], *, wait: bool) -> list[Stock]:
        """Lock and return all stock of articles.

        Raises:
            StockBusyError: somebody else holds a row, and we do not wait.
        """

    def lock_one_stock(self, sku: str, warehouse: str) -> Stock:
        """Lock and return stock, or raise `StockNotFoundError`."""

    def keep_stock(self, stock: Stock) -> Stock:
        """Begin to keep stock where none is kept; return what is there, locked."""

    def save_stock(self, stocks: Sequence[Stock]) -> None:
        """Store changed stock."""

    def wake_stock_work(self, skus: Sequence[str], *, at: datetime) -> None:
        """Let orders that wait for articles be looked at."""

    def adopt_orders(self, item: str, *, at: datetime, channel: str = "") -> None:
        """Let paid orders be looked at that name an item; of one channel, or of all."""

    def claim_unswept(self, before: datetime, *, most: int) -> list[str]:
        """Return articles of which stock has been kept since `before`, each once ever."""

    def reservations(self, order_id: str) -> list[Reservation]:
        """Return everything that was ever set aside for an order, oldest first."""

    def save_reservation(self, reservation: Reservation) -> None:
        """Store a reservation, or what became of it."""

    def lock_pick_lists(self, order_id: str) -> list[PickList]:
        """Lock and return the pick lists of an order, with their lines."""

    def save_pick_lists(self, lists: Sequence[PickList]) -> None:
        """Store pick lists, or what became of them."""

    def order_of_pick_list(self, pick_list_id: str) -> str:
        """Return whose a pick list is, or raise `PickListNotFoundError`."""
