"""Serves `InventoryService`: stock, counted and corrected; planning is in `stock_planning`."""

import grpc

from concord.inventory.v1 import inventory_service_pb2 as pb
from concord.inventory.v1 import inventory_service_pb2_grpc
from service.application.ports import Clock
from service.application.stock_plan_ports import StockPlanReader
from service.application.stock_reading import StockQuery, StockReader
from service.application.stocking import Stocking
from service.domain.stock import Stock
from service.rpc.calling import Mutations, Work
from service.rpc.stock_planning import NamesServing, SupplyServing
from service.rpc.stock_requests import PAGE_SIZE, PAGE_SIZE_MAX, PIECES_MAX
from service.rpc.violations import Violations
from service.wire import timestamp


class InventoryServicer(
    NamesServing, SupplyServing, inventory_service_pb2_grpc.InventoryServiceServicer
):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(
        self, mutations: Mutations, reader: StockReader, plans: StockPlanReader, clock: Clock
    ) -> None:
        """Take the use cases."""
        self._mutations = mutations
        self._reader = reader
        self._plans = plans
        self._clock = clock

    def SetStock(self, request: pb.SetStockRequest, context: grpc.ServicerContext) -> pb.Stock:
        """Write down what was counted."""

        def work(tools: Work) -> pb.Stock:
            read = Violations()
            sku, warehouse = _place(request, read)
            if not 0 <= request.on_hand <= PIECES_MAX:
                read.add("on_hand", f"send 0 to {PIECES_MAX}")
            read.refuse()
            stocking = Stocking(tools.unit, tools.at)
            return stock_message(stocking.count(sku, warehouse, request.on_hand))

        return self._mutations.run(request, context, pb.Stock, work)

    def AdjustStock(
        self, request: pb.AdjustStockRequest, context: grpc.ServicerContext
    ) -> pb.Stock:
        """Add what came, or take away what is gone."""

        def work(tools: Work) -> pb.Stock:
            read = Violations()
            sku, warehouse = _place(request, read)
            if not request.delta or abs(request.delta) > PIECES_MAX:
                read.add("delta", f"send -{PIECES_MAX} to {PIECES_MAX}, and not 0")
            read.refuse()
            stocking = Stocking(tools.unit, tools.at)
            return stock_message(stocking.adjust(sku, warehouse, request.delta))

        return self._mutations.run(request, context, pb.Stock, work)

    def GetStock(self, request: pb.GetStockRequest, context: grpc.ServicerContext) -> pb.Stock:
        """Return the stock of one article in one warehouse."""
        read = Violations()
        sku, warehouse = _place(request, read)
        read.refuse()
        return stock_message(self._reader.stock(sku, warehouse))

    def ListStock(
        self, request: pb.ListStockRequest, context: grpc.ServicerContext
    ) -> pb.ListStockResponse:
        """List stock by article and warehouse."""
        read = Violations()
        query = StockQuery(
            page_size=read.number(
                "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
            ),
            page_token=request.page_token,
            sku=read.text("sku", request.sku),
            warehouse=read.word("warehouse", request.warehouse, needed=False),
        )
        read.refuse()
        page = self._reader.stocks(query)
        return pb.ListStockResponse(
            stock=[stock_message(each) for each in page.rows], next_page_token=page.next_token
        )


def stock_message(stock: Stock) -> pb.Stock:
    """Return stock."""
    return pb.Stock(
        sku=stock.sku,
        warehouse=stock.warehouse,
        on_hand=stock.on_hand,
        reserved=stock.reserved,
        available=stock.available,
        count_time=timestamp(stock.counted_at),
        update_time=timestamp(stock.updated_at),
        etag=str(stock.version),
    )


def _place(
    request: pb.SetStockRequest | pb.AdjustStockRequest | pb.GetStockRequest, read: Violations
) -> tuple[str, str]:
    return (
        read.text("sku", request.sku, needed=True),
        read.word("warehouse", request.warehouse),
    )
