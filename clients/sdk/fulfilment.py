"""Pick lists: what a person takes from the shelves for one order."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.fulfilment.v1 import fulfilment_service_pb2 as api
from concord.fulfilment.v1.fulfilment_service_pb2_grpc import FulfilmentServiceStub


class PickListFilter(TypedDict, total=False):
    """Which pick lists to list; all that are given must hold."""

    order: str
    warehouse: str
    state: api.PickList.State.ValueType
    page_size: int
    page_token: str


class Fulfilment(SubClient[M]):
    """`FulfilmentService`."""

    @unary
    def get_pick_list(self, name: str) -> Call[api.PickList]:
        """Return one pick list with its lines.

        Raises:
            PickListNotFoundError: there is none.
        """
        return _call("GetPickList", api.GetPickListRequest(name=_name(name)))

    @listed
    def list_pick_lists(self, **where: Unpack[PickListFilter]) -> Pages[api.PickList]:
        """Iterate over pick lists without their lines, oldest first."""
        request = api.ListPickListsRequest(**where)
        request.order = resource("orders", request.order)
        return Pages(_call("ListPickLists", request), lambda page: page.pick_lists)

    @unary
    def print_pick_list(
        self,
        name: str,
        *,
        language: api.PrintPickListRequest.Language.ValueType = (
            api.PrintPickListRequest.LANGUAGE_UNSPECIFIED
        ),
    ) -> Call[api.PrintPickListResponse]:
        """Return a pick list as plain text for paper, and what to print as bar code."""
        request = api.PrintPickListRequest(name=_name(name), language=language)
        return _call("PrintPickList", request)

    @unary
    def start_picking(
        self, name: str, *, picker: str = "", request_id: str = ""
    ) -> Call[api.PickList]:
        """OPEN → PICKING: somebody picks, or takes over.

        Raises:
            PickListClosedError: it is done or void.
            OrderOnHoldError: the order is stopped.
        """
        request = api.StartPickingRequest(
            name=_name(name), picker=picker, request_id=request_id or self.ids()
        )
        return _call("StartPicking", request)

    @unary
    def complete_pick_list(
        self, name: str, *, reason: str = "", request_id: str = ""
    ) -> Call[api.PickList]:
        """OPEN or PICKING → DONE; with the order's last list its outbound is approved.

        Raises:
            PickListClosedError: it is done or void.
            OrderOnHoldError: the order is stopped.
        """
        request = api.CompletePickListRequest(
            name=_name(name), reason=reason, request_id=request_id or self.ids()
        )
        return _call("CompletePickList", request)


def _name(name: str) -> str:
    return resource("pickLists", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(FulfilmentServiceStub, method, request)
