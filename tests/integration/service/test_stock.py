"""Hot articles under many hands: never oversold, every conflict resolved and told as the cause."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from service.application.allocating import AGAIN_AFTER, LEASE, Allocating
from service.application.stock_desk import Settled
from service.application.stocking import Stocking
from service.domain.facts import Circumstance, Fact, FactKind, OrderLine, OrderRef
from service.domain.lifecycle import State
from service.domain.order import Order
from service.domain.stages import measures
from service.domain.stock import needs
from service.domain.truth import derive
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING, a_fact
from tests.fakes import FakeClock
from tests.integration.service.world import Storing

WORKERS = 8
HOT = 3
ORDERS = 160
# The orders want 133 of each article: some wait until pieces come, and some in vain.
PIECES = 100
ROUNDS = 8


def facts(name: str, *kinds: FactKind, **asked: int) -> list[Fact]:
    ref = OrderRef("douyin", name)
    lines = tuple(OrderLine(sku, count) for sku, count in asked.items())
    return [
        replace(
            a_fact(kind, minute=minute, fact_id=f"{name}-{kind.value}", ref=ref),
            lines=lines if kind is FactKind.ORDER_CREATED else (),
        )
        for minute, kind in enumerate(kinds)
    ]


def clockwork(
    storing: Storing,
    told: Callable[[Settled], None] = lambda _settled: None,
    *,
    clock: FakeClock | None = None,
    pause: Callable[[float], None] = lambda _seconds: None,
) -> Allocating:
    return Allocating(
        storing.storage,
        ProtobufEncoder(),
        clock or storing.clock,
        chance=random.random,
        pause=pause,
        told=told,
    )


def count(storing: Storing, sku: str, on_hand: int) -> None:
    storing.storage.transact(
        lambda unit: Stocking(unit, storing.clock()).count(sku, "bj1", on_hand)
    )


def order_of(storing: Storing, name: str) -> Order:
    return storing.reader.order_by_ref(OrderRef("douyin", name))


def allocation(storing: Storing, name: str) -> tuple[Fact, str]:
    """Return the fact of an order's allocation, and the cause of its stage's time."""
    told = storing.reader.dossier(order_of(storing, name).order_id).facts
    (fact,) = [each for each in told if each.kind is FactKind.STOCK_ALLOCATED]
    truth = derive(told)
    assert truth is not None
    return fact, measures(truth)[State.PAID, State.AWAITING_OUTBOUND].cause


def test_a_row_that_somebody_holds_is_tried_again_and_told_as_the_cause(
    storing: Storing, engine: sa.Engine
) -> None:
    sku, name = str(uuid.uuid4()), str(uuid.uuid4())
    count(storing, sku, 5)
    storing.tell(*facts(name, FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, **{sku: 2}))
    settled: list[Settled] = []

    with engine.connect() as other:
        other.execute(sa.text("SELECT FROM stock WHERE sku = :sku FOR UPDATE"), {"sku": sku})
        work = clockwork(storing, settled.append, pause=lambda _seconds: other.rollback())
        while work.settle_due():
            pass

    assert settled == [Settled.BUSY, Settled.RESERVED]
    fact, cause = allocation(storing, name)
    assert fact.circumstances == {Circumstance.STOCK_LOCK_RETRY}
    assert cause == "STOCK_LOCK_CONFLICT"


@pytest.mark.slow
def test_many_hands_on_hot_articles_never_sell_what_is_not_there(
    storing: Storing, engine: sa.Engine
) -> None:
    run = uuid.uuid4().hex[:8]
    skus = [f"{run}-{number}" for number in range(HOT)]
    names = [f"{run}-order-{number}" for number in range(ORDERS)]
    for sku in skus:
        count(storing, sku, PIECES)
    told = []
    for number, name in enumerate(names):
        asked = {skus[number % HOT]: 1 + number % 2, skus[(number + 1) % HOT]: 1}
        told += facts(name, FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, **asked)
    storing.tell_each(told)

    settled = work_together(storing, restock=skus)

    orders = {name: order_of(storing, name) for name in names}
    states = Counter(each.state for each in orders.values())
    left = assert_promises_are_kept(engine, skus)
    assert set(states) == {State.PAID, State.AWAITING_OUTBOUND}
    assert settled[Settled.RESERVED] == states[State.AWAITING_OUTBOUND]
    # Who waits, waits for want of stock, and nobody because of a lock.
    for each in orders.values():
        if each.state is State.PAID:
            assert any(left[sku] < wanted for sku, wanted in needs(each.lines).items())
    assert settled[Settled.BUSY] > 0
    allocations = [
        allocation(storing, name)
        for name, each in orders.items()
        if each.state is State.AWAITING_OUTBOUND
    ]
    retried = [cause for fact, cause in allocations if fact.circumstances]
    assert 0 < len(retried) <= settled[Settled.BUSY]
    assert set(retried) == {"STOCK_LOCK_CONFLICT"}
    assert storing.reader.verify_chain("").problem == ""


def work_together(storing: Storing, *, restock: list[str]) -> Counter[Settled]:
    """Let workers settle what is due, side by side, while pieces keep coming."""
    settled = Counter[Settled]()
    clock = FakeClock(EVENING)

    def add_one(sku: str) -> None:
        storing.storage.transact(lambda unit: Stocking(unit, clock()).adjust(sku, "bj1", 1))

    def worker(number: int) -> None:
        mine = clockwork(storing, lambda each: settled.update([each]), clock=clock)
        for _ in range(ROUNDS):
            add_one(restock[number % len(restock)])
            mine.settle_due()
            # What lost its tries comes again a second or two later.
            clock.pass_time(AGAIN_AFTER)

    with ThreadPoolExecutor(WORKERS) as threads:
        for each in [threads.submit(worker, number) for number in range(WORKERS)]:
            each.result(timeout=120)
    clock.pass_time(LEASE)
    while clockwork(storing, lambda each: settled.update([each]), clock=clock).settle_due():
        pass
    return settled


def assert_promises_are_kept(engine: sa.Engine, skus: list[str]) -> dict[str, int]:
    """Compare shelves and reservations; return what is left of each article."""
    with engine.connect() as connection:
        shelves = connection.execute(
            sa.text("SELECT sku, on_hand, reserved FROM stock WHERE sku = ANY(:skus)"),
            {"skus": skus},
        ).all()
        promised = connection.execute(
            sa.text(
                "SELECT sku, sum(quantity) AS pieces FROM reservations"
                " WHERE sku = ANY(:skus) AND released_at IS NULL GROUP BY sku"
            ),
            {"skus": skus},
        ).all()
        twice = connection.execute(
            sa.text(
                "SELECT order_id FROM reservations WHERE sku = ANY(:skus)"
                " GROUP BY order_id HAVING count(DISTINCT reservation_id) > 1"
            ),
            {"skus": skus},
        ).all()
    assert all(row.reserved <= row.on_hand for row in shelves)
    assert {row.sku: row.reserved for row in shelves} == {row.sku: row.pieces for row in promised}
    assert twice == []
    return {row.sku: row.on_hand - row.reserved for row in shelves}


@pytest.mark.parametrize("change", ["reserved = on_hand + 1", "reserved = -1", "on_hand = -1"])
def test_the_database_refuses_stock_that_cannot_be(
    storing: Storing, engine: sa.Engine, change: str
) -> None:
    sku = str(uuid.uuid4())
    count(storing, sku, 5)

    statement = sa.text(f"UPDATE stock SET {change} WHERE sku = :sku")  # noqa: S608
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(statement, {"sku": sku})
