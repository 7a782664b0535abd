"""Puts what happened onto a broker: topics, the broker's life, and the events of orders."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.happenings import Happening
from concord.orders.v1.order_event_pb2 import OrderEvent
from concord.outbox.v1.broker_life_pb2 import BrokerLife
from service.application.outbox import OutboxRow, StreamKey
from service.kafka.headers import Headers, heartbeat_headers, row_headers
from service.kafka.topics import topic_of as service_topic
from streams.topics import READ, SENT, topic_of

EPOCH: Final = 1
ORDERS: Final = service_topic(OrderEvent)


def create_topics(bootstrap: str, partitions: int, *more: str) -> None:
    """Create what workers read and send, and other topics besides; begin a life of the broker."""
    wanted = {topic_of(message): partitions for message in (*READ, *SENT)}
    create(bootstrap, wanted | dict.fromkeys(more, partitions) | {topic_of(BrokerLife): 1})
    producer = _producer(bootstrap)
    life = BrokerLife(epoch=EPOCH, marker="benchmark").SerializeToString()
    producer.produce(topic_of(BrokerLife), life, "life")
    producer.flush(10)


def create(bootstrap: str, wanted: Mapping[str, int]) -> None:
    """Create topics with so many partitions each."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    new = [NewTopic(name, count, 1) for name, count in wanted.items()]
    for created in admin.create_topics(new).values():
        created.result(30)


def preload(bootstrap: str, happened: Iterable[Happening], *, by_stage: str = "") -> int:
    """Send everything to the orders' topic; return how many records that made.

    With `by_stage`, what ended a stage goes to that topic as well, under the stage's key.
    """
    producer = _producer(bootstrap)
    count = 0
    for happening in happened:
        _send(producer, ORDERS.name, happening.order, happening)
        if by_stage and happening.stage:
            _send(producer, by_stage, happening.stage, happening)
        count += 1
    if producer.flush(60):
        raise RuntimeError("the broker did not take everything within a minute")
    return count


def length(bootstrap: str, topic: str) -> int:
    """Return how many records a topic holds."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "counts", "log_level": 2})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            for number in partitions
        ]
        return sum(high - low for low, high in ends)
    finally:
        consumer.close()


def headers_of(happening: Happening) -> Headers:
    """Return the headers of its record, as the relay makes them."""
    at = datetime.fromtimestamp(happening.logged_ms / 1000, UTC)
    if happening.order is None:
        return heartbeat_headers(ORDERS, happening.partition or 0, at, EPOCH)
    row = outbox_row(happening)
    headers = row_headers(row, ORDERS.message_name, EPOCH)
    return {**headers, "traceparent": happening.traceparent}


def outbox_row(happening: Happening) -> OutboxRow:
    """Return the row that the service would have written."""
    at = datetime.fromtimestamp(happening.logged_ms / 1000, UTC)
    said = {
        "ce_id": f"{happening.order}:{happening.sequence}",
        "ce_subject": f"orders/{happening.order}",
        "ce_time": at.isoformat(),
        "ce_type": ORDERS.message_name,
        "traceparent": happening.traceparent,
    }
    stream = StreamKey(ORDERS.name, happening.order or "")
    return OutboxRow(0, stream, happening.sequence, happening.value, said)


def _producer(bootstrap: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "compression.type": "none",
            "acks": "all",
            "enable.idempotence": True,
            "log_level": 2,
        }
    )


def _send(producer: Producer, topic: str, key: str | None, happening: Happening) -> None:
    headers: dict[str, str | bytes | None] = {**headers_of(happening)}
    # Unassigned: the partitioner decides by the key.
    partition = -1 if happening.partition is None else happening.partition
    while True:
        try:
            producer.produce(
                topic,
                happening.value,
                key,
                partition,
                headers=headers,
                timestamp=happening.logged_ms,
            )
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def now_s() -> int:
    """Return the time, from which events are counted back."""
    return int(time.time())
