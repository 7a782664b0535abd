"""Names, shares, safety levels and plans of stock, on the command line."""

from __future__ import annotations

import json

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from clients.sdk.testing import FakeConcord, refusal
from concord.inventory.v1 import inventory_service_pb2 as api
from concord.inventory.v1.channel_stock_pb2 import (
    Allocation,
    ChannelLevel,
    Oversale,
    SkuMapping,
    UnmappedSku,
)
from concord.inventory.v1.planning_pb2 import Article, PurchasePlan

from .conftest import Run

SINCE = Timestamp(seconds=1_795_341_600)
MAPPING = SkuMapping(
    channel="douyin",
    channel_sku="3621",
    parts=[SkuMapping.Part(sku="BOX", quantity=1), SkuMapping.Part(sku="SKU-1", quantity=2)],
)
PLAN = PurchasePlan(
    name="purchasePlans/pln-1",
    sku="SKU-1",
    warehouse="bj1",
    quantity=1_200,
    expected_time=SINCE,
    state=PurchasePlan.STATE_PLANNED,
    note="PO-7",
)


def test_an_item_is_mapped_listed_and_forgotten(fake: FakeConcord, concord: Run) -> None:
    fake.answer("SetSkuMapping", MAPPING)
    fake.answer("ListSkuMappings", api.ListSkuMappingsResponse(mappings=[MAPPING]))
    fake.answer("DeleteSkuMapping", MAPPING)

    mapped = concord("sku", "map", "douyin", "3621", "SKU-1=2", "BOX")
    listed = concord("sku", "list", "--channel", "douyin")
    forgotten = concord("sku", "forget", "douyin", "3621")

    (asked,) = fake.requests("SetSkuMapping")
    assert {each.sku: each.quantity for each in asked.parts} == {"SKU-1": 2, "BOX": 1}
    assert "1 x BOX + 2 x SKU-1" in mapped.stdout
    assert "3621" in listed.stdout
    assert "was 1 x BOX + 2 x SKU-1" in forgotten.stdout


@pytest.mark.parametrize("parts", [("SKU-1=two",), ("SKU-1", "SKU-1=2")])
def test_parts_that_say_nothing_are_refused(concord: Run, parts: tuple[str, ...]) -> None:
    assert concord("sku", "map", "douyin", "3621", *parts).exit_code == 2


def test_an_item_that_nobody_mapped_is_told_of(fake: FakeConcord, concord: Run) -> None:
    unknown = UnmappedSku(
        channel="jd", channel_sku="100012", case="cases/cas-1", order="orders/ord-1", waiting=12
    )
    fake.answer("ListUnmappedSkus", api.ListUnmappedSkusResponse(unmapped=[unknown]))
    fake.answer("DeleteSkuMapping", refusal("SKU_MAPPING_NOT_FOUND", channel="jd", channelSku="1"))

    listed = concord("sku", "unmapped")
    refused = concord("sku", "forget", "jd", "1")

    for said in ("100012", "12", "cas-1"):
        assert said in listed.stdout
    assert "concord sku list --channel jd" in refused.stderr


def test_a_plan_is_written_down_received_and_dropped(fake: FakeConcord, concord: Run) -> None:
    came = PurchasePlan(received=1_100)
    came.MergeFrom(PLAN)
    came.state = PurchasePlan.STATE_RECEIVED
    fake.answer("CreatePurchasePlan", PLAN)
    fake.answer("GetPurchasePlan", PLAN)
    fake.answer("ReceivePurchasePlan", came)
    fake.answer(
        "DropPurchasePlan", refusal("PURCHASE_PLAN_CLOSED", purchasePlan="pln-1", state="RECEIVED")
    )

    added = concord(
        "plan",
        "add",
        "SKU-1",
        "bj1",
        "1200",
        "--due",
        "2026-11-26T10:00:00+08:00",
        "--note",
        "PO-7",
    )
    shown = concord("plan", "show", "pln-1", "--json")
    received = concord("plan", "receive", "pln-1", "--pieces", "1100")
    dropped = concord("plan", "drop", "pln-1")

    (asked,) = fake.requests("CreatePurchasePlan")
    assert asked.plan.expected_time.ToJsonString() == "2026-11-26T02:00:00Z"
    assert "待到货 PLANNED" in added.stdout
    assert json.loads(shown.stdout)["note"] == "PO-7"
    assert "1,100" in received.stdout
    assert fake.requests("ReceivePurchasePlan")[0].received == 1_100
    assert "It is RECEIVED" in dropped.stderr


def test_plans_that_are_to_come_are_listed_unless_all_are_asked_for(
    fake: FakeConcord, concord: Run
) -> None:
    fake.answer("ListPurchasePlans", *[api.ListPurchasePlansResponse(plans=[PLAN])] * 2)

    assert "pln-1" in concord("plan", "list", "--sku", "SKU-1").stdout
    concord("plan", "list", "--all", "--json")

    states = [each.state for each in fake.requests("ListPurchasePlans")]
    assert states == [PurchasePlan.STATE_PLANNED, PurchasePlan.STATE_UNSPECIFIED]


def test_an_article_that_runs_low_is_red(fake: FakeConcord, concord: Run) -> None:
    red = Article(sku="SKU-1", safety_level=200, available=40, owner_role="buyers", red_time=SINCE)
    fake.answer("SetSafetyLevel", Article(sku="SKU-1", safety_level=200, available=40))
    fake.answer("ListArticles", api.ListArticlesResponse(articles=[red]))

    said = concord("stock", "safety", "SKU-1", "200", "--owner", "buyers")
    listed = concord("stock", "articles", "--red")

    assert "RED" not in said.stdout
    assert "告急 RED" in listed.stdout
    assert fake.requests("SetSafetyLevel")[0].owner_role == "buyers"
    assert fake.requests("ListArticles")[0].is_red


def test_an_article_is_divided_shown_and_put_together_again(
    fake: FakeConcord, concord: Run
) -> None:
    divided = Allocation(
        sku="SKU-1",
        shares=[
            Allocation.Share(channel="douyin", percent=40, used=10, available=110),
            Allocation.Share(percent=60, available=180),
        ],
        divided=300,
        available=290,
        set_time=SINCE,
    )
    fake.answer("SetAllocation", divided, Allocation(sku="SKU-1", available=290))
    fake.answer("GetAllocation", divided)

    told = concord("stock", "share", "SKU-1", "douyin=40%")
    shown = concord("stock", "share", "SKU-1")
    pooled = concord("stock", "share", "SKU-1", "--pool")

    for said in ("300 divided", "douyin", "40 %", "110", "(others)"):
        assert said in told.stdout
    assert shown.stdout == told.stdout
    assert "one pool: 290" in pooled.stdout
    assert [len(each.shares) for each in fake.requests("SetAllocation")] == [1, 0]


@pytest.mark.parametrize("shares", [("douyin",), ("douyin=4", "douyin=5"), ("jd=1", "--pool")])
def test_shares_that_say_nothing_are_refused(concord: Run, shares: tuple[str, ...]) -> None:
    assert concord("stock", "share", "SKU-1", *shares).exit_code == 2


def test_a_channel_reads_what_it_may_still_sell(fake: FakeConcord, concord: Run) -> None:
    known = ChannelLevel(channel="douyin", channel_sku="3621", sellable=14, sku="SKU-1")
    unknown = ChannelLevel(channel="douyin", channel_sku="3622", sku="SKU-2")
    fake.answer("GetChannelLevel", known)
    fake.answer("ListChannelLevels", api.ListChannelLevelsResponse(levels=[known, unknown]))

    one = concord("stock", "sellable", "douyin", "3621", "--json")
    every = concord("stock", "sellable", "douyin")

    assert json.loads(one.stdout)["levels"][0]["sellable"] == "14"
    assert "not kept" in every.stdout


def test_what_late_orders_sold_is_listed_in_chinese_too(fake: FakeConcord, concord: Run) -> None:
    oversale = Oversale(
        sku="SKU-1", channel="douyin", orders=300, pieces=300, minutes_late=725,
        find_time=SINCE, cases=["cases/cas-1"],
    )  # fmt: skip
    fake.answer("ListOversales", *[api.ListOversalesResponse(oversales=[oversale])] * 2)

    listed = concord("stock", "oversold")
    chinese = concord("stock", "oversold", "--lang", "zh")

    for said in ("300", "12 h 5 min", "cas-1"):
        assert said in listed.stdout
    assert "缺货件数" in chinese.stdout
