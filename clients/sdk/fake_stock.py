"""The fake service's stock and pick lists: nothing is reserved here; tests put lists there."""

from __future__ import annotations

from clients.sdk.fake_memory import Memory, page_of, refusal, stamp
from concord.fulfilment.v1 import fulfilment_service_pb2 as fulfilment
from concord.inventory.v1 import inventory_service_pb2 as inventory

PICKABLE = (fulfilment.PickList.STATE_OPEN, fulfilment.PickList.STATE_PICKING)


class FakeStock(Memory):
    """Stock as it was counted, and pick lists by name."""

    def __init__(self) -> None:
        super().__init__()
        self.stock: dict[tuple[str, str], inventory.Stock] = {}
        self.pick_lists: dict[str, fulfilment.PickList] = {}

    def set_stock(self, request: inventory.SetStockRequest) -> inventory.Stock:
        key = request.sku, request.warehouse
        stock = self.stock.setdefault(key, inventory.Stock(sku=key[0], warehouse=key[1]))
        stock.count_time.CopyFrom(stamp(self._now()))
        return self._with(stock, request.on_hand)

    def adjust_stock(self, request: inventory.AdjustStockRequest) -> inventory.Stock:
        place = inventory.GetStockRequest(sku=request.sku, warehouse=request.warehouse)
        stock = self.get_stock(place)
        return self._with(stock, stock.on_hand + request.delta)

    def get_stock(self, request: inventory.GetStockRequest) -> inventory.Stock:
        key = request.sku, request.warehouse
        if key not in self.stock:
            raise refusal("STOCK_NOT_FOUND", sku=request.sku, warehouse=request.warehouse)
        return self.stock[key]

    def list_stock(self, request: inventory.ListStockRequest) -> inventory.ListStockResponse:
        chosen = [
            stock
            for (sku, warehouse), stock in sorted(self.stock.items())
            if request.sku in {"", sku} and request.warehouse in {"", warehouse}
        ]
        page, following = page_of(chosen, request)
        return inventory.ListStockResponse(stock=page, next_page_token=following)

    def get_pick_list(self, request: fulfilment.GetPickListRequest) -> fulfilment.PickList:
        if request.name not in self.pick_lists:
            raise refusal("PICK_LIST_NOT_FOUND", pickList=request.name)
        return self.pick_lists[request.name]

    def list_pick_lists(
        self, request: fulfilment.ListPickListsRequest
    ) -> fulfilment.ListPickListsResponse:
        states = {request.state} if request.state else set(PICKABLE)
        chosen = [
            pick
            for pick in self.pick_lists.values()
            if request.order in {"", pick.order}
            and request.warehouse in {"", pick.warehouse}
            and (pick.state in states or (request.order and not request.state))
        ]
        page, following = page_of(chosen, request)
        return fulfilment.ListPickListsResponse(pick_lists=page, next_page_token=following)

    def print_pick_list(
        self, request: fulfilment.PrintPickListRequest
    ) -> fulfilment.PrintPickListResponse:
        pick = self.get_pick_list(fulfilment.GetPickListRequest(name=request.name))
        code = pick.name.removeprefix("pickLists/")
        text = "".join(f"{line.quantity} x {line.sku}\n" for line in pick.lines)
        return fulfilment.PrintPickListResponse(text=f"{code}\n{text}", bar_code=code)

    def start_picking(self, request: fulfilment.StartPickingRequest) -> fulfilment.PickList:
        pick = self._pickable(request.name)
        pick.state, pick.picker = fulfilment.PickList.STATE_PICKING, request.picker or "fake"
        return pick

    def complete_pick_list(
        self, request: fulfilment.CompletePickListRequest
    ) -> fulfilment.PickList:
        pick = self._pickable(request.name)
        pick.state = fulfilment.PickList.STATE_DONE
        return pick

    def _pickable(self, name: str) -> fulfilment.PickList:
        pick = self.get_pick_list(fulfilment.GetPickListRequest(name=name))
        if pick.state not in PICKABLE:
            state = fulfilment.PickList.State.Name(pick.state).removeprefix("STATE_")
            raise refusal("PICK_LIST_CLOSED", pickList=name, state=state)
        return pick

    def _with(self, stock: inventory.Stock, on_hand: int) -> inventory.Stock:
        if on_hand < stock.reserved:
            raise refusal(
                "STOCK_RESERVED",
                sku=stock.sku,
                warehouse=stock.warehouse,
                reserved=str(stock.reserved),
            )
        stock.on_hand, stock.available = on_hand, on_hand - stock.reserved
        stock.update_time.CopyFrom(stamp(self._now()))
        return stock
