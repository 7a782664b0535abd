"""What people say of stock: what items are, how much is safe, what is to come, who may have it.

Orders that this concerns are looked at next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.application.ports import Unit
from service.application.stocking import Stocking
from service.domain.stock_levels import Shelves
from service.domain.stock_names import SkuMapping, waits_for_mapping
from service.domain.stock_plans import OWNER, Article, PurchasePlan, Supply
from service.domain.stock_shares import Allocation, divided


@dataclass(frozen=True, slots=True)
class StockPlanning:
    """Plans stock within one transaction."""

    unit: Unit
    at: datetime

    def set_mapping(
        self, channel: str, channel_sku: str, parts: tuple[tuple[str, int], ...]
    ) -> SkuMapping:
        """Say of which articles an item consists; whoever waits for that is looked at."""
        mapping = SkuMapping(channel, channel_sku, tuple(sorted(parts)), self.at)
        self.unit.lock_names(channel)
        self.unit.set_mapping(mapping)
        self.unit.end_unmapped(channel, channel_sku)
        self.unit.wake_stock_work([waits_for_mapping(channel, channel_sku)], at=self.at)
        # Orders that were left to the warehouse, because nobody knew what they ask for.
        self.unit.adopt_orders(channel_sku, at=self.at, channel=channel)
        return mapping

    def drop_mapping(self, channel: str, channel_sku: str) -> SkuMapping:
        """Forget what an item consists of; or raise `SkuMappingNotFoundError`."""
        self.unit.lock_names(channel)
        return self.unit.drop_mapping(channel, channel_sku)

    def set_safety_level(self, sku: str, level: int, owner_role: str) -> tuple[Article, Supply]:
        """Say below which number of free pieces somebody must act."""
        before = self.unit.lock_article(sku)
        article = Article(
            sku,
            level,
            owner_role or (before.owner_role if before else OWNER),
            self.at,
            before.red_since if before else None,
        )
        self.unit.keep_article(article)
        return article, self.unit.supply([sku], at=self.at)[sku]

    def add_plan(self, plan: PurchasePlan) -> PurchasePlan:
        """Write down what is to come."""
        self.unit.add_plan(plan)
        return plan

    def receive_plan(self, plan_id: str, pieces: int = 0) -> PurchasePlan:
        """Add what came to the stock.

        Raises:
            PurchasePlanNotFoundError: there is no such plan.
            PurchasePlanClosedError: it came already, or was dropped.
        """
        plan = self.unit.lock_plan(plan_id)
        received = plan.receive(pieces or plan.quantity, at=self.at)
        self.unit.save_plan(received)
        Stocking(self.unit, self.at).receive(plan.sku, plan.warehouse, received.received)
        return received

    def drop_plan(self, plan_id: str) -> PurchasePlan:
        """Write down that nothing comes of a plan; refused as `receive_plan` is."""
        dropped = self.unit.lock_plan(plan_id).drop(at=self.at)
        self.unit.save_plan(dropped)
        return dropped

    def allocate(self, sku: str, percents: Mapping[str, int]) -> tuple[Allocation | None, Shelves]:
        """Divide an article from now on; without shares, all channels have it from one pool.

        Nobody reserves of it meanwhile: whoever does locks its stock, too.
        """
        stocks = self.unit.lock_stock([sku], wait=True)
        allocation = None
        if percents:
            held = self.unit.held_by_channel(sku)
            allocation = divided(sku, percents, held, at=self.at)
            self.unit.keep_allocations([allocation])
        else:
            self.unit.end_allocation(sku)
        self.unit.wake_stock_work([sku], at=self.at)
        there = Shelves(
            sum(each.on_hand for each in stocks), sum(each.available for each in stocks)
        )
        return allocation, there
