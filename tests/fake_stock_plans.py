"""What stock is planned by, in memory; `tests/contract/test_stock_planning.py` holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.domain.stock_errors import PurchasePlanNotFoundError, SkuMappingNotFoundError
from service.domain.stock_late import GATHERED_FOR, TOLD_EVERY, Oversale, Oversold
from service.domain.stock_levels import Shelves
from service.domain.stock_names import Names, SkuMapping, UnmappedSku
from service.domain.stock_plans import Article, PurchasePlan, Supply, is_red, soon
from service.domain.stock_shares import Allocation
from tests.fake_rows import Table, Undo

if TYPE_CHECKING:
    from tests.fake_stock import StockTables


class PlanTables:
    """Everything that is stored of planning."""

    def __init__(self, undo: Undo) -> None:
        self.mappings: Table[tuple[str, str], SkuMapping] = Table(undo)
        self.unmapped: Table[tuple[str, str], UnmappedSku] = Table(undo)
        self.articles: Table[str, Article] = Table(undo)
        self.plans: Table[str, PurchasePlan] = Table(undo)
        self.allocations: Table[str, Allocation] = Table(undo)
        self.oversold: Table[tuple[str, str], Oversold] = Table(undo)


class FakeStockPlans:
    """Implements `service.application.stock_plan_ports.StockPlanPart` on tables in memory."""

    tables: Any

    @property
    def _stock(self) -> StockTables:
        own: StockTables = self.tables.stock
        return own

    @property
    def _plans(self) -> PlanTables:
        return self._stock.plans

    def lock_names(self, channel: str) -> None:
        """Nobody else is there."""

    def sku_names(self, channel: str, items: Sequence[str]) -> Names:
        mappings = self._plans.mappings
        return Names(
            any(name == channel for name, _ in mappings),
            {each: mappings[channel, each].parts for each in items if (channel, each) in mappings},
            frozenset(sku for sku, _ in self._stock.stock if sku in items),
        )

    def set_mapping(self, mapping: SkuMapping) -> None:
        self._plans.mappings[mapping.channel, mapping.channel_sku] = mapping

    def drop_mapping(self, channel: str, channel_sku: str) -> SkuMapping:
        found = self._plans.mappings.pop((channel, channel_sku), None)
        if found is None:
            raise SkuMappingNotFoundError(channel=channel, channel_sku=channel_sku)
        dropped: SkuMapping = found
        return dropped

    def mappings_with(self, sku: str) -> list[tuple[str, str]]:
        return sorted(key for key, each in self._plans.mappings.items() if sku in dict(each.parts))

    def unmapped(self, channel: str, channel_sku: str) -> UnmappedSku | None:
        return self._plans.unmapped.get((channel, channel_sku))

    def keep_unmapped(self, unmapped: UnmappedSku) -> None:
        self._plans.unmapped[unmapped.channel, unmapped.channel_sku] = unmapped

    def end_unmapped(self, channel: str, channel_sku: str) -> None:
        self._plans.unmapped.pop((channel, channel_sku), None)

    def lock_article(self, sku: str) -> Article | None:
        return self._plans.articles.get(sku)

    def keep_article(self, article: Article) -> None:
        self._plans.articles[article.sku] = article

    def supply(self, skus: Sequence[str], *, at: datetime) -> dict[str, Supply]:
        plans = self._plans.plans.values()
        return {
            sku: Supply(
                sum(each.available for (name, _), each in self._stock.stock.items() if name == sku),
                soon([each for each in plans if each.sku == sku], at=at),
            )
            for sku in skus
        }

    def turned_articles(self, at: datetime, *, most: int) -> list[tuple[Article, Supply]]:
        supply = self.supply(list(self._plans.articles), at=at)
        return [
            (each, supply[sku])
            for sku, each in sorted(self._plans.articles.items())
            if is_red(each, supply[sku]) is not (each.red_since is not None)
        ][:most]

    def add_plan(self, plan: PurchasePlan) -> None:
        self._plans.plans[plan.plan_id] = plan

    def lock_plan(self, plan_id: str) -> PurchasePlan:
        if plan_id not in self._plans.plans:
            raise PurchasePlanNotFoundError(purchase_plan=plan_id)
        return self._plans.plans[plan_id]

    def save_plan(self, plan: PurchasePlan) -> None:
        self._plans.plans[plan.plan_id] = plan

    def lock_allocations(self, skus: Sequence[str]) -> list[Allocation]:
        return [each for sku, each in sorted(self._plans.allocations.items()) if sku in skus]

    def keep_allocations(self, allocations: Sequence[Allocation]) -> None:
        self._plans.allocations.update({each.sku: each for each in allocations})

    def end_allocation(self, sku: str) -> None:
        self._plans.allocations.pop(sku, None)

    def held_by_channel(self, sku: str) -> dict[str, int]:
        held: dict[str, int] = {}
        for channel, each, quantity in self._parts(sku):
            if each:
                held[channel] = held.get(channel, 0) + quantity
        return held

    def selling(self, sku: str) -> list[str]:
        divided = self._plans.allocations.get(sku)
        return sorted(
            {
                *(channel for channel, _ in self.mappings_with(sku)),
                *(share.channel for share in (divided.shares if divided else ()) if share.channel),
                *(channel for channel, _, _ in self._parts(sku)),
            }
        )

    def shelves(self, skus: Sequence[str]) -> dict[str, Shelves]:
        kept = [each for (sku, _), each in self._stock.stock.items() if sku in skus]
        return {
            sku: Shelves(
                sum(each.on_hand for each in kept if each.sku == sku),
                sum(each.available for each in kept if each.sku == sku),
            )
            for sku in sorted({each.sku for each in kept})
        }

    def feed_owners(self, channel: str) -> list[str]:
        feeds = self.tables.channels.feeds.values()
        return sorted({each.owner for each in feeds if each.channel == channel})

    def keep_oversold(self, oversold: Sequence[Oversold]) -> None:
        for each in oversold:
            self._plans.oversold.setdefault((each.order_id, each.sku), each)

    def tell_oversales(self, at: datetime, *, most: int) -> list[Oversale]:
        groups: dict[tuple[str, str], list[Oversold]] = {}
        told = set()
        for each in self._plans.oversold.values():
            key = each.sku, each.channel
            if each.told_at is None:
                groups.setdefault(key, []).append(each)
            elif each.told_at > at - TOLD_EVERY:
                told.add(key)
        due = [
            sorted(group, key=lambda each: (each.found_at, each.case_id))
            for key, group in groups.items()
            if key not in told and min(each.found_at for each in group) <= at - GATHERED_FOR
        ]
        due.sort(key=lambda group: (group[0].found_at, group[0].sku, group[0].channel))
        return [self._told(group, at) for group in due[:most]]

    def _told(self, group: Sequence[Oversold], at: datetime) -> Oversale:
        for each in group:
            self._plans.oversold[each.order_id, each.sku] = replace(each, told_at=at)
        return Oversale(
            sku=group[0].sku,
            channel=group[0].channel,
            orders=len(group),
            pieces=sum(each.pieces for each in group),
            late=max(each.late for each in group),
            found_at=group[0].found_at,
            told_at=at,
            cases=tuple(each.case_id for each in group[:20]),
        )

    def _parts(self, sku: str) -> list[tuple[str, bool, int]]:
        return [
            (self.tables.orders[each.order_id].channel, each.is_held, part.quantity)
            for each in self._stock.reservations.values()
            for part in each.parts
            if part.sku == sku
        ]
