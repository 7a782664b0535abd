"""What every call about planned stock is about, for those who cut its connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from concord.inventory.v1 import channel_stock_pb2 as channel_pb
from concord.inventory.v1 import inventory_service_pb2 as api
from concord.inventory.v1 import planning_pb2 as plan_pb
from service import bootstrap
from service.application.ports import Unit
from service.application.stock_planning import StockPlanning
from service.domain.stock_late import Oversold
from service.domain.stock_names import UnmappedSku
from service.domain.stock_plans import PurchasePlan
from tests.faults.wire.preparing import WAREHOUSE, Preparing, Target

SERVICE: Final = "inventory.v1.InventoryService"
CHANNEL: Final = "wire"
LATER: Final = Timestamp(seconds=1_795_363_200)


def planned(preparing: Preparing, count: int) -> list[Target]:
    """Plan an article for each: its name at a channel, its level, its share, and what is to come.

    Beside it something that nobody mapped, and something that was sold too late.
    """
    targets = preparing.stocked(count)

    def work(unit: Unit) -> None:
        at = bootstrap.now()
        planning = StockPlanning(unit, at)
        for each in targets:
            planning.set_mapping(CHANNEL, each.tag, ((each.tag, 1),))
            planning.set_safety_level(each.tag, 3, "")
            planning.allocate(each.tag, {CHANNEL: 40})
            planning.add_plan(
                PurchasePlan(each.tag, each.tag, WAREHOUSE, 7, at + timedelta(days=3), at)
            )
            unit.keep_unmapped(UnmappedSku(CHANNEL, f"new-{each.tag}", each.tag, each.tag, at))
            unit.keep_oversold(
                [Oversold(each.tag, each.tag, CHANNEL, 1, timedelta(hours=2), each.tag, at, at)]
            )

    preparing.transact(work)
    return targets


def name_of(target: Target) -> str:
    """Return the name of a target's plan."""
    return f"purchasePlans/{target.tag}"


def mapping(target: Target, rid: str) -> Message:
    """Ask that an item be two of an article."""
    parts = [channel_pb.SkuMapping.Part(sku=target.tag, quantity=2)]
    return api.SetSkuMappingRequest(
        channel=CHANNEL, channel_sku=target.tag, parts=parts, request_id=rid
    )


def creation(target: Target, rid: str) -> Message:
    """Ask that something be written down that is to come."""
    plan = plan_pb.PurchasePlan(
        sku=target.tag, warehouse=WAREHOUSE, quantity=3, expected_time=LATER
    )
    return api.CreatePurchasePlanRequest(plan=plan, request_id=rid)


def division(target: Target, rid: str) -> Message:
    """Ask that an article be divided."""
    shares = [channel_pb.Allocation.Share(channel=CHANNEL, percent=60)]
    return api.SetAllocationRequest(sku=target.tag, shares=shares, request_id=rid)


CALLS: Final = (
    (f"{SERVICE}.SetSkuMapping", planned, mapping),
    (
        f"{SERVICE}.DeleteSkuMapping",
        planned,
        lambda target, rid: api.DeleteSkuMappingRequest(
            channel=CHANNEL, channel_sku=target.tag, request_id=rid
        ),
    ),
    (
        f"{SERVICE}.SetSafetyLevel",
        planned,
        lambda target, rid: api.SetSafetyLevelRequest(
            sku=target.tag, safety_level=4, request_id=rid
        ),
    ),
    (f"{SERVICE}.CreatePurchasePlan", planned, creation),
    (
        f"{SERVICE}.ReceivePurchasePlan",
        planned,
        lambda target, rid: api.ReceivePurchasePlanRequest(name=name_of(target), request_id=rid),
    ),
    (
        f"{SERVICE}.DropPurchasePlan",
        planned,
        lambda target, rid: api.DropPurchasePlanRequest(name=name_of(target), request_id=rid),
    ),
    (f"{SERVICE}.SetAllocation", planned, division),
)
