"""Serves `FulfilmentService`: pick lists, on the screen and on paper."""

from collections.abc import Callable
from typing import Any, Final

import grpc

from concord.fulfilment.v1 import fulfilment_service_pb2 as pb
from concord.fulfilment.v1 import fulfilment_service_pb2_grpc
from service.application.commands import Ask
from service.application.picking import Picking
from service.application.stock_reading import PickQuery, StockReader
from service.domain.picking import PICKABLE, Language, PickList, PickState, printed
from service.rpc.calling import Mutations, Work
from service.rpc.violations import REASON_MAX, Violations
from service.telemetry import annotate
from service.wire import timestamp

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
COLLECTION: Final = "pickLists"
_STATE: Final = pb.PickList.State
_LANGUAGE: Final = pb.PrintPickListRequest.Language


class FulfilmentServicer(fulfilment_service_pb2_grpc.FulfilmentServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, mutations: Mutations, reader: StockReader) -> None:
        """Take the use cases."""
        self._mutations = mutations
        self._reader = reader

    def GetPickList(
        self, request: pb.GetPickListRequest, context: grpc.ServicerContext
    ) -> pb.PickList:
        """Return one pick list."""
        return pick_list_message(self._find(request.name))

    def ListPickLists(
        self, request: pb.ListPickListsRequest, context: grpc.ServicerContext
    ) -> pb.ListPickListsResponse:
        """List pick lists, oldest first."""
        page = self._reader.pick_lists(_query(request))
        return pb.ListPickListsResponse(
            pick_lists=[pick_list_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def PrintPickList(
        self, request: pb.PrintPickListRequest, context: grpc.ServicerContext
    ) -> pb.PrintPickListResponse:
        """Return a pick list as text for paper."""
        if request.language not in _LANGUAGE.values():
            read = Violations()
            read.add("language", "send a known language")
            read.refuse()
        name = _LANGUAGE.Name(request.language).removeprefix("LANGUAGE_")
        language = Language(name) if request.language else Language.BOTH
        found = self._find(request.name)
        return pb.PrintPickListResponse(text=printed(found, language), bar_code=found.pick_list_id)

    def StartPicking(
        self, request: pb.StartPickingRequest, context: grpc.ServicerContext
    ) -> pb.PickList:
        """OPEN → PICKING."""

        def act(picking: Picking, pick_list_id: str, read: Violations) -> PickList:
            picker = read.text("picker", request.picker)
            read.refuse()
            return picking.start(pick_list_id, picker or picking.ask.origin.actor)

        return self._act(request, context, act)

    def CompletePickList(
        self, request: pb.CompletePickListRequest, context: grpc.ServicerContext
    ) -> pb.PickList:
        """OPEN or PICKING → DONE."""

        def act(picking: Picking, pick_list_id: str, read: Violations) -> PickList:
            read.refuse()
            return picking.complete(pick_list_id, picking.ask.origin.actor)

        return self._act(request, context, act)

    def _act(
        self,
        request: Any,  # noqa: ANN401  # the request of any act
        context: grpc.ServicerContext,
        act: Callable[[Picking, str, Violations], PickList],
    ) -> pb.PickList:
        def work(tools: Work) -> pb.PickList:
            read = Violations()
            has_reason = "reason" in request.DESCRIPTOR.fields_by_name
            ask = Ask(
                order_id="",
                origin=tools.origin,
                fresh_id=tools.fresh_id,
                reason=read.text("reason", request.reason, longest=REASON_MAX)
                if has_reason
                else "",
                source=tools.source,
            )
            picking = Picking(tools.unit, tools.commands, ask, tools.at)
            pick_list_id = read.resource("name", request.name, COLLECTION)
            return pick_list_message(act(picking, pick_list_id, read))

        return _told(self._mutations.run(request, context, pb.PickList, work))

    def _find(self, name: str) -> PickList:
        read = Violations()
        pick_list_id = read.resource("name", name, COLLECTION)
        read.refuse()
        found = self._reader.pick_list(pick_list_id)
        annotate(order=found.order_id)
        return found


def pick_list_message(pick: PickList) -> pb.PickList:
    """Return a pick list."""
    message = pb.PickList(
        name=f"{COLLECTION}/{pick.pick_list_id}",
        order=f"orders/{pick.order_id}",
        order_number=pick.order_number,
        channel=pick.channel,
        warehouse=pick.warehouse,
        state=_STATE.Value(f"STATE_{pick.state.value}"),
        lines=[pb.PickList.Line(sku=each.sku, quantity=each.quantity) for each in pick.lines],
        reservation=pick.reservation_id,
        picker=pick.picker,
        create_time=timestamp(pick.created_at),
        void_reason=pick.void_reason,
    )
    if pick.started_at:
        message.start_time.CopyFrom(timestamp(pick.started_at))
    if pick.ended_at:
        message.end_time.CopyFrom(timestamp(pick.ended_at))
    return message


def _query(request: pb.ListPickListsRequest) -> PickQuery:
    read = Violations()
    states: tuple[PickState, ...] = ()
    if request.state not in _STATE.values():
        read.add("state", "send a known state")
    elif request.state:
        states = (PickState(_STATE.Name(request.state).removeprefix("STATE_")),)
    elif not request.order:
        states = tuple(each for each in PickState if each in PICKABLE)
    query = PickQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        order_id=read.resource("order", request.order, "orders") if request.order else "",
        warehouse=read.word("warehouse", request.warehouse, needed=False),
        states=states,
    )
    read.refuse()
    return query


def _told(message: pb.PickList) -> pb.PickList:
    annotate(order=message.order.removeprefix("orders/"))
    return message
