"""Tells every partition once a second that nothing happened, so that event time moves on.

A heartbeat says: every row that was visible at this time has been sent before. So none is sent
while a row older than a second waits; streams then wait as well, instead of closing a window on
messages that are still to come. Parked streams, and those that back off after a refusal, do not
count: one message that no broker takes must not stop everybody's clock. What arrives late after
all is folded in as a revision.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from service.application.outbox import RelayQueue, StreamKey
from service.kafka.headers import heartbeat_headers
from service.kafka.producer import BrokerUnavailableError, Publisher, Record
from service.kafka.topics import TOPICS

# Twenty rounds; a message that waits longer is behind, not on its way.
BEHIND_AFTER_S: Final = 1.0


class Heartbeats:
    """Sends heartbeats when asked to. For the first shard's relay only: one speaks for all."""

    def __init__(
        self, queue: RelayQueue, publisher: Publisher, clock: Callable[[], datetime]
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._clock = clock

    def send(
        self, partitions: Mapping[str, int], epoch: int, *, waiting: Collection[StreamKey]
    ) -> bool:
        """Send one to each partition, unless rows are behind; return whether it was sent."""
        at = self._clock()
        if self._queue.is_behind(waiting, age_s=BEHIND_AFTER_S):
            return False
        records = [
            Record(
                topic=topic.name,
                key=None,
                value=topic.heartbeat(at),
                headers=heartbeat_headers(topic, partition, at, epoch),
                partition=partition,
            )
            for topic in TOPICS.values()
            if topic.has_heartbeat
            for partition in range(partitions.get(topic.name, 0))
        ]
        if any(self._publisher.publish(records)):
            raise BrokerUnavailableError
        return True
