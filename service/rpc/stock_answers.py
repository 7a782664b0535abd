"""What stock is planned by, as messages."""

from typing import Final

from concord.inventory.v1 import channel_stock_pb2 as channel_pb
from concord.inventory.v1 import planning_pb2 as plan_pb
from service.domain.stock_late import Oversale
from service.domain.stock_levels import Level, Shelves
from service.domain.stock_names import SkuMapping, UnmappedSku
from service.domain.stock_plans import Article, PurchasePlan, Supply
from service.domain.stock_shares import Allocation
from service.wire import timestamp

PLANS: Final = "purchasePlans"
MINUTE_S: Final = 60


def mapping_message(mapping: SkuMapping) -> channel_pb.SkuMapping:
    """Return of which articles an item consists."""
    return channel_pb.SkuMapping(
        channel=mapping.channel,
        channel_sku=mapping.channel_sku,
        parts=[
            channel_pb.SkuMapping.Part(sku=sku, quantity=quantity)
            for sku, quantity in mapping.parts
        ],
        update_time=timestamp(mapping.updated_at),
    )


def unmapped_message(unmapped: UnmappedSku, waiting: int) -> channel_pb.UnmappedSku:
    """Return an item that nobody mapped, with how many orders wait for it."""
    return channel_pb.UnmappedSku(
        channel=unmapped.channel,
        channel_sku=unmapped.channel_sku,
        case=f"cases/{unmapped.case_id}",
        order=f"orders/{unmapped.order_id}",
        waiting=waiting,
        find_time=timestamp(unmapped.found_at),
    )


def article_message(article: Article, supply: Supply) -> plan_pb.Article:
    """Return an article with what is free of it, and planned."""
    return plan_pb.Article(
        sku=article.sku,
        safety_level=article.safety_level,
        owner_role=article.owner_role,
        available=supply.available,
        planned=supply.planned,
        red_time=timestamp(article.red_since) if article.red_since else None,
        update_time=timestamp(article.updated_at),
    )


def plan_message(plan: PurchasePlan) -> plan_pb.PurchasePlan:
    """Return a purchase plan."""
    return plan_pb.PurchasePlan(
        name=f"{PLANS}/{plan.plan_id}",
        sku=plan.sku,
        warehouse=plan.warehouse,
        quantity=plan.quantity,
        expected_time=timestamp(plan.expected_at),
        state=plan_pb.PurchasePlan.State.Value(f"STATE_{plan.state.value}"),
        received=plan.received,
        note=plan.note,
        create_time=timestamp(plan.created_at),
        close_time=timestamp(plan.closed_at) if plan.closed_at else None,
    )


def allocation_message(
    sku: str, allocation: Allocation | None, shelves: Shelves
) -> channel_pb.Allocation:
    """Return how an article is divided among channels, and what each can still have."""
    message = channel_pb.Allocation(sku=sku, available=shelves.available)
    if allocation is not None:
        message.divided = shelves.on_hand + allocation.gone
        message.set_time.CopyFrom(timestamp(allocation.set_at))
        message.shares.extend(
            channel_pb.Allocation.Share(
                channel=each.channel,
                percent=each.percent,
                used=each.used,
                available=min(
                    max(shelves.available, 0), allocation.free(each.channel, shelves.on_hand)
                ),
            )
            for each in allocation.shares
        )
    return message


def level_message(level: Level) -> channel_pb.ChannelLevel:
    """Return what a channel may still sell of an item."""
    return channel_pb.ChannelLevel(
        channel=level.channel,
        channel_sku=level.channel_sku,
        sellable=level.sellable,
        sku=level.sku,
    )


def oversale_message(oversale: Oversale) -> channel_pb.Oversale:
    """Return what late orders of one channel lack of one article."""
    return channel_pb.Oversale(
        sku=oversale.sku,
        channel=oversale.channel,
        orders=oversale.orders,
        pieces=oversale.pieces,
        minutes_late=int(oversale.late.total_seconds()) // MINUTE_S,
        find_time=timestamp(oversale.found_at),
        tell_time=timestamp(oversale.told_at) if oversale.told_at else None,
        cases=[f"cases/{each}" for each in oversale.cases],
    )
