"""The broker refuses one message: its stream waits for a person, everybody else's flows."""

import pytest

from service.application.outbox import Stream, StreamKey, shard_of
from service.domain.errors import StreamNotParkedError
from service.kafka.topics import MESSAGE_BYTES_MAX, NAMES
from service.postgres.outbox_desk import PostgresOutboxQueue
from service.postgres.outbox_history import KEPT_SHARD
from tests.integration.relay.world import ORDERS, World, wait_until

TOO_LARGE = b"x" * (MESSAGE_BYTES_MAX + 1)
CASES = NAMES[Stream.CASES]
STUCK = StreamKey(ORDERS, "order-1")


def desk_of(world: World) -> PostgresOutboxQueue:
    return PostgresOutboxQueue(world.engine, topics=NAMES, ids=lambda: "a-marker")


def test_one_refused_message_parks_only_its_key(world: World) -> None:
    desk = desk_of(world)
    world.start_relay()
    world.write("order-1")
    world.write("order-1", TOO_LARGE)
    world.write("order-1")

    wait_until(lambda: desk.backlog().parked == 1, what="order-1 to be parked")
    for _ in range(3):
        world.write("order-2")
    wait_until(world.is_drained, what="the other order to flow")

    assert dict(world.guard_of_what_came(least=4).applied) == {"order-1": 1, "order-2": 3}
    [parked] = desk.parked_streams(limit=50)
    assert parked.stream == STUCK
    assert (parked.messages, parked.attempts) == (2, 8)
    assert parked.last_error.startswith("MSG_SIZE_TOO_LARGE")
    assert desk.backlog().messages == 0


def test_a_parked_stream_goes_on_in_its_order_when_it_is_sent_again(world: World) -> None:
    desk = desk_of(world)
    world.start_relay()
    world.write("order-1", TOO_LARGE)
    world.write("order-1")
    wait_until(lambda: desk.backlog().parked == 1, what="order-1 to be parked")

    world.query("UPDATE outbox SET payload = 'mended' WHERE n = 1")
    freed = desk.resend(STUCK)

    wait_until(world.is_drained, what="order-1 to flow again")
    assert [record.n for record in world.read(ORDERS, least=2)] == [1, 2]
    assert freed.stream == STUCK
    assert desk.parked_streams(limit=50) == []


def test_what_is_refused_again_is_parked_again(world: World) -> None:
    desk = desk_of(world)
    world.start_relay()
    world.write("order-1", TOO_LARGE)
    wait_until(lambda: desk.backlog().parked == 1, what="order-1 to be parked")

    desk.resend(STUCK)

    wait_until(lambda: desk.backlog().parked == 1, what="order-1 to be parked again")
    [parked] = desk.parked_streams(limit=50)
    assert parked.attempts == 8


def test_only_what_is_parked_can_be_sent_again(world: World) -> None:
    with pytest.raises(StreamNotParkedError):
        desk_of(world).resend(STUCK)


def test_a_topic_that_nobody_declared_parks_its_stream(world: World) -> None:
    desk = desk_of(world)
    world.start_relay()
    world.post("not a topic", "order-1", n=1)
    world.write("order-2")

    wait_until(lambda: desk.backlog().parked == 1, what="the stream to be parked", within_s=20)

    assert world.guard_of_what_came(least=1).applied == {"order-2": 1}


def test_what_is_published_leaves_unless_it_is_the_only_history(world: World) -> None:
    world.start_relay()
    orders = [f"order-{number}" for number in range(40)]
    for order in orders:
        world.write(order)
    world.post(CASES, "order-1", n=1)

    wait_until(world.is_drained, what="an empty outbox")

    rows = world.query("SELECT topic, key, published_at FROM outbox")
    kept = {(ORDERS, each) for each in orders if shard_of(each) == KEPT_SHARD}
    assert kept
    assert {(row.topic, row.key) for row in rows} == kept | {(CASES, "order-1")}
    assert all(row.published_at is not None for row in rows)


def test_what_was_published_over_an_hour_ago_is_deleted(world: World) -> None:
    world.start_living().end()
    for published in ("2 hours", "10 minutes"):
        world.write("order-1")
        world.query(
            "UPDATE outbox SET published_at = clock_timestamp() - CAST(:age AS interval)"
            " WHERE published_at IS NULL",
            age=published,
        )

    world.start_relay()

    wait_until(
        lambda: [row.n for row in world.query("SELECT n FROM outbox WHERE n < 3")] == [2],
        what="the older row to be deleted",
    )
