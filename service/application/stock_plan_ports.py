"""What planning stock needs within a transaction and for callers, as Protocols of plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.application.pages import Page
from service.domain.stock_late import Oversale, Oversold
from service.domain.stock_levels import Level, Shelves
from service.domain.stock_names import Names, SkuMapping, UnmappedSku
from service.domain.stock_plans import Article, PlanState, PurchasePlan, Supply
from service.domain.stock_shares import Allocation


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """What of planning to list; each list looks at what concerns it."""

    page_size: int
    page_token: str = ""
    channel: str = ""
    sku: str = ""
    is_red: bool = False
    state: PlanState | None = None


class StockPlanPart(Protocol):
    """The part of a transaction that knows what stock is planned by.

    Names are locked before rows of the queue; shares after the stock of their article.
    """

    def lock_names(self, channel: str) -> None:
        """Let nobody else change what a channel's items are, or find that one is unmapped."""

    def sku_names(self, channel: str, items: Sequence[str]) -> Names:
        """Return what is known of a channel's items."""

    def set_mapping(self, mapping: SkuMapping) -> None:
        """Store of which articles an item consists, instead of what was stored."""

    def drop_mapping(self, channel: str, channel_sku: str) -> SkuMapping:
        """Delete and return a mapping, or raise `SkuMappingNotFoundError`."""

    def mappings_with(self, sku: str) -> list[tuple[str, str]]:
        """Return (channel, item) of all that have an article in it."""

    def unmapped(self, channel: str, channel_sku: str) -> UnmappedSku | None:
        """Return what was found unmapped, or None."""

    def keep_unmapped(self, unmapped: UnmappedSku) -> None:
        """Store that an item is unmapped, and which case tells of it."""

    def end_unmapped(self, channel: str, channel_sku: str) -> None:
        """Forget that an item was unmapped."""

    def lock_article(self, sku: str) -> Article | None:
        """Lock and return an article; None where nobody looks after it."""

    def keep_article(self, article: Article) -> None:
        """Store an article."""

    def supply(self, skus: Sequence[str], *, at: datetime) -> dict[str, Supply]:
        """Return what is free of articles, and what is planned to come soon."""

    def turned_articles(self, at: datetime, *, most: int) -> list[tuple[Article, Supply]]:
        """Lock and return articles whose flag is not as it should be; passes over locked ones."""

    def add_plan(self, plan: PurchasePlan) -> None:
        """Store a fresh plan."""

    def lock_plan(self, plan_id: str) -> PurchasePlan:
        """Lock and return a plan, or raise `PurchasePlanNotFoundError`."""

    def save_plan(self, plan: PurchasePlan) -> None:
        """Store what became of a (locked) plan."""

    def lock_allocations(self, skus: Sequence[str]) -> list[Allocation]:
        """Lock and return how articles are divided; those with one pool are not among them."""

    def keep_allocations(self, allocations: Sequence[Allocation]) -> None:
        """Store how articles are divided, instead of what was stored."""

    def end_allocation(self, sku: str) -> None:
        """Let all channels have an article from one pool."""

    def held_by_channel(self, sku: str) -> dict[str, int]:
        """Return how many pieces of an article orders of each channel hold."""

    def selling(self, sku: str) -> list[str]:
        """Return the channels that sell an article, as far as is known."""

    def shelves(self, skus: Sequence[str]) -> dict[str, Shelves]:
        """Return what lies of articles, unlocked; those that are not kept are not among them."""

    def feed_owners(self, channel: str) -> list[str]:
        """Return the roles that own a channel's feeds, by name."""

    def keep_oversold(self, oversold: Sequence[Oversold]) -> None:
        """Store what late orders lack, each article of an order once ever."""

    def tell_oversales(self, at: datetime, *, most: int) -> list[Oversale]:
        """Mark as told, and return, oversales of which somebody should be told by now."""


class StockPlanReader(Protocol):
    """Reads what stock is planned by, without locks; lists may raise `CursorInvalidError`."""

    def mappings(self, query: PlanQuery) -> Page[SkuMapping]:
        """List mappings by channel and item."""

    def unmapped_skus(self, query: PlanQuery) -> Page[tuple[UnmappedSku, int]]:
        """List unmapped items by channel and item, with how many orders wait for each."""

    def articles(self, query: PlanQuery, *, at: datetime) -> Page[tuple[Article, Supply]]:
        """List articles with a safety level by name."""

    def plans(self, query: PlanQuery) -> Page[PurchasePlan]:
        """List plans, the next to come first."""

    def plan(self, plan_id: str) -> PurchasePlan:
        """Return a plan, or raise `PurchasePlanNotFoundError`."""

    def allocation(self, sku: str) -> tuple[Allocation | None, Shelves]:
        """Return how an article is divided, and what lies of it."""

    def level(self, channel: str, channel_sku: str) -> Level:
        """Return what a channel may still sell of an item, or raise `SkuMappingNotFoundError`."""

    def levels(self, query: PlanQuery) -> Page[Level]:
        """List what a channel may still sell of its items, by item."""

    def oversales(self, query: PlanQuery) -> Page[Oversale]:
        """List oversales, newest first."""
