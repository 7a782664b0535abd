"""What Kafka does that the embedded broker does not: it remembers, it refuses, it has settings."""

import os
import signal

from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from concord.insights.v1.partial_pb2 import DeadLetter
from service.application.outbox import Stream
from service.kafka.topics import MESSAGE_BYTES_MAX, NAMES, TOPICS
from service.postgres.outbox_desk import PostgresOutboxQueue
from tests.integration.relay.world import ORDERS, World, wait_until

RECEIPTS = NAMES[Stream.RECEIPTS]

# What a topic has that somebody made by hand.
KAFKAS_OWN_LIMIT = 1_048_588


def configured(bootstrap: str, topic: str, **settings: str) -> None:
    """Change settings of a topic; `max_message_bytes` is `max.message.bytes`."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    entries = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    for change in admin.incremental_alter_configs([resource]).values():
        change.result(10)


def settings_of(bootstrap: str, topic: str) -> dict[str, str]:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    [asked] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in asked.result(10).items()}


def parked(world: World) -> list[tuple[str, str]]:
    desk = PostgresOutboxQueue(world.engine, topics=NAMES, ids=lambda: "a-marker")
    return [(each.stream.key, each.last_error) for each in desk.parked_streams(limit=50)]


def test_a_broker_that_comes_back_with_its_topics_goes_on_in_its_life(world: World) -> None:
    world.start_living()

    for _ in range(2):
        writing = world.write_many(writers=4, each=50, orders=6)
        world.servers.kill("broker")
        world.servers.start("broker")
        writing.join()
    wait_until(world.is_drained, what="an empty outbox")

    guard = world.guard()
    assert dict(guard.applied) == world.written()
    assert guard.gaps == []
    assert world.epoch() == 1


def test_topics_have_the_settings_of_the_contract_and_no_others_spring_up(world: World) -> None:
    world.start_living()
    bootstrap = world.servers.kafka_bootstrap

    for topic in TOPICS.values():
        found = settings_of(bootstrap, topic.name)
        assert found | topic.configuration == found, topic.name
    made = {name for name in world.topics() if not name.startswith("__")}
    assert made == set(TOPICS)


def test_topics_that_are_deleted_under_a_broker_that_lives_are_made_again(world: World) -> None:
    world.start_relay()
    world.write_many(writers=2, each=20, orders=4).join()
    wait_until(world.is_drained, what="an empty outbox")

    writing = world.write_many(writers=2, each=20, orders=4)
    world.servers.empty_broker()
    writing.join()
    wait_until(lambda: world.epoch() == 2 and world.is_drained(), what="the second life")

    assert dict(world.guard(epoch=2).applied) == world.written()


def test_what_only_the_broker_finds_too_large_parks_its_order_and_says_why(world: World) -> None:
    world.start_living()
    configured(world.servers.kafka_bootstrap, ORDERS, max_message_bytes=str(KAFKAS_OWN_LIMIT))
    world.write("order-1")
    world.write("order-1", os.urandom(KAFKAS_OWN_LIMIT + 1_000))
    world.write("order-1")
    for number in range(2, 10):
        for _ in range(40):
            world.write(f"order-{number}", os.urandom(2_000))

    wait_until(lambda: len(parked(world)) == 1, what="order-1 to be parked")
    wait_until(world.is_drained, what="all other orders to flow")

    [(key, why)] = parked(world)
    assert (key, why.partition(":")[0]) == ("order-1", "MSG_SIZE_TOO_LARGE")
    others = {f"order-{number}": 40 for number in range(2, 10)}
    assert dict(world.guard_of_what_came(least=1 + sum(others.values())).applied) == {
        "order-1": 1,
        **others,
    }


def test_the_largest_message_that_the_relay_sends_is_taken(world: World) -> None:
    world.start_living()
    # Its key, its headers and those of the batch come to less than 1 KiB.
    world.post(RECEIPTS, "douyin:1", os.urandom(MESSAGE_BYTES_MAX - 1_024))

    wait_until(world.is_drained, what="an empty outbox")

    assert parked(world) == []
    [record] = world.read(RECEIPTS, least=1)
    assert len(record.value) == MESSAGE_BYTES_MAX - 1_024


def test_the_dead_letter_of_the_largest_record_is_taken(world: World) -> None:
    world.start_living()
    letters = next(topic for topic in TOPICS.values() if topic.message is DeadLetter)
    letter = DeadLetter(value=os.urandom(MESSAGE_BYTES_MAX), key=b"k" * 1_000, topic=ORDERS)
    # As much as the streams' producer lets through.
    settings = {"bootstrap.servers": world.servers.kafka_bootstrap, "message.max.bytes": 4_194_304}
    producer = Producer(settings)
    failures: list[KafkaError | None] = []

    producer.produce(
        letters.name,
        letter.SerializeToString(),
        on_delivery=lambda error, _: failures.append(error),
    )

    assert producer.flush(10) == 0
    assert failures == [None]


def test_a_broker_that_stands_still_is_waited_out(world: World) -> None:
    world.start_living()
    world.servers.kill("broker", signal.SIGSTOP)
    world.write_many(writers=2, each=20, orders=4).join()
    assert not world.is_drained()
    world.servers.kill("broker", signal.SIGCONT)

    wait_until(world.is_drained, what="an empty outbox")
    guard = world.guard()
    assert (dict(guard.applied), guard.gaps) == (world.written(), [])
    assert (world.epoch(), parked(world)) == (1, [])
