"""Stock: what lies where, and how much of it is promised to orders."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, listed, unary
from clients.sdk.stock_plans import StockPlans
from concord.inventory.v1 import inventory_service_pb2 as api
from concord.inventory.v1.inventory_service_pb2_grpc import InventoryServiceStub


class StockFilter(TypedDict, total=False):
    """Which stock to list; all that are given must hold."""

    sku: str
    warehouse: str
    page_size: int
    page_token: str


class Inventory(StockPlans[M]):
    """`InventoryService`."""

    @unary
    def set_stock(
        self, sku: str, warehouse: str, on_hand: int, *, request_id: str = ""
    ) -> Call[api.Stock]:
        """Write down what was counted; from then on stock of the article is kept.

        Raises:
            StockReservedError: more is promised to orders.
        """
        request = api.SetStockRequest(
            sku=sku, warehouse=warehouse, on_hand=on_hand, request_id=request_id or self.ids()
        )
        return _call("SetStock", request)

    @unary
    def adjust_stock(
        self, sku: str, warehouse: str, delta: int, *, request_id: str = ""
    ) -> Call[api.Stock]:
        """Add pieces that came, or take away those that are gone.

        Raises:
            StockNotFoundError: no stock of it is kept there.
            StockReservedError: what would be left is promised to orders.
        """
        request = api.AdjustStockRequest(
            sku=sku, warehouse=warehouse, delta=delta, request_id=request_id or self.ids()
        )
        return _call("AdjustStock", request)

    @unary
    def get_stock(self, sku: str, warehouse: str) -> Call[api.Stock]:
        """Return the stock of one article in one warehouse.

        Raises:
            StockNotFoundError: no stock of it is kept there.
        """
        return _call("GetStock", api.GetStockRequest(sku=sku, warehouse=warehouse))

    @listed
    def list_stock(self, **where: Unpack[StockFilter]) -> Pages[api.Stock]:
        """Iterate over stock by article and warehouse."""
        return Pages(_call("ListStock", api.ListStockRequest(**where)), lambda page: page.stock)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(InventoryServiceStub, method, request)
