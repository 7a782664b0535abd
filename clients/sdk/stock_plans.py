"""What stock is planned by: channels' names and shares, safety levels, purchase plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.inventory.v1 import inventory_service_pb2 as api
from concord.inventory.v1.channel_stock_pb2 import (
    Allocation,
    ChannelLevel,
    Oversale,
    SkuMapping,
    UnmappedSku,
)
from concord.inventory.v1.inventory_service_pb2_grpc import InventoryServiceStub
from concord.inventory.v1.planning_pb2 import Article, PurchasePlan


class OfChannel(TypedDict, total=False):
    """Of which channel to list."""

    channel: str
    page_size: int
    page_token: str


class MappingFilter(OfChannel, total=False):
    """Which mappings to list; all that are given must hold."""

    sku: str


class OfArticle(TypedDict, total=False):
    """Of which article to list."""

    sku: str
    page_size: int
    page_token: str


class ArticleFilter(OfArticle, total=False):
    """Which articles to list; all that are given must hold."""

    is_red: bool


class PlanFilter(OfArticle, total=False):
    """Which plans to list; all that are given must hold."""

    state: PurchasePlan.State.ValueType


class StockPlans(SubClient[M]):
    """The part of `InventoryService` that plans."""

    @unary
    def set_sku_mapping(
        self, channel: str, channel_sku: str, parts: Mapping[str, int], *, request_id: str = ""
    ) -> Call[SkuMapping]:
        """Say of which articles a channel's item consists: `{"SKU-1": 2}` is two of one.

        From its first mapping on a channel's items are known by their mappings.
        """
        request = api.SetSkuMappingRequest(
            channel=channel,
            channel_sku=channel_sku,
            parts=[SkuMapping.Part(sku=sku, quantity=count) for sku, count in parts.items()],
            request_id=request_id or self.ids(),
        )
        return _call("SetSkuMapping", request)

    @unary
    def delete_sku_mapping(
        self, channel: str, channel_sku: str, *, request_id: str = ""
    ) -> Call[SkuMapping]:
        """Forget of which articles a channel's item consists; returns what was known.

        Raises:
            SkuMappingNotFoundError: nobody said it.
        """
        request = api.DeleteSkuMappingRequest(
            channel=channel, channel_sku=channel_sku, request_id=request_id or self.ids()
        )
        return _call("DeleteSkuMapping", request)

    @listed
    def list_sku_mappings(self, **where: Unpack[MappingFilter]) -> Pages[SkuMapping]:
        """Iterate over mappings by channel and item."""
        request = api.ListSkuMappingsRequest(**where)
        return Pages(_call("ListSkuMappings", request), lambda page: page.mappings)

    @listed
    def list_unmapped_skus(self, **where: Unpack[OfChannel]) -> Pages[UnmappedSku]:
        """Iterate over items that orders name and that no mapping explains."""
        request = api.ListUnmappedSkusRequest(**where)
        return Pages(_call("ListUnmappedSkus", request), lambda page: page.unmapped)

    @unary
    def set_safety_level(
        self, sku: str, safety_level: int, *, owner_role: str = "", request_id: str = ""
    ) -> Call[Article]:
        """Say below which number of free pieces somebody must act; 0 ends it."""
        request = api.SetSafetyLevelRequest(
            sku=sku,
            safety_level=safety_level,
            owner_role=owner_role,
            request_id=request_id or self.ids(),
        )
        return _call("SetSafetyLevel", request)

    @listed
    def list_articles(self, **where: Unpack[ArticleFilter]) -> Pages[Article]:
        """Iterate over articles that have a safety level, by name."""
        request = api.ListArticlesRequest(**where)
        return Pages(_call("ListArticles", request), lambda page: page.articles)

    @unary
    def create_purchase_plan(
        self, plan: PurchasePlan, *, request_id: str = ""
    ) -> Call[PurchasePlan]:
        """Write down what is to come: sku, warehouse, quantity, expected_time, perhaps note."""
        request = api.CreatePurchasePlanRequest(plan=plan, request_id=request_id or self.ids())
        return _call("CreatePurchasePlan", request)

    @unary
    def get_purchase_plan(self, name: str) -> Call[PurchasePlan]:
        """Return a plan.

        Raises:
            PurchasePlanNotFoundError: there is none.
        """
        return _call("GetPurchasePlan", api.GetPurchasePlanRequest(name=_plan(name)))

    @listed
    def list_purchase_plans(self, **where: Unpack[PlanFilter]) -> Pages[PurchasePlan]:
        """Iterate over plans, the next to come first."""
        request = api.ListPurchasePlansRequest(**where)
        return Pages(_call("ListPurchasePlans", request), lambda page: page.plans)

    @unary
    def receive_purchase_plan(
        self, name: str, *, received: int = 0, request_id: str = ""
    ) -> Call[PurchasePlan]:
        """PLANNED → RECEIVED: its pieces, or as many as `received`, are added to the stock.

        Raises:
            PurchasePlanNotFoundError: there is none.
            PurchasePlanClosedError: it came already, or was dropped.
        """
        request = api.ReceivePurchasePlanRequest(
            name=_plan(name), received=received, request_id=request_id or self.ids()
        )
        return _call("ReceivePurchasePlan", request)

    @unary
    def drop_purchase_plan(self, name: str, *, request_id: str = "") -> Call[PurchasePlan]:
        """PLANNED → DROPPED: it will not come.

        Raises:
            PurchasePlanNotFoundError: there is none.
            PurchasePlanClosedError: it came already, or was dropped.
        """
        request = api.DropPurchasePlanRequest(name=_plan(name), request_id=request_id or self.ids())
        return _call("DropPurchasePlan", request)

    @unary
    def set_allocation(
        self, sku: str, percents: Mapping[str, int], *, request_id: str = ""
    ) -> Call[Allocation]:
        """Divide an article among channels from now on: `{"douyin": 40, "jd": 30}`.

        What is left to 100 is for all others together; `{}` lets all channels have one pool again.
        """
        shares = [
            Allocation.Share(channel=channel, percent=percent)
            for channel, percent in percents.items()
        ]
        request = api.SetAllocationRequest(
            sku=sku, shares=shares, request_id=request_id or self.ids()
        )
        return _call("SetAllocation", request)

    @unary
    def get_allocation(self, sku: str) -> Call[Allocation]:
        """Return how an article is divided; without shares where all channels have one pool."""
        return _call("GetAllocation", api.GetAllocationRequest(sku=sku))

    @unary
    def get_channel_level(self, channel: str, channel_sku: str) -> Call[ChannelLevel]:
        """Return what a channel may still sell of an item; `sellable` is unset where nobody knows.

        Raises:
            SkuMappingNotFoundError: neither a mapping nor stock of that name is known.
        """
        request = api.GetChannelLevelRequest(channel=channel, channel_sku=channel_sku)
        return _call("GetChannelLevel", request)

    @listed
    def list_channel_levels(
        self, channel: str, *, sku: str = "", page_size: int = 0, page_token: str = ""
    ) -> Pages[ChannelLevel]:
        """Iterate over what a channel may still sell of each of its items."""
        request = api.ListChannelLevelsRequest(
            channel=channel, sku=sku, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListChannelLevels", request), lambda page: page.levels)

    @listed
    def list_oversales(self, **where: Unpack[OfArticle]) -> Pages[Oversale]:
        """Iterate over what late orders sold of articles that were gone, newest first."""
        request = api.ListOversalesRequest(**where)
        return Pages(_call("ListOversales", request), lambda page: page.oversales)


def _plan(name: str) -> str:
    return resource("purchasePlans", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(InventoryServiceStub, method, request)
