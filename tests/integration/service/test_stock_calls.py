"""Planned stock over gRPC: said, listed page by page, and read by the channel that sells it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.message import Message

from concord.inventory.v1 import inventory_service_pb2 as pb
from concord.inventory.v1 import inventory_service_pb2_grpc
from concord.inventory.v1.channel_stock_pb2 import Allocation, SkuMapping
from concord.inventory.v1.planning_pb2 import PurchasePlan
from service.domain.stock_late import Oversold
from service.domain.stock_names import UnmappedSku, waits_for_mapping
from tests.integration.service.world import Service, Storing, refused

NOW = datetime(2026, 11, 23, tzinfo=UTC)
# What a client of a later contract may send.
UNKNOWN = PurchasePlan.State.ValueType(9)


class House:
    """A warehouse and a channel that no other test has, and the service that keeps them."""

    def __init__(self, stub: Any) -> None:  # noqa: ANN401  # a generated stub
        self.stub = stub
        self.name = uuid.uuid4().hex[:10]

    def sku(self, letter: str) -> str:
        return f"{self.name}-{letter}"

    def call(self, method: str, request: Message) -> Any:  # noqa: ANN401  # any answer
        return getattr(self.stub, method)(request, timeout=20)

    def count(self, letter: str, pieces: int, warehouse: str = "bj1") -> None:
        self.call(
            "SetStock",
            pb.SetStockRequest(sku=self.sku(letter), warehouse=warehouse, on_hand=pieces),
        )

    def maps(self, item: str, channel: str = "", **parts: int) -> SkuMapping:
        told: SkuMapping = self.call(
            "SetSkuMapping",
            pb.SetSkuMappingRequest(
                channel=channel or self.name,
                channel_sku=item,
                parts=[
                    SkuMapping.Part(sku=self.sku(each), quantity=n) for each, n in parts.items()
                ],
                request_id=str(uuid.uuid4()),
            ),
        )
        return told

    def divide(self, letter: str, **percents: int) -> Allocation:
        shares = [Allocation.Share(channel=each, percent=n) for each, n in percents.items()]
        told: Allocation = self.call(
            "SetAllocation", pb.SetAllocationRequest(sku=self.sku(letter), shares=shares)
        )
        return told

    def level(self, item: str, channel: str = "") -> int | None:
        told = self.call(
            "GetChannelLevel",
            pb.GetChannelLevelRequest(channel=channel or self.name, channel_sku=item),
        )
        return told.sellable if told.HasField("sellable") else None

    def plan(self, letter: str, days: int, pieces: int = 40) -> PurchasePlan:
        plan = PurchasePlan(
            sku=self.sku(letter), warehouse="bj1", quantity=pieces, note=f"PO-{days}"
        )
        plan.expected_time.FromDatetime(NOW + timedelta(days=days))
        made: PurchasePlan = self.call(
            "CreatePurchasePlan",
            pb.CreatePurchasePlanRequest(plan=plan, request_id=str(uuid.uuid4())),
        )
        return made

    def pages(self, method: str, request: Any, field: str) -> list[Any]:  # noqa: ANN401  # of any list
        """List two rows at a time; return all of them."""
        found: list[Any] = []
        request.page_size = 2
        while True:
            page = self.call(method, request)
            assert len(getattr(page, field)) <= 2
            found += getattr(page, field)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


@pytest.fixture
def house(service: Service) -> House:
    return House(inventory_service_pb2_grpc.InventoryServiceStub(service.channel))


def test_mappings_are_said_listed_and_forgotten(house: House) -> None:
    for item in ("i3", "i1", "i2"):
        house.maps(item, A=2, BOX=1)
    again = house.maps("i2", B=1)

    of_channel = pb.ListSkuMappingsRequest(channel=house.name)
    listed = house.pages("ListSkuMappings", of_channel, "mappings")
    with_a = pb.ListSkuMappingsRequest(channel=house.name, sku=house.sku("A"))
    forget = pb.DeleteSkuMappingRequest(channel=house.name, channel_sku="i1")

    assert [each.channel_sku for each in listed] == ["i1", "i2", "i3"]
    assert [(each.sku, each.quantity) for each in listed[0].parts] == [
        (house.sku("A"), 2),
        (house.sku("BOX"), 1),
    ]
    assert listed[1] == again
    assert len(house.pages("ListSkuMappings", with_a, "mappings")) == 2
    assert house.call("DeleteSkuMapping", forget) == listed[0]
    forget.request_id = str(uuid.uuid4())
    assert refused(lambda: house.call("DeleteSkuMapping", forget)).reason == "SKU_MAPPING_NOT_FOUND"


def test_items_that_nobody_mapped_are_listed_with_how_many_wait(
    house: House, storing: Storing, engine: sa.Engine
) -> None:
    def work(unit: Any) -> None:  # noqa: ANN401  # a transaction
        for item in ("n1", "n2", "n3"):
            unit.keep_unmapped(UnmappedSku(house.name, item, "cas-1", "ord-1", storing.clock()))

    storing.storage.transact(work)
    with engine.begin() as connection:
        for number in range(3):
            connection.exec_driver_sql(
                "INSERT INTO stock_queue (order_id, since, due_at, waits_for)"
                " VALUES (%s, now(), now() + interval '1 day', ARRAY[%s])",
                (f"{house.name}-{number}", waits_for_mapping(house.name, "n2")),
            )

    request = pb.ListUnmappedSkusRequest(channel=house.name)
    found = house.pages("ListUnmappedSkus", request, "unmapped")

    assert [(each.channel_sku, each.waiting) for each in found] == [("n1", 0), ("n2", 3), ("n3", 0)]
    assert (found[0].case, found[0].order) == ("cases/cas-1", "orders/ord-1")


def test_a_channel_reads_what_it_may_still_sell(house: House) -> None:
    house.count("A", 60)
    house.count("A", 40, "sh1")
    house.count("BOX", 7)
    house.maps("single", A=1)
    house.maps("pair", A=2)
    house.maps("boxed", A=1, BOX=1)
    house.maps("unknown", A=1, C=1)

    assert (house.level("single"), house.level("pair"), house.level("boxed")) == (100, 50, 7)
    assert house.level("unknown") is None

    divided = house.divide("A", **{house.name: 30})

    assert [(each.channel, each.percent, each.available) for each in divided.shares] == [
        (house.name, 30, 30),
        ("", 70, 70),
    ]
    assert (house.level("single"), house.level("pair")) == (30, 15)
    request = pb.ListChannelLevelsRequest(channel=house.name)
    levels = house.pages("ListChannelLevels", request, "levels")
    assert [(each.channel_sku, each.sellable, each.sku) for each in levels] == [
        ("boxed", 7, house.sku("BOX")),
        ("pair", 15, house.sku("A")),
        ("single", 30, house.sku("A")),
        ("unknown", 0, house.sku("C")),
    ]
    assert [each.HasField("sellable") for each in levels] == [True, True, True, False]
    with_box = pb.ListChannelLevelsRequest(channel=house.name, sku=house.sku("BOX"))
    (boxed,) = house.pages("ListChannelLevels", with_box, "levels")
    assert boxed == levels[0]

    assert not house.divide("A").shares
    assert house.level("single") == 100


def test_a_channel_without_mappings_reads_the_levels_of_our_articles(house: House) -> None:
    house.count("A", 9)
    other = f"other_{house.name}"

    request = pb.ListChannelLevelsRequest(channel=other, sku=house.sku("A"))
    (level,) = house.pages("ListChannelLevels", request, "levels")
    unknown = refused(lambda: house.level(house.sku("Z"), other))

    assert (level.channel_sku, level.sellable) == (house.sku("A"), 9)
    assert house.level(house.sku("A"), other) == 9
    assert unknown.reason == "SKU_MAPPING_NOT_FOUND"
    assert unknown.metadata == {"channel": other, "channelSku": house.sku("Z")}


def test_articles_are_listed_with_what_is_free_and_what_comes(house: House) -> None:
    house.count("A", 9)
    told = house.call(
        "SetSafetyLevel",
        pb.SetSafetyLevelRequest(sku=house.sku("A"), safety_level=10, owner_role="buyers"),
    )
    assert (told.available, told.planned, told.owner_role) == (9, 0, "buyers")

    (listed,) = house.call("ListArticles", pb.ListArticlesRequest(sku=house.sku("A"))).articles
    ended = pb.SetSafetyLevelRequest(sku=house.sku("A"), safety_level=0)

    assert (listed.safety_level, listed.available) == (10, 9)
    assert house.call("SetSafetyLevel", ended).owner_role == "buyers"
    assert not house.call("ListArticles", pb.ListArticlesRequest(sku=house.sku("A"))).articles


def test_plans_are_listed_by_when_they_come_and_come_once(house: House) -> None:
    house.count("A", 1)
    third, first, second = (house.plan("A", days) for days in (9, 2, 5))

    of_article = pb.ListPurchasePlansRequest(sku=house.sku("A"))
    listed = house.pages("ListPurchasePlans", of_article, "plans")
    came = house.call(
        "ReceivePurchasePlan", pb.ReceivePurchasePlanRequest(name=first.name, received=38)
    )
    dropped = house.call("DropPurchasePlan", pb.DropPurchasePlanRequest(name=third.name))

    assert [each.name for each in listed] == [first.name, second.name, third.name]
    assert (came.state, came.received) == (PurchasePlan.STATE_RECEIVED, 38)
    assert dropped.state == PurchasePlan.STATE_DROPPED
    shelf = house.call("GetStock", pb.GetStockRequest(sku=house.sku("A"), warehouse="bj1"))
    assert shelf.on_hand == 39
    planned = pb.ListPurchasePlansRequest(sku=house.sku("A"), state=PurchasePlan.STATE_PLANNED)
    assert house.pages("ListPurchasePlans", planned, "plans") == [second]
    assert house.call("GetPurchasePlan", pb.GetPurchasePlanRequest(name=first.name)) == came
    again = pb.ReceivePurchasePlanRequest(name=first.name)
    closed = refused(lambda: house.call("ReceivePurchasePlan", again))
    assert (closed.reason, closed.metadata["state"]) == ("PURCHASE_PLAN_CLOSED", "RECEIVED")
    unknown = pb.GetPurchasePlanRequest(name="purchasePlans/pln-none")
    missing = refused(lambda: house.call("GetPurchasePlan", unknown))
    assert missing.reason == "PURCHASE_PLAN_NOT_FOUND"


def test_oversales_are_listed_newest_first(house: House, storing: Storing) -> None:
    at = storing.clock()

    def oversold(number: int, minute: int, told: datetime | None) -> Oversold:
        found = at + timedelta(minutes=minute)
        late = timedelta(hours=12, minutes=number)
        name = f"{house.name}-{number}"
        return Oversold(name, house.sku("A"), "douyin", 2, late, f"cas-{number}", found, told)

    first = [oversold(number, 0, at + timedelta(minutes=1)) for number in range(3)]
    second = [oversold(number, 20, at + timedelta(minutes=21)) for number in (3, 4)]
    third = [oversold(5, 40, None)]
    storing.storage.transact(lambda unit: unit.keep_oversold([*first, *second, *third]))

    request = pb.ListOversalesRequest(sku=house.sku("A"))
    found = house.pages("ListOversales", request, "oversales")

    # Nobody was told of the last one yet; whoever runs the service may just be doing it.
    assert [(each.orders, each.pieces) for each in found] == [(1, 2), (2, 4), (3, 6)]
    assert found[1].minutes_late == 12 * 60 + 4
    assert list(found[2].cases) == ["cases/cas-0", "cases/cas-1", "cases/cas-2"]


@pytest.mark.parametrize(
    ("method", "request_of", "fields"),
    [
        (
            "SetSkuMapping",
            lambda: pb.SetSkuMappingRequest(channel="Douyin"),
            ["channel", "channel_sku", "parts"],
        ),
        (
            "SetSkuMapping",
            lambda: pb.SetSkuMappingRequest(
                channel="douyin",
                channel_sku="1",
                parts=[SkuMapping.Part(sku="A"), SkuMapping.Part(sku="A", quantity=-1)],
            ),
            ["parts[1].quantity", "parts"],
        ),
        (
            "SetAllocation",
            lambda: pb.SetAllocationRequest(
                sku="A",
                shares=[
                    Allocation.Share(channel="douyin", percent=60),
                    Allocation.Share(channel="jd", percent=41),
                ],
            ),
            ["shares"],
        ),
        (
            "SetAllocation",
            lambda: pb.SetAllocationRequest(shares=[Allocation.Share(percent=0)]),
            ["sku", "shares[0].channel", "shares[0].percent"],
        ),
        (
            "SetSafetyLevel",
            lambda: pb.SetSafetyLevelRequest(safety_level=-1),
            ["sku", "safety_level"],
        ),
        (
            "CreatePurchasePlan",
            lambda: pb.CreatePurchasePlanRequest(plan=PurchasePlan(sku="A")),
            ["plan.expected_time", "plan.warehouse", "plan.quantity"],
        ),
        ("ListChannelLevels", pb.ListChannelLevelsRequest, ["channel"]),
        ("ListPurchasePlans", lambda: pb.ListPurchasePlansRequest(state=UNKNOWN), ["state"]),
        ("GetPurchasePlan", lambda: pb.GetPurchasePlanRequest(name="x"), ["name"]),
    ],
)
def test_what_is_wrong_is_told_all_at_once(
    house: House, method: str, request_of: Callable[[], Message], fields: list[str]
) -> None:
    told = refused(lambda: house.call(method, request_of()))

    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert list(told.fields) == fields
