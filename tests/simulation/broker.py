"""A broker in memory: logs by topic and partition, and now and then all of them are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from service.application.outbox import BrokerLife
from service.kafka.broker_life import Survey
from service.kafka.producer import BrokerUnavailableError
from service.kafka.topics import PUBLISHED, TOPICS

PARTITIONS: Final = 2


@dataclass(frozen=True, slots=True)
class Record:
    """A record as consumers see it."""

    key: str
    n: int | None
    payload: bytes
    epoch: int
    logged_us: int


@dataclass(slots=True)
class MemoryBroker:
    """Implements `service.kafka.broker_life.Broker`."""

    logs: dict[str, list[list[Record]]] = field(default_factory=dict)
    marker: str | None = None
    is_away: bool = False

    def append(self, topic: str, record: Record) -> None:
        """Take a record, or raise `BrokerUnavailableError`."""
        if self.is_away or topic not in self.logs:
            raise BrokerUnavailableError
        self.logs[topic][crc32(record.key.encode()) % PARTITIONS].append(record)

    def lose_everything(self) -> None:
        """Come back empty."""
        self.logs, self.marker = {}, None

    def survey(self) -> Survey:
        if self.is_away:
            raise BrokerUnavailableError
        ends = {
            (topic.name, number): len(log)
            for topic in PUBLISHED.values()
            for number, log in enumerate(self.logs.get(topic.name, ()))
        }
        return Survey(self.marker, dict.fromkeys(self.logs, PARTITIONS), ends)

    def create_topics(self, names: Iterable[str]) -> None:
        for name in names:
            assert name in TOPICS
            self.logs.setdefault(name, [[] for _ in range(PARTITIONS)])

    def write_marker(self, life: BrokerLife) -> None:
        if self.is_away:
            raise BrokerUnavailableError
        self.marker = life.marker

    def close(self) -> None:
        """Nothing to let go of."""
