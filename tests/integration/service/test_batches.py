"""Batches: frozen with reasons, confirmed by size, worked off once, whoever is killed meanwhile."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from concord.batches.v1 import batch_service_pb2 as pb
from concord.batches.v1 import batch_service_pb2_grpc
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as orders
from service import catalogue
from service.application.batch_running import CLAIM_MOST, LOOK_AGAIN, BatchRunning
from service.domain.facts import OrderRef
from service.domain.terms import Terms
from service.failpoints import Failpoints
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.storage import PostgresStorage
from tests.fakes import FakeClock
from tests.integration.service.batch_world import (
    MEMBER,
    STATE,
    Desk,
    Ledger,
    cancelled,
    paid_orders,
    ref_message,
)
from tests.integration.service.world import Service, Storing, refused

CUSTOMS = "海关查验中"


@pytest.fixture(scope="module")
def desk(service: Service) -> Desk:
    return Desk(batch_service_pb2_grpc.BatchServiceStub(service.channel))


@pytest.fixture
def running(engine: sa.Engine) -> BatchRunning:
    return worker(engine)


def worker(engine: sa.Engine, failpoints: Failpoints | None = None) -> BatchRunning:
    """Return what works batches off, at a time when all that was asked for is due."""
    storage = PostgresStorage(engine, ProtobufEnvelopes(), failpoints=failpoints)
    now = FakeClock(soon(engine))
    return BatchRunning(storage, ProtobufEncoder(), now, Terms(catalogue=catalogue.load()))


def soon(engine: sa.Engine) -> datetime:
    with engine.connect() as connection:
        now = sa.text("SELECT clock_timestamp() + interval '1 h'")
        moment: datetime = connection.execute(now).scalar_one()
    return moment


class Death(BaseException):
    """The process is no more: nobody catches it."""


def dying(visit: int) -> Callable[[], None]:
    """Return what dies when somebody comes by so often."""
    visits = iter(range(1, 1_000))

    def come_by() -> None:
        if next(visits) == visit:
            raise Death

    return come_by


def work_off(running: BatchRunning) -> int:
    done = 0
    while count := running.work_off():
        done += count
    running.finish()
    return done


def tagged(service: Service, storing: Storing, count: int) -> tuple[str, list[OrderRef]]:
    """Make paid orders with a tag of their own."""
    refs, tag = paid_orders(storing, count), f"customs-{uuid.uuid4().hex[:8]}"
    for start in range(0, count, 500):
        service.orders.TagOrders(
            orders.TagOrdersRequest(
                refs=map(ref_message, refs[start : start + 500]),
                tag=tag,
                request_id=str(uuid.uuid4()),
            ),
            timeout=60,
        )
    return tag, refs


def order_of(service: Service, ref: OrderRef) -> order_pb2.Order:
    found: order_pb2.Order = service.orders.GetOrder(orders.GetOrderRequest(ref=ref_message(ref)))
    return found


def set_holds(engine: sa.Engine, order_id: str, holds: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE orders SET holds = CAST(:holds AS jsonb) WHERE order_id = :order"),
            {"holds": holds, "order": order_id},
        )


def batch_id(batch: pb.Batch) -> str:
    return batch.name.removeprefix("batches/")


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
    assert all(order_of(service, each).milestone == CUSTOMS for each in refs[:3])
    ledger = Ledger(engine, batch_id(batch))
    assert ledger.count("coupons") == ledger.count("notices") == ledger.milestones() == (45, 45)
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


def test_an_order_that_moved_on_fails_alone_and_a_retry_takes_it_alone(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning, engine: sa.Engine
) -> None:
    tag, refs = tagged(service, storing, 4)
    batch = desk.create("customs_delay", tags=[tag])
    cancelled(storing, refs[2])
    desk.act("Confirm", batch.name)
    work_off(running)

    done = desk.get(batch.name)
    assert (done.counts.done, done.counts.failed) == (3, 1)
    assert [(each.reason, each.count) for each in done.failures] == [("ORDER_MOVED_ON", 1)]
    (failed,) = desk.members(batch.name, MEMBER.STATE_FAILED)
    assert (failed.number, failed.step, failed.attempts) == (refs[2].value, "mark", 1)
    assert "CANCELLED" in failed.detail

    service.orders.ReinstateOrder(
        orders.ReinstateOrderRequest(name=failed.order, request_id=str(uuid.uuid4()))
    )
    assert desk.act("Retry", batch.name).state == STATE.STATE_RUNNING
    assert work_off(running) == 1
    again = desk.get(batch.name)
    assert (again.state, again.counts.done) == (STATE.STATE_DONE, 4)
    ledger = Ledger(engine, batch_id(batch))
    assert ledger.count("coupons") == ledger.count("notices") == (4, 4)
    assert refused(lambda: desk.act("Retry", batch.name)).reason == "BATCH_EMPTY"


@pytest.mark.parametrize("place", ["storage:before_commit", "storage:after_commit"])
def test_whoever_dies_at_any_commit_leaves_nothing_half_done_or_doubled(
    service: Service, storing: Storing, desk: Desk, engine: sa.Engine, place: str
) -> None:
    tag, _ = tagged(service, storing, 50)
    batch = desk.create("customs_delay", tags=[tag])
    desk.act("Confirm", batch.name)
    for visit in (1, 2, 1):
        failpoints = Failpoints()
        failpoints.arm(place, dying(visit))
        with pytest.raises(Death):
            work_off(worker(engine, failpoints))
        counts = desk.get(batch.name).counts
        assert counts.done % CLAIM_MOST in {0, 10}
        ledger = Ledger(engine, batch_id(batch))
        assert ledger.count("coupons") == ledger.count("notices") == (counts.done, counts.done)
    work_off(worker(engine))

    ledger = Ledger(engine, batch_id(batch))
    assert ledger.count("coupons") == ledger.count("notices") == ledger.milestones() == (50, 50)
    assert ledger.count("batch_results") == (150, 50)
    assert desk.get(batch.name).state == STATE.STATE_DONE


def test_a_paused_batch_stands_still_and_a_cancelled_one_stays_as_it_is(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning
) -> None:
    tag, _ = tagged(service, storing, 2 * CLAIM_MOST + 3)
    batch = desk.create("customs_delay", tags=[tag])
    desk.act("Confirm", batch.name)
    assert running.work_off() == CLAIM_MOST

    paused = desk.act("Pause", batch.name)
    assert (paused.state, paused.counts.done) == (STATE.STATE_PAUSED, CLAIM_MOST)
    assert not work_off(running)
    desk.act("Resume", batch.name)
    assert running.work_off() == CLAIM_MOST
    desk.act("Cancel", batch.name)
    assert not work_off(running)

    told = desk.get(batch.name)
    assert (told.state, told.counts.done, told.counts.waiting) == (
        STATE.STATE_CANCELLED, 2 * CLAIM_MOST, 3,
    )  # fmt: skip
    late = refused(lambda: desk.act("Resume", batch.name))
    assert (late.reason, late.metadata["allowedActs"]) == ("BATCH_NOT_IN_STATE", "")


def test_an_order_that_somebody_holds_is_passed_over_and_comes_again(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning, engine: sa.Engine
) -> None:
    tag, refs = tagged(service, storing, 3)
    batch = desk.create("customs_delay", tags=[tag])
    desk.act("Confirm", batch.name)
    held = order_of(service, refs[1]).name.removeprefix("orders/")

    with engine.connect() as other:
        other.execute(sa.text("SELECT FROM orders WHERE order_id = :o FOR UPDATE"), {"o": held})
        work_off(running)
    assert desk.get(batch.name).counts.done == 2
    later = replace(running, clock=FakeClock(running.clock() + LOOK_AGAIN))
    work_off(later)

    assert desk.get(batch.name).counts.done == 3


def test_an_order_that_breaks_us_fails_alone_and_the_others_go_on(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning, engine: sa.Engine
) -> None:
    tag, refs = tagged(service, storing, 4)
    batch = desk.create("customs_delay", tags=[tag])
    desk.act("Confirm", batch.name)
    broken = order_of(service, refs[1]).name.removeprefix("orders/")
    told: list[Exception] = []

    set_holds(engine, broken, "[1]")
    work_off(replace(running, parted=told.append))

    done = desk.get(batch.name)
    assert (done.counts.done, done.counts.failed) == (3, 1)
    assert [each.reason for each in done.failures] == ["INTERNAL_ERROR"]
    assert told
    set_holds(engine, broken, "[]")
    desk.act("Retry", batch.name)
    work_off(running)
    assert desk.get(batch.name).counts.done == 4


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


def test_a_recall_holds_orders_and_opens_a_case_on_each(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning
) -> None:
    tag, refs = tagged(service, storing, 2)
    batch = desk.create("recall", tags=[tag])
    desk.act("Confirm", batch.name)
    work_off(running)

    assert desk.get(batch.name).counts.done == 2, desk.members(batch.name)
    order = order_of(service, refs[0])
    assert [each.reason for each in order.holds] == ["QUALITY"]
    (member, _) = desk.members(batch.name)
    assert member.brought["look"].startswith("case-")


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
    names = [desk.create("stock_delay", tags=[tag], inputs={"delay_days": "3"}).name]
    desk.act("Cancel", names[0])
    names.insert(0, desk.create("stock_delay", tags=[tag], inputs={"delay_days": "3"}).name)

    found: list[str] = []
    request = pb.ListBatchesRequest(template="stock_delay", page_size=1)
    while not found or request.page_token:
        page = desk.ask("ListBatches", request)
        found += [each.name for each in page.batches]
        request.page_token = page.next_page_token

    assert found == names
    frozen = desk.ask(
        "ListBatches", pb.ListBatchesRequest(template="stock_delay", states=[STATE.STATE_FROZEN])
    )
    assert [each.name for each in frozen.batches] == names[:1]
