"""Topics are what the contract declares: all of them, with their retention, nowhere spelt twice."""

import importlib
from datetime import UTC, datetime
from pathlib import Path

import concord
from concord.options.v1 import options_pb2
from concord.orders.v1.order_event_pb2 import OrderEvent
from service.application.outbox import Stream
from service.kafka.topics import NAMES, PUBLISHED, TOPICS, topic_of

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def test_every_annotated_message_has_its_topic() -> None:
    declared = set()
    root = Path(next(iter(concord.__path__)))
    for path in root.rglob("*_pb2.py"):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        file = importlib.import_module(name).DESCRIPTOR
        for message in file.message_types_by_name.values():
            if message.GetOptions().HasExtension(options_pb2.topic):
                declared.add(message.GetOptions().Extensions[options_pb2.topic].name)

    assert declared == TOPICS.keys()


def test_every_stream_of_the_outbox_has_a_topic() -> None:
    assert NAMES.keys() == set(Stream)


def test_retention_comes_from_the_contract() -> None:
    orders = topic_of(OrderEvent).configuration
    compacted = next(topic for topic in TOPICS.values() if topic.retention_days == 0)

    assert orders["cleanup.policy"] == "delete"
    assert orders["retention.ms"] == str(7 * 24 * 3600 * 1000)
    assert compacted.configuration["cleanup.policy"] == "compact"


def test_heartbeats_say_up_to_when_nothing_happened() -> None:
    beating = [topic for topic in PUBLISHED.values() if topic.has_heartbeat]

    event = OrderEvent.FromString(topic_of(OrderEvent).heartbeat(AT))

    assert event.WhichOneof("payload") == "heartbeat"
    assert event.event_time.ToDatetime(UTC) == AT
    assert len(beating) == 4
    for topic in beating:
        assert topic.message.FromString(topic.heartbeat(AT)) != topic.message()
