"""Customers and merges as messages."""

from typing import Final

from concord.customers.v1 import customer_service_pb2 as pb
from concord.customers.v1 import profile_pb2
from concord.intake.v1 import fact_pb2
from service.application.people_reading import (
    Bought,
    CouponUse,
    CustomerView,
    Numbers,
    Returned,
    numbers_of,
)
from service.application.profiling import DIFFERENCES_MOST, ProfilesVerified
from service.domain.customers.identity import Identity
from service.domain.customers.people import DIGEST_TOLD, Buyer, Merge
from service.domain.money import Money
from service.wire import money, timestamp

CUSTOMERS: Final = "customers"
MERGES: Final = "merges"


def customer_message(view: CustomerView) -> pb.Customer:
    """Return a customer; what it is known by as the beginnings of hashes."""
    message = pb.Customer(
        name=f"{CUSTOMERS}/{view.customer_id}",
        buyers=[_buyer(each, view.orders[each.buyer_id]) for each in view.buyers],
        merged_into=f"{CUSTOMERS}/{view.merged_into}" if view.merged_into else "",
        order_count=sum(view.orders.values()),
        merges=[merge_message(each) for each in view.merges],
    )
    if view.buyers:
        message.first_seen_time.CopyFrom(timestamp(min(b.first_seen_at for b in view.buyers)))
    if view.numbers is not None:
        message.profile.CopyFrom(_profile(view.numbers))
    return message


def merge_message(merge: Merge) -> pb.Merge:
    """Return a merge with its evidence."""
    return pb.Merge(
        name=f"{MERGES}/{merge.merge_id}",
        state=pb.Merge.State.Value(f"STATE_{merge.state.value}"),
        survivor=f"{CUSTOMERS}/{merge.survivor}",
        absorbed=f"{CUSTOMERS}/{merge.absorbed}",
        buyers=merge.buyers,
        score=merge.score,
        evidence=[
            pb.Merge.Evidence(kind=each.kind, digest=each.digest[:DIGEST_TOLD], weight=each.weight)
            for each in merge.evidence
        ],
        actor=merge.actor,
        reason=merge.reason,
        create_time=timestamp(merge.created_at),
        state_time=timestamp(merge.state_at),
    )


def bought_message(bought: Bought) -> pb.ListCustomerOrdersResponse.Bought:
    """Return an order of a customer."""
    return pb.ListCustomerOrdersResponse.Bought(
        order=f"orders/{bought.order_id}",
        buyer_id=bought.buyer_id,
        channel=bought.channel,
        shop=bought.shop,
        total=money(bought.total),
        place_time=timestamp(bought.placed_at),
        returned=bought.is_returned,
    )


def return_message(back: Returned) -> pb.ListReturnsResponse.Return:
    """Return money that went back."""
    return pb.ListReturnsResponse.Return(
        order=f"orders/{back.order_id}",
        customer=f"{CUSTOMERS}/{back.customer_id}" if back.customer_id else "",
        channel=back.channel,
        shop=back.shop,
        came_by=back.came_by,
        came_by_channel=back.came_by_channel,
        amount=None if back.amount is None else money(back.amount),
        voucher=back.voucher,
        return_time=timestamp(back.at),
    )


def _buyer(buyer: Buyer, orders: int) -> pb.Buyer:
    return pb.Buyer(
        buyer_id=buyer.buyer_id,
        channel=buyer.channel,
        shop=buyer.shop,
        key=buyer.key,
        marks=[_mark(mark, count) for mark, count in buyer.marks.items()],
        order_count=orders,
    )


def _mark(mark: Identity, count: int) -> pb.Buyer.Mark:
    return pb.Buyer.Mark(
        kind=fact_pb2.Identity.Kind.Value(f"KIND_{mark.kind.value}"),
        digest=mark.digest[:DIGEST_TOLD],
        orders=count,
    )


def coupon_message(use: CouponUse) -> pb.ListCouponUsesResponse.Use:
    """Return a coupon on an order."""
    return pb.ListCouponUsesResponse.Use(
        code=use.code,
        order=f"orders/{use.order_id}",
        customer=f"{CUSTOMERS}/{use.customer_id}" if use.customer_id else "",
        channel=use.channel,
        shop=use.shop,
        use_time=timestamp(use.used_at),
        given_for=f"orders/{use.given_for}" if use.given_for else "",
        given_channel=use.given_channel,
        given_shop=use.given_shop,
        cross_shop=use.is_cross_shop,
        other_customer=use.is_other_customer,
    )


def verification(found: ProfilesVerified) -> pb.VerifyProfilesResponse:
    """Return what a comparison of profiles found."""
    told = pb.VerifyProfilesResponse(
        customers=found.customers, difference_count=len(found.differences)
    )
    for each in found.differences[:DIFFERENCES_MOST]:
        difference = told.differences.add(customer=f"{CUSTOMERS}/{each.customer_id}")
        if each.view.places:
            view = numbers_of(each.view, found.today, is_from_view=True)
            difference.view.CopyFrom(_profile(view))
        if each.orders.places:
            difference.orders.CopyFrom(_profile(numbers_of(each.orders, found.today)))
    return told


def _profile(numbers: Numbers) -> profile_pb2.Profile:
    source = profile_pb2.Profile.Source
    return profile_pb2.Profile(
        spent=[
            profile_pb2.Profile.Spent(
                orders=many,
                sum=money(total),
                mean=money(Money(total.minor // many, total.currency)),
            )
            for many, total in numbers.spent
        ],
        places=[
            profile_pb2.Profile.Place(channel=channel, shop=shop, orders=many, returned=back)
            for channel, shop, many, back in numbers.places
        ],
        orders_90d=numbers.orders_90d,
        returned_90d=numbers.returned_90d,
        categories=[
            profile_pb2.Profile.Category(category=name, orders=many)
            for name, many in numbers.categories
        ],
        source=source.SOURCE_VIEW if numbers.is_from_view else source.SOURCE_ORDERS,
    )
