"""Serves `OrderService.TagOrders` and `UntagOrders`: many orders by one call."""

from collections.abc import Callable
from typing import Final

import grpc

from concord.orders.v1 import order_service_pb2 as pb
from service.application.tagging import TagChange, Tagged, Tagging
from service.rpc.calling import Mutations, Work
from service.rpc.order_requests import read_ref
from service.rpc.violations import REASON_MAX, Violations

# 500 orders and their facts are read and written in a second: a tenth of a call's deadline.
ORDERS_MAX: Final = 500
TAG_MAX: Final = 64

Asked = pb.TagOrdersRequest | pb.UntagOrdersRequest


def tag_orders(
    mutations: Mutations,
    request: Asked,
    context: grpc.ServicerContext,
    change: Callable[[Tagging, TagChange], Tagged],
) -> pb.TagOrdersResponse:
    """Change a tag of the orders that are named."""

    def work(tools: Work) -> pb.TagOrdersResponse:
        asked = _read(request, tools)
        told = change(Tagging(tools.unit, tools.encoder, tools.at), asked)
        return pb.TagOrdersResponse(
            changed=told.changed, unchanged=told.unchanged, missing=told.missing
        )

    return mutations.run(request, context, pb.TagOrdersResponse, work)


def read_tag(path: str, tag: str, read: Violations) -> str:
    """Read a tag: short, and without what separates tags in the journal."""
    if "," in tag or tag != tag.strip():
        read.add(path, "send it without commas, and without spaces around it")
    return read.text(path, tag, longest=TAG_MAX, needed=True)


def _read(request: Asked, tools: Work) -> TagChange:
    read = Violations()
    if not 1 <= len(request.names) + len(request.refs) <= ORDERS_MAX:
        read.add("names", f"send 1 to {ORDERS_MAX} orders by names and refs")
    asked = TagChange(
        tag=read_tag("tag", request.tag, read),
        orders=tuple(
            dict.fromkeys(
                read.resource(f"names[{index}]", each, "orders")
                for index, each in enumerate(request.names[:ORDERS_MAX])
            )
        ),
        refs=tuple(
            dict.fromkeys(
                read_ref(f"refs[{index}]", each, read)
                for index, each in enumerate(request.refs[:ORDERS_MAX])
            )
        ),
        origin=tools.origin,
        source=tools.source,
        reason=read.text("reason", request.reason, longest=REASON_MAX),
    )
    read.refuse()
    return asked
