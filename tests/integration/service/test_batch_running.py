"""Batches are worked off once: whoever dies, fails, holds an order or calls it off meanwhile."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
import sqlalchemy as sa

from concord.batches.v1 import batch_service_pb2_grpc
from concord.orders.v1 import order_service_pb2 as orders
from service.application.batch_running import CLAIM_MOST, FROZEN_FOR, LOOK_AGAIN, BatchRunning
from service.failpoints import Failpoints
from tests.fakes import FakeClock
from tests.integration.service.batch_world import (
    MEMBER,
    STATE,
    Death,
    Desk,
    Ledger,
    batch_id,
    cancelled,
    dying,
    order_of,
    set_holds,
    tagged,
    work_off,
    worker,
)
from tests.integration.service.world import Service, Storing, refused


@pytest.fixture(scope="module")
def desk(service: Service) -> Desk:
    return Desk(batch_service_pb2_grpc.BatchServiceStub(service.channel))


@pytest.fixture
def running(engine: sa.Engine) -> BatchRunning:
    return worker(engine)


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


def test_a_list_that_nobody_confirms_is_called_off_after_a_day(
    service: Service, storing: Storing, desk: Desk, running: BatchRunning
) -> None:
    tag, _ = tagged(service, storing, 2)
    forgotten = desk.create("customs_delay", tags=[tag])
    running.finish()
    assert desk.get(forgotten.name).state == STATE.STATE_FROZEN

    replace(running, clock=FakeClock(running.clock() + FROZEN_FOR)).finish()

    assert desk.get(forgotten.name).state == STATE.STATE_CANCELLED
    assert desk.create("customs_delay", tags=[tag]).size == 2
