"""`concord customer …`: who is shown, on what evidence, and how people decide."""

from __future__ import annotations

import json

from clients.sdk.testing import FakeConcord, refusal
from concord.customers.v1 import customer_service_pb2 as api
from concord.customers.v1.profile_pb2 import Profile
from concord.intake.v1.fact_pb2 import Identity

from .conftest import Run

MERGE = api.Merge(
    name="merges/mrg-1",
    state=api.Merge.STATE_SUGGESTED,
    survivor="customers/cus-1",
    absorbed="customers/cus-2",
    score=560,
    evidence=[api.Merge.Evidence(kind="PHONE_SHARED", digest="c-0123456789", weight=550)],
    actor="system",
)


def a_customer() -> api.Customer:
    marks = [
        api.Buyer.Mark(kind=Identity.KIND_PHONE, digest="c-0123456789", orders=2),
        api.Buyer.Mark(kind=Identity.KIND_NAME, orders=1),
    ]
    return api.Customer(
        name="customers/cus-1",
        buyers=[api.Buyer(buyer_id="byr-1", channel="douyin", shop="flagship", marks=marks)],
        order_count=3,
        profile=Profile(orders_90d=3, returned_90d=1),
        merges=[MERGE],
    )


def test_a_customer_is_shown_with_what_it_is_known_by(fake: FakeConcord, concord: Run) -> None:
    fake.answer("GetCustomer", a_customer(), a_customer())

    shown = concord("customer", "show", "cus-1")
    as_json = concord("customer", "show", "cus-1", "--json")

    assert "3 orders" in shown.stdout
    assert "1 with money back" in shown.stdout
    assert "phone c-0123456789, name masked" in shown.stdout
    assert "PHONE_SHARED 550" in shown.stdout
    assert json.loads(as_json.stdout)["orderCount"] == "3"


def test_who_became_part_of_another_is_said(fake: FakeConcord, concord: Run) -> None:
    part = api.Customer(name="customers/cus-2", merged_into="customers/cus-1")
    fake.answer("GetCustomer", part)

    assert "part of customers/cus-1" in concord("customer", "show", "cus-2").stdout


def test_suggestions_are_listed_and_decided(fake: FakeConcord, concord: Run) -> None:
    fake.answer("ListMerges", api.ListMergesResponse(merges=[MERGE]))
    for method in ("AcceptMerge", "DismissMerge", "UndoMerge", "MergeCustomers"):
        fake.answer(method, MERGE)

    assert "merges/mrg-1" in concord("customer", "merges", "--suggested").stdout
    for words in (
        ("accept", "mrg-1"),
        ("dismiss", "mrg-1", "--reason", "two people"),
        ("undo", "mrg-1", "two people"),
        ("merge", "cus-1", "cus-2", "they called"),
    ):
        assert "cus-2 → customers/cus-1" in concord("customer", *words).stdout
    asked = [each.request for each in fake.seen if each.method.endswith("UndoMerge")]
    assert [(each.name, each.reason) for each in asked] == [("merges/mrg-1", "two people")]


def test_a_refusal_says_what_to_do(fake: FakeConcord, concord: Run) -> None:
    fake.answer(
        "UndoMerge",
        refusal("MERGE_NOT_IN_STATE", merge="mrg-1", state="SUGGESTED", act="UndoMerge"),
    )

    refused = concord("customer", "undo", "mrg-1", "why")

    assert refused.exit_code == 1
    assert "It is SUGGESTED" in refused.stderr


def test_orders_returns_and_customers_are_listed(fake: FakeConcord, concord: Run) -> None:
    back = api.ListReturnsResponse.Return(
        order="orders/ord-1", channel="douyin", shop="flagship", came_by="wechatpay"
    )
    bought = api.ListCustomerOrdersResponse.Bought(order="orders/ord-1", channel="jd")
    fake.answer("ListReturns", api.ListReturnsResponse(returns=[back]))
    fake.answer("ListCustomerOrders", api.ListCustomerOrdersResponse(orders=[bought]))
    fake.answer("ListCustomers", api.ListCustomersResponse(customers=[a_customer()]))

    assert "wechatpay" in concord("customer", "returns", "--shop", "flagship").stdout
    assert "orders/ord-1" in concord("customer", "orders", "cus-1").stdout
    assert "customers/cus-1" in concord("customer", "list").stdout


def test_uses_of_coupons_are_listed_with_who_gave_them(fake: FakeConcord, concord: Run) -> None:
    use = api.ListCouponUsesResponse.Use(
        code="LATE10", order="orders/ord-1", channel="jd", shop="own",
        given_channel="douyin", given_shop="flagship", cross_shop=True, other_customer=True,
    )  # fmt: skip
    fake.answer("ListCouponUses", api.ListCouponUsesResponse(uses=[use]))

    shown = concord("customer", "coupons", "--cross-shop").stdout

    assert "douyin flagship" in shown
    assert "given to another" in shown
    assert fake.requests("ListCouponUses")[0].cross_shop


def test_profiles_are_compared_and_what_differs_is_shown(fake: FakeConcord, concord: Run) -> None:
    differing = api.VerifyProfilesResponse(customers=7, difference_count=1)
    told = differing.differences.add(customer="customers/cus-1")
    told.orders.places.add(channel="jd", orders=3, returned=1)
    fake.answer("VerifyProfiles", api.VerifyProfilesResponse(customers=7), differing)

    equal = concord("customer", "verify", "--wait", "5s")
    wrong = concord("customer", "verify", "--wait", "5s")

    assert (equal.exit_code, wrong.exit_code) == (0, 1)
    assert "7 customers: no difference" in equal.stdout
    assert "customers/cus-1" in wrong.stdout
    assert "none" in wrong.stdout
    assert fake.requests("VerifyProfiles")[0].wait.seconds == 5
