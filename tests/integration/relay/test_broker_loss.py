"""The broker loses all its topics; the whole history comes again, in a new life of the broker."""

import signal
import time
from datetime import UTC, datetime

from service.application.outbox import Stream
from service.kafka.topics import BROKER_LIVES, NAMES, TOPICS
from service.postgres import outbox_history
from service.postgres.outbox_desk import PostgresOutboxQueue
from tests.integration.relay.world import MOMENT, ORDERS, World, wait_until

CUSTOMERS = NAMES[Stream.CUSTOMERS]
CASES = NAMES[Stream.CASES]
RECEIPTS = NAMES[Stream.RECEIPTS]
OUTCOMES = NAMES[Stream.OUTCOMES]


def lose_broker(world: World) -> None:
    world.servers.kill("broker")
    world.servers.start("broker")


def begin_life(world: World) -> int:
    desk = PostgresOutboxQueue(world.engine, topics=NAMES, ids=lambda: str(time.monotonic_ns()))
    return desk.begin_life().messages


def store_receipt(world: World, receipt: str, *, outcome: str | None) -> None:
    world.query(
        "INSERT INTO receipts (receipt_id, source, dedupe_key, template, received_at, event,"
        " order_hint, outcome) VALUES (:receipt, 'douyin', :receipt, 'concord.event', :at, 'r',"
        " 'hint', :outcome)",
        receipt=receipt, at=MOMENT, outcome=outcome,
    )  # fmt: skip


def test_the_first_life_begins_with_topics_and_marker(world: World) -> None:
    world.start_relay()
    wait_until(lambda: world.epoch() == 1, what="the first life")

    world.write("order-1")

    wait_until(world.is_drained, what="an empty outbox")
    assert [record.epoch for record in world.read(ORDERS, least=1)] == [1]
    assert len(world.read(BROKER_LIVES.name, least=1)) == 1
    assert world.topics().keys() >= TOPICS.keys()


def test_a_lost_broker_gets_the_whole_history_again(world: World) -> None:
    world.start_relay()
    world.write_many(writers=4, each=40, orders=6).join()
    wait_until(world.is_drained, what="an empty outbox")
    # The outbox keeps an hour; older changes are in the journal alone.
    world.query("DELETE FROM outbox WHERE published_at IS NOT NULL AND n <= 10")

    writing = world.write_many(writers=4, each=40, orders=6)
    lose_broker(world)
    writing.join()
    wait_until(lambda: world.epoch() == 2, what="the second life")
    wait_until(world.is_drained, what="an empty outbox")

    guard = world.guard(epoch=2)
    assert dict(guard.applied) == world.written()
    assert guard.gaps == []


def test_a_relay_that_starts_after_the_loss_notices(world: World) -> None:
    relay = world.start_relay()
    world.write_many(writers=2, each=10, orders=2).join()
    wait_until(world.is_drained, what="an empty outbox")
    relay.end()
    lose_broker(world)

    world.start_relay()

    wait_until(lambda: world.epoch() == 2 and world.is_drained(), what="the history, again")
    assert dict(world.guard(epoch=2).applied) == world.written()


def test_a_relay_that_starts_beside_a_healthy_broker_repeats_nothing(world: World) -> None:
    relay = world.start_relay()
    world.write("order-1")
    wait_until(world.is_drained, what="an empty outbox")
    relay.end()

    world.start_relay()
    world.write("order-1")

    wait_until(world.is_drained, what="an empty outbox")
    assert [record.n for record in world.read(ORDERS, least=2)] == [1, 2]
    assert world.epoch() == 1


def test_a_broker_that_is_away_for_long_parks_nothing(world: World) -> None:
    relay = world.start_relay(outage="stop 3")
    wait_until(lambda: world.epoch() == 1, what="the first life")
    world.servers.kill("broker")
    for _ in range(3):
        world.write("order-1")
    wait_until(relay.is_stopped, what="three failed looks at the broker")

    world.servers.start("broker")
    relay.signal(signal.SIGCONT)
    wait_until(world.is_drained, what="an empty outbox")

    assert world.query("SELECT 1 FROM parked_streams") == []
    assert world.query("SELECT 1 FROM outbox WHERE attempts > 0") == []


def test_history_asked_for_by_hand_comes_again_in_a_new_life(world: World) -> None:
    world.start_relay()
    world.write_many(writers=2, each=20, orders=3).join()
    wait_until(world.is_drained, what="an empty outbox")

    assert begin_life(world) == 40

    wait_until(world.is_drained, what="an empty outbox")
    assert dict(world.guard(epoch=2).applied) == world.written()
    wait_until(
        lambda: len(world.read(BROKER_LIVES.name)) == 2, what="the marker of the second life"
    )
    assert world.epoch() == 2


def test_what_is_written_while_a_life_begins_comes_in_it(world: World) -> None:
    world.start_living()
    world.write("order-1")
    wait_until(world.is_drained, what="an empty outbox")

    with world.engine.begin() as connection:
        outbox_history.begin_life(connection, "by hand", NAMES)
        # Too late for the history, and published before it.
        world.write("order-1")
        assert [record.n for record in world.read(ORDERS, least=2)] == [1, 2]

    wait_until(world.is_drained, what="an empty outbox")
    guard = world.guard(epoch=2)
    assert guard.applied == {"order-1": 2}
    assert guard.gaps == []


def test_history_keeps_its_order_among_concurrent_writers(world: World) -> None:
    world.start_relay()
    writing = world.write_many(writers=6, each=80, orders=4)
    for _ in range(3):
        begin_life(world)
    writing.join()
    wait_until(world.is_drained, what="an empty outbox")

    guard = world.guard(epoch=4)
    first = {key: n for key, last, n in guard.gaps if last == 0}
    assert guard.gaps == [], first
    assert dict(guard.applied) == world.written()


def test_history_is_older_than_all_that_waits(world: World) -> None:
    world.write("order-1")
    world.query("UPDATE outbox SET published_at = clock_timestamp()")
    world.write("order-1")
    world.write("order-2")

    assert begin_life(world) == 3

    rows = world.query("SELECT key, n, published_at FROM outbox ORDER BY id")
    assert [(row.key, row.n) for row in rows] == [("order-1", 1), ("order-1", 2), ("order-2", 1)]
    assert all(row.published_at is None for row in rows)


def test_receipts_are_published_again_until_they_have_an_outcome(world: World) -> None:
    for receipt, outcome in (("r-1", None), ("r-2", "APPLIED"), ("r-3", None)):
        store_receipt(world, receipt, outcome=outcome)
    world.post(RECEIPTS, "douyin:hint", b"r", ce_id="r-3")

    assert begin_life(world) == 1

    rows = world.query("SELECT key, n, headers->>'ce_id' AS ce_id FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("douyin:hint", None, "r-1"),
        ("douyin:hint", None, "r-3"),
    ]


def test_customers_and_outcomes_have_a_history_too(world: World) -> None:
    store_receipt(world, "r-1", outcome="APPLIED")
    world.query(
        "INSERT INTO receipt_outcomes (receipt_id, revision, key, event)"
        " VALUES ('r-1', 1, 'douyin:hint', 'first'), ('r-1', 2, 'douyin:hint', 'second')"
    )
    world.query(
        "INSERT INTO customer_events (customer, n, event) VALUES ('c', 1, 'a'), ('c', 2, 'b')"
    )

    assert begin_life(world) == 4

    rows = world.query("SELECT topic, n, headers->>'ce_id' AS ce_id FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [
        (CUSTOMERS, 1, "c:1"),
        (CUSTOMERS, 2, "c:2"),
        (OUTCOMES, None, "r-1:1"),
        (OUTCOMES, None, "r-1:2"),
    ]


def test_of_other_topics_what_the_outbox_still_holds_comes_again(world: World) -> None:
    for n in (1, 2):
        world.post(CASES, "order-1", n=n)
    world.query("UPDATE outbox SET published_at = :at WHERE n = 1", at=datetime.now(UTC))

    assert begin_life(world) == 2

    rows = world.query("SELECT n, published_at FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, None), (2, None)]
