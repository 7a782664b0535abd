"""Reads requests about what stock is planned by."""

from datetime import UTC, datetime
from typing import Any, Final

from concord.inventory.v1 import inventory_service_pb2 as pb
from concord.inventory.v1 import planning_pb2 as plan_pb
from service.application.stock_plan_ports import PlanQuery
from service.domain.stock_plans import PlanState, PurchasePlan
from service.domain.stock_shares import WHOLE
from service.rpc.violations import Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
# Sums of every warehouse stay far within 63 bits.
PIECES_MAX: Final = 1_000_000_000
PARTS_MOST: Final = 20
PART_PIECES_MAX: Final = 10_000
_UNSET: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read_item(request: Any, read: Violations) -> tuple[str, str]:  # noqa: ANN401  # any that names an item
    """Read a channel and its item."""
    return (
        read.word("channel", request.channel),
        read.text("channel_sku", request.channel_sku, needed=True),
    )


def read_parts(request: pb.SetSkuMappingRequest, read: Violations) -> tuple[tuple[str, int], ...]:
    """Read of which articles an item consists."""
    if not 1 <= len(request.parts) <= PARTS_MOST:
        read.add("parts", f"send 1 to {PARTS_MOST}")
        return ()
    for number, each in enumerate(request.parts):
        read.text(f"parts[{number}].sku", each.sku, needed=True)
        if not 0 <= each.quantity <= PART_PIECES_MAX:
            read.add(f"parts[{number}].quantity", f"send 0 to {PART_PIECES_MAX}; 0 means 1")
    parts = {each.sku: each.quantity or 1 for each in request.parts}
    if len(parts) < len(request.parts):
        read.add("parts", "send each article once")
    return tuple(sorted(parts.items()))


def read_count(path: str, value: int, read: Violations, *, least: int = 0) -> int:
    """Read a number of pieces."""
    if not least <= value <= PIECES_MAX:
        read.add(path, f"send {least} to {PIECES_MAX}")
    return value


def read_plan(
    told: plan_pb.PurchasePlan, read: Violations, *, plan_id: str, at: datetime
) -> PurchasePlan:
    """Read what is to come."""
    expected_at = read.moment("plan.expected_time", told.expected_time, default=_UNSET)
    if expected_at == _UNSET:
        read.add("plan.expected_time", "send when it should come")
    return PurchasePlan(
        plan_id=plan_id,
        sku=read.text("plan.sku", told.sku, needed=True),
        warehouse=read.word("plan.warehouse", told.warehouse),
        quantity=read_count("plan.quantity", told.quantity, read, least=1),
        expected_at=expected_at,
        created_at=at,
        note=read.text("plan.note", told.note),
    )


def read_percents(request: pb.SetAllocationRequest, read: Violations) -> dict[str, int]:
    """Read the shares of channels that have one of their own."""
    for number, each in enumerate(request.shares):
        read.word(f"shares[{number}].channel", each.channel)
        if not 1 <= each.percent <= WHOLE:
            read.add(f"shares[{number}].percent", f"send 1 to {WHOLE}")
    percents = {each.channel: each.percent for each in request.shares}
    if len(percents) < len(request.shares):
        read.add("shares", "send each channel once")
    elif sum(percents.values()) > WHOLE:
        read.add("shares", f"send at most {WHOLE} per cent together")
    return percents


def read_query(request: Any, **chosen: Any) -> PlanQuery:  # noqa: ANN401  # the request of any list
    """Read what every list has, and what of it is chosen; or raise `InvalidRequestError`."""
    read = Violations()
    query = PlanQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        channel=_channel(request, read),
        sku=read.text("sku", getattr(request, "sku", "")),
        **chosen,
    )
    read.refuse()
    return query


def read_state(request: pb.ListPurchasePlansRequest) -> PlanState | None:
    """Read a state; None for all. Or raise `InvalidRequestError`."""
    if not request.state:
        return None
    if request.state not in plan_pb.PurchasePlan.State.values():
        read = Violations()
        read.add("state", "send a known state")
        read.refuse()
    name = plan_pb.PurchasePlan.State.Name(request.state)
    return PlanState(name.removeprefix("STATE_"))


def _channel(request: Any, read: Violations) -> str:  # noqa: ANN401  # the request of any list
    is_needed = isinstance(request, pb.ListChannelLevelsRequest)
    return read.word("channel", getattr(request, "channel", ""), needed=is_needed)
