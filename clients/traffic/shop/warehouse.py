"""The shop's warehouse: has stock of its articles, picks what Concord lists, and sends parcels.

Its articles are its own, as Concord keeps stock of what was counted alone: those of the other
traffic are allocated by that traffic's own word.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from clients.sdk.errors import OutageError, RefusalError
from clients.traffic.purchases import CATALOGUE, Purchase

WAREHOUSE: Final = "shop"

# A year of three pieces a second: it never runs out.
ON_HAND: Final = 100_000_000

# As many as one person takes at once; more come with the next round, a second later.
ROUND: Final = 10


class Client(Protocol):
    """What of `Concord` a warehouse needs."""

    inventory: Any
    fulfilment: Any
    orders: Any


def own_articles(order: Purchase) -> Purchase:
    """Return the order with articles of this warehouse alone."""
    lines = tuple(replace(line, sku=own_article(line.sku)) for line in order.lines)
    return replace(order, lines=lines)


def own_article(sku: str) -> str:
    """Return how the shop calls an article of the catalogue."""
    return f"SHOP-{sku}"


@dataclass(slots=True)
class Warehouse:
    """One warehouse, and how many parcels left it."""

    client: Client
    is_counted: bool = False
    sent: int = 0
    refused: set[str] = field(default_factory=set)
    """Lists that Concord would not have done, or whose parcel it would not let go."""

    def work(self) -> None:
        """Count the stock if that was not done, then pick and send a round; outages wait."""
        try:
            if not self.is_counted:
                self._count()
            self._pick()
        except OutageError:
            return

    def _count(self) -> None:
        for sku, _ in CATALOGUE:
            self.client.inventory.set_stock(own_article(sku), WAREHOUSE, ON_HAND)
        self.is_counted = True

    def _pick(self) -> None:
        found = self.client.fulfilment.list_pick_lists(warehouse=WAREHOUSE)
        waiting = (each for each in found if each.name not in self.refused)
        for each in itertools.islice(waiting, ROUND):
            try:
                self.client.fulfilment.complete_pick_list(each.name)
                # A waybill of the carrier's, one for each list.
                voucher = f"SF{each.name.rpartition('-')[2].upper()}"
                self.client.orders.ship(each.order, voucher=voucher)
                self.sent += 1
            except RefusalError:
                # On hold, cancelled, or taken back while it was picked: Concord knows best.
                self.refused.add(each.name)
