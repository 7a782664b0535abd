"""Reads all that is on the broker's topics, as a consumer of somebody else's would."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition

# Ours begin so; Faust's own (changelogs) have a hyphen.
OURS: Final = "concord."
ASKED_WITHIN_S: Final = 30.0
# Some brokers call the end what is behind the first record of the last batch. So all is read that
# comes for this long after what they call the end: the rest of a batch is part of the same answer.
TAIL_S: Final = 3.0
SILENCE_MAX_S: Final = 30.0

TRACEPARENT: Final = "traceparent"


@dataclass(frozen=True)
class Read:
    """A record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]

    def all_of(self, name: str) -> list[str]:
        return [value.decode() for header, value in self.headers if header == name]

    def header(self, name: str) -> str:
        return next(iter(self.all_of(name)), "")

    @property
    def trace_id(self) -> str:
        parts = self.header(TRACEPARENT).split("-")
        return parts[1] if len(parts) == 4 else ""


def read_all(bootstrap: str) -> list[Read]:
    """Return every record that is on our topics now, partition by partition, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "system-tests",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        return _read(consumer, _ends(consumer))
    finally:
        consumer.close()


def _ends(consumer: Consumer) -> dict[tuple[str, int], tuple[int, int]]:
    metadata = consumer.list_topics(timeout=ASKED_WITHIN_S)
    places = [
        TopicPartition(name, partition)
        for name, topic in metadata.topics.items()
        if name.startswith(OURS)
        for partition in topic.partitions
    ]
    assert places, "there are no topics"
    return {
        (place.topic, place.partition): consumer.get_watermark_offsets(
            place, timeout=ASKED_WITHIN_S
        )
        for place in places
    }


def _read(consumer: Consumer, ends: Mapping[tuple[str, int], tuple[int, int]]) -> list[Read]:
    missing = {place: high for place, (low, high) in ends.items() if high > low}
    consumer.assign([TopicPartition(*place, low) for place, (low, _) in ends.items()])
    found: list[Read] = []
    progress = time.monotonic()
    while missing or time.monotonic() - progress < TAIL_S:
        polled = consumer.poll(0.5)
        assert time.monotonic() - progress < SILENCE_MAX_S, f"records that do not come: {missing}"
        if polled is None:
            continue
        assert polled.error() is None, polled.error()
        read = _told(polled)
        found.append(read)
        place = (read.topic, read.partition)
        if missing:
            progress = time.monotonic()
        if read.offset + 1 >= missing.get(place, read.offset + 2):
            del missing[place]
    return sorted(found, key=lambda read: (read.topic, read.partition, read.offset))


def _told(message: Message) -> Read:
    headers = message.headers() or []
    return Read(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        key=message.key(),
        value=message.value() or b"",
        headers=[(name, value) for name, value in headers],
    )
