"""Kafka compacts changelogs, which the embedded broker never does; no row may be lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from streams.logic.rowlog import DELTAS_MAX
from tests.integration.streams.happenings import Expected, events, rows_of
from tests.integration.streams.world import World, eventually, has_all_markers, in_redis, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# Compact as soon as there is anything to gain; Kafka's own settings take a week over it.
EAGER = {
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.0",
    "delete.retention.ms": "0",
    "min.compaction.lag.ms": "0",
}
SEED = 11

# Behind 500 deltas come the pages that hold their rows, and as many deletions: some of them.
PAGES = 200
# Events at once: of 10,000 there are rounds enough, even where each is one chunk.
ROUND = 10


@pytest.fixture
def around() -> Iterator[World]:
    with world() as made:
        yield made


def changelogs(admin: AdminClient) -> list[str]:
    return [name for name in admin.list_topics(timeout=10).topics if name.endswith("-changelog")]


def compact_eagerly(admin: AdminClient) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in EAGER.items()
    ]
    changes = admin.incremental_alter_configs(
        [
            ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
            for name in changelogs(admin)
        ]
    )
    for change in changes.values():
        change.result(10)


def end_of(around: World, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": around.servers.kafka_bootstrap, "group.id": "ends"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1])
    finally:
        consumer.close()


def has_holes(around: World, topic: str) -> bool:
    """Return whether offsets are missing that once were there."""
    consumer = Consumer(
        {
            "bootstrap.servers": around.servers.kafka_bootstrap,
            "group.id": "looks-for-holes",
            "enable.auto.commit": False,
        }
    )
    try:
        place = TopicPartition(topic, 0, 0)
        _, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([place])
        expected = 0
        while expected < end and (message := consumer.poll(2.0)) is not None:
            assert message.error() is None, message.error()
            if message.offset() > expected:
                return True
            expected = message.offset() + 1
        return False
    finally:
        consumer.close()


def test_rows_come_back_from_a_compacted_changelog(around: World) -> None:
    admin = AdminClient({"bootstrap.servers": around.servers.kafka_bootstrap, "log_level": 2})
    worker = around.start_worker("first")
    eventually(worker.is_ready, 120, "the worker is ready", [worker])
    compact_eagerly(admin)
    [stages] = [name for name in changelogs(admin) if name.endswith("-stages-changelog")]
    expected = Expected()

    with around.heartbeats():
        # One by one, and on one partition: so that there are chunks enough for its changelog to
        # get pages, and to lose the deltas.
        happened = events(SEED, 10_000, start_s=1_790_000_000, span_s=900)
        while (length := end_of(around, stages)) < DELTAS_MAX + PAGES:
            for event in islice(happened, ROUND):
                expected.add(event)
                around.publish(event, event.order, partition=0)
                around.producer.flush(10)
                around.producer.poll(0.01)
            # A slow worker takes a round as one chunk; it is never so far behind that none is left.
            eventually(
                lambda n=length: end_of(around, stages) > n, 60, "a chunk is written down", [worker]
            )
        eventually(lambda: has_holes(around, stages), 60, f"{stages} compacted", [worker])

        worker.kill()
        around.redis.flushall()
        second = around.start_worker("second")
        eventually(
            lambda: rows_of(in_redis(around)) == expected.rows() and has_all_markers(around),
            120,
            f"the view is whole again, seed {SEED}",
            [second],
        )
