"""Batches: frozen with reasons, shown as they will be, confirmed by size, told as they run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from concord.batches.v1 import batch_service_pb2 as pb
from concord.batches.v1 import batch_service_pb2_grpc
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders
from service.application.batch_running import BatchRunning
from service.domain.money import Money
from tests.integration.service.batch_world import (
    MEMBER,
    STATE,
    Desk,
    Ledger,
    batch_id,
    cancelled,
    order_of,
    paid_orders,
    ref_message,
    tagged,
    work_off,
    worker,
)
from tests.integration.service.world import Service, Storing, refused
from tests.invariants import assert_clean

CUSTOMS = "海关查验中"


@pytest.fixture(scope="module")
def desk(service: Service) -> Desk:
    return Desk(batch_service_pb2_grpc.BatchServiceStub(service.channel))


@pytest.fixture
def running(engine: sa.Engine) -> BatchRunning:
    return worker(engine)


def test_customs_by_tag_gives_every_order_its_milestone_coupon_and_notice(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning, engine: sa.Engine
) -> None:
    tag, refs = tagged(service, storing, 45)

    batch = desk.create("customs_delay", tags=[tag])
    assert (batch.state, batch.size) == (STATE.STATE_FROZEN, 45)
    assert not work_off(running)
    desk.act("Confirm", batch.name)
    work_off(running)

    done = desk.get(batch.name)
    assert (done.state, done.counts.done) == (STATE.STATE_DONE, 45)
    assert (done.creator, done.confirmer) == ("li", "li")
    assert sum(each.count for each in done.notices) == 45
    assert all(order_of(service, each).milestone == CUSTOMS for each in refs[:3])
    ledger = Ledger(engine, batch_id(batch))
    assert ledger.count("coupons") == ledger.count("notices") == ledger.milestones() == (45, 45)
    rows = service.orders.ListJournal(
        orders.ListJournalRequest(name=order_of(service, refs[0]).name)
    ).entries
    assert [row.new_value for row in rows if row.kind == "NOTED"] == ["customs_delay@1"]
    assert rows[-1].reason == f"{batch_id(batch)}: mark, compensate, calm"
    brought = desk.members(batch.name)[0].brought
    assert set(brought) == {"mark", "compensate", "calm"}
    coupons = desk.ask("ListCoupons", pb.ListCouponsRequest(batch=batch.name)).coupons
    assert brought["compensate"] in {each.code for each in coupons}
    assert {(each.amount.units, each.template) for each in coupons} == {(10, "delay")}


def test_who_is_left_out_is_told_with_the_reason(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning
) -> None:
    tag, refs = tagged(service, storing, 6)
    cancelled(storing, refs[0])
    marked = order_of(service, refs[1])
    service.orders.SetMilestone(
        orders.SetMilestoneRequest(
            name=marked.name, milestone=CUSTOMS, request_id=str(uuid.uuid4())
        )
    )
    other = desk.create("customs_delay", refs=[ref_message(refs[2])])

    batch = desk.create(
        "customs_delay",
        tags=[tag],
        refs=[*map(ref_message, refs), order_pb2.OrderRef(namespace="douyin", value="none")],
        orders=["orders/ord-none"],
        condition="order.amount < 1000.0",
    )

    told = {each.reason: each.count for each in batch.exclusions}
    assert told == {
        "STATE_NOT_COVERED": 1,
        "ALREADY_AT_CUSTOMS": 1,
        "IN_ANOTHER_BATCH": 1,
        "ORDER_NOT_FOUND": 2,
    }
    assert (batch.size, batch.counts.excluded) == (3, 5)
    left_out = desk.members(batch.name, MEMBER.STATE_EXCLUDED)
    assert {each.order for each in left_out} >= {"orders/ord-none", "orders/douyin:none"}
    assert all(each.detail for each in left_out)
    (busy,) = [each for each in left_out if each.reason == "IN_ANOTHER_BATCH"]
    assert busy.detail == batch_id(other)


def test_orders_that_a_coupon_or_a_message_cannot_reach_are_left_out(
    storing: Storing, desk: Desk
) -> None:
    (dollars,) = paid_orders(storing, 1, amount=Money(9_990, "USD"))
    (nobodys,) = paid_orders(storing, 1, customer="")
    (plain,) = paid_orders(storing, 1)

    said = {"delay_days": "3"}

    batch = desk.create("customs_delay", refs=map(ref_message, (dollars, nobodys, plain)))
    elsewhere = desk.create("stock_delay", refs=[ref_message(plain)], channels=["jd"], inputs=said)
    odd = desk.create(
        "stock_delay",
        refs=[ref_message(plain)],
        condition="1 / stock.available > 0",
        inputs=said,
    )

    told = {each.number: each.reason for each in desk.members(batch.name)}
    assert told == {dollars.value: "OTHER_CURRENCY", nobodys.value: "NO_CUSTOMER", plain.value: ""}
    assert [each.reason for each in elsewhere.exclusions] == ["NOT_SELECTED"]
    assert [each.reason for each in odd.exclusions] == ["CONDITION_FAILED"]


def test_two_who_ask_at_once_do_not_both_get_the_same_orders(
    service: Service, storing: Storing, desk: Desk
) -> None:
    tag, _ = tagged(service, storing, 20)

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: desk.create("customs_delay", tags=[tag]), range(4)))

    assert sorted(each.size for each in made) == [0, 0, 0, 20]
    left_out = [each for batch in made for each in batch.exclusions]
    assert {(each.reason, each.count) for each in left_out} == {("IN_ANOTHER_BATCH", 20)}


def test_a_condition_leaves_orders_out_and_a_bad_one_is_refused_with_advice(
    service: Service, storing: Storing, desk: Desk
) -> None:
    tag, _ = tagged(service, storing, 2)

    none = desk.create("customs_delay", tags=[tag], condition="order.amount > 1000.0")
    told = refused(lambda: desk.create("customs_delay", tags=[tag], condition="order.amont > 1.0"))

    assert [(each.reason, each.count) for each in none.exclusions] == [("CONDITION_NOT_MET", 2)]
    assert refused(lambda: desk.act("Confirm", none.name)).reason == "BATCH_EMPTY"
    assert (told.reason, told.fields) == ("INVALID_REQUEST", ("selection.condition",))


def test_conditions_look_at_customers_and_stock_and_not_at_cases(
    service: Service, storing: Storing, desk: Desk
) -> None:
    tag, _ = tagged(service, storing, 2)

    regulars = desk.create(
        "customs_delay", tags=[tag], condition="customer.orders >= 2 && !stock.is_short"
    )
    told = refused(
        lambda: desk.create("customs_delay", tags=[tag], condition="case.type == 'RETURN'")
    )

    assert regulars.size == 2
    assert told.fields == ("selection.condition",)


def test_a_preview_has_the_exact_texts_that_are_sent(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning, engine: sa.Engine
) -> None:
    tag, refs = tagged(service, storing, 5)
    batch = desk.create("customs_delay", tags=[tag], inputs={"delay_days": "4"})

    preview = desk.ask("PreviewBatch", pb.PreviewBatchRequest(name=batch.name, sample_size=2))

    totals = {each.step: (each.count, each.amount.units) for each in preview.steps}
    assert totals == {"mark": (5, 0), "compensate": (5, 50), "calm": (5, 0)}
    assert len(preview.samples) == 2
    sample = preview.samples[0]
    shown = {each.step: each for each in sample.steps}
    assert sample.number in {each.value for each in refs}
    assert sample.number in shown["calm"].notice_body
    assert "4 天" in shown["calm"].notice_body

    desk.act("Confirm", batch.name)
    work_off(running)
    first = next(each for each in desk.members(batch.name) if each.order == sample.order)
    assert first.brought["compensate"] in shown["compensate"].text
    assert first.brought["compensate"] in shown["calm"].notice_body
    with engine.connect() as connection:
        values = connection.execute(
            sa.text("SELECT placeholders FROM notices WHERE order_id = :order"),
            {"order": sample.order.removeprefix("orders/")},
        ).scalar_one()
    assert values["coupon"] == first.brought["compensate"]
    assert values["delay_days"] == "4"


def test_a_large_batch_is_confirmed_by_typing_what_it_is(
    service: Service, storing: Storing, desk: Desk
) -> None:
    tag, _ = tagged(service, storing, 101)
    batch = desk.create("customs_delay", tags=[tag])

    told = refused(lambda: desk.act("Confirm", batch.name, typed="yes"))

    assert told.reason == "BATCH_NOT_CONFIRMED"
    assert told.metadata["expected"] == batch.to_type == "customs_delay 101"
    assert desk.act("Confirm", batch.name, typed=batch.to_type).state == STATE.STATE_RUNNING
    desk.act("Cancel", batch.name)


def test_roles_that_a_template_does_not_name_are_refused(
    service: Service, storing: Storing, desk: Desk
) -> None:
    tag, _ = tagged(service, storing, 1)
    batch = desk.create("customs_delay", tags=[tag])
    warehouse = replace(desk, role="warehouse")

    for call in (
        lambda: warehouse.create("customs_delay", tags=[tag]),
        lambda: warehouse.act("Confirm", batch.name),
    ):
        told = refused(call)
        assert (told.reason, told.metadata["role"]) == ("BATCH_ROLE_REFUSED", "warehouse")


def test_what_is_wrong_with_a_new_batch_is_told_at_once(desk: Desk) -> None:
    cases: dict[str, Callable[[], object]] = {
        "BATCH_TEMPLATE_NOT_FOUND": lambda: desk.create("custom_delay", tags=["x"]),
        "BATCH_NOT_FOUND": lambda: desk.get("batches/bat-none"),
    }
    for reason, call in cases.items():
        assert refused(call).reason == reason
    every = refused(lambda: desk.create("customs_delay"))
    assert every.fields == ("selection",)
    said = refused(lambda: desk.create("customs_delay", tags=["x"], inputs={"delay_days": "soon"}))
    assert said.fields == ("inputs.delay_days",)
    unknown = refused(lambda: desk.create("customs_delay", tags=["x"], inputs={"day": "3"}))
    assert unknown.fields == ("inputs.day",)


def test_a_watch_tells_how_far_it_is_and_ends_with_the_batch(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning
) -> None:
    tag, _ = tagged(service, storing, 3)
    batch = desk.create("customs_delay", tags=[tag])
    desk.act("Confirm", batch.name)

    told: Iterator[pb.Batch] = desk.ask("WatchBatch", pb.WatchBatchRequest(name=batch.name))
    first = next(told)
    work_off(running)
    *_, last = told

    assert (first.state, first.counts.done) == (STATE.STATE_RUNNING, 0)
    assert (last.state, last.counts.done) == (STATE.STATE_DONE, 3)


def test_batches_are_listed_newest_first(service: Service, storing: Storing, desk: Desk) -> None:
    tag, _ = tagged(service, storing, 1)
    names = [desk.create("recall", tags=[tag]).name]
    desk.act("Cancel", names[0])
    names.insert(0, desk.create("recall", tags=[tag]).name)

    found: list[str] = []
    request = pb.ListBatchesRequest(template="recall", page_size=1)
    while not found or request.page_token:
        page = desk.ask("ListBatches", request)
        found += [each.name for each in page.batches]
        request.page_token = page.next_page_token

    assert found == names
    frozen = desk.ask(
        "ListBatches", pb.ListBatchesRequest(template="recall", states=[STATE.STATE_FROZEN])
    )
    assert [each.name for each in frozen.batches] == names[:1]


def test_all_invariants_hold_behind_batches(module_database_url: str) -> None:
    assert_clean(
        module_database_url, but={"I7": "no relay runs", "I14": "no deadlines are worked off"}
    )
