"""A consumer of its own: reads all that is published, in each life of the broker from its begin.

It does what every consumer must: apply the next number of a key, drop repeats, notice gaps. What
was published and lost with the broker before it came here is not missed: history comes again.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from service.application.outbox import Stream
from service.kafka.topics import NAMES

STREAM_OF: Final[Mapping[str, Stream]] = {name: stream for stream, name in NAMES.items()}
AT_ONCE: Final = 5_000
LOOK_S: Final = 0.1


@dataclass
class Life:
    """What came in one life of the broker."""

    # Last number applied, by stream and key.
    applied: dict[Stream, dict[bytes, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    # Ids of what has no number.
    ids: dict[Stream, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    gaps: list[tuple[str, str, int, int]] = field(default_factory=list)


class Reader:
    """Reads in a thread of its own, from `with` to its end."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self.lives: dict[int, Life] = defaultdict(Life)
        self.records: Counter[Stream] = Counter()
        self.repeats: Counter[Stream] = Counter()
        # Records of an older life that came in a newer one: consumers pass them over.
        self.strays = 0
        self.outcomes: set[bytes] = set()
        self.news_at = time.monotonic()
        self.failed: BaseException | None = None
        self._newest = 0
        self._over = threading.Event()
        self._away = threading.Event()
        self._is_away = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Read nothing while the block runs, and then everything from its beginning.

        An old position would point somewhere into the new topics.
        """
        self._is_away.clear()
        self._away.set()
        self._is_away.wait(10)
        try:
            yield
        finally:
            self._away.clear()

    @property
    def newest(self) -> Life:
        """The newest life of the broker that is known here."""
        return self.lives[self._newest]

    @property
    def newest_epoch(self) -> int:
        """Its number."""
        return self._newest

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                if self._away.is_set():
                    self._is_away.set()
                    self._over.wait(LOOK_S)
                else:
                    self._read_until_away()
        except BaseException as error:  # noqa: BLE001  # Told where the test sees it.
            self.failed = error
        finally:
            self._is_away.set()

    def _read_until_away(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "chaos-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "allow.auto.create.topics": False,
                "fetch.wait.max.ms": 50,
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        try:
            if not self._await_topics(consumer):
                return
            consumer.assign(
                [
                    TopicPartition(name, partition, 0)
                    for name in STREAM_OF
                    for partition in range(self._partitions)
                ]
            )
            while not (self._over.is_set() or self._away.is_set()):
                for message in consumer.consume(AT_ONCE, timeout=LOOK_S):
                    self._take(message)
        finally:
            consumer.close()

    def _await_topics(self, consumer: Consumer) -> bool:
        """Return when all topics are there; False if there is something else to do."""
        while not (self._over.is_set() or self._away.is_set()):
            try:
                if consumer.list_topics(timeout=1).topics.keys() >= STREAM_OF.keys():
                    return True
            except KafkaException:
                pass
            self._over.wait(LOOK_S)
        return False

    def _take(self, message: Message) -> None:
        key = message.key()
        if message.error() is not None or key is None:
            # An outage, of which librdkafka makes the best; or a heartbeat.
            return
        headers = dict(message.headers() or [])
        epoch = int(headers["concord-epoch"])
        if epoch < self._newest:
            self.strays += 1
            return
        self._newest = epoch
        self.news_at = time.monotonic()
        stream = STREAM_OF[str(message.topic())]
        self.records[stream] += 1
        life, number = self.lives[epoch], headers.get("concord-n")
        if number is None:
            self._take_unnumbered(life, stream, headers["ce_id"])
        else:
            self._take_numbered(life, stream, key, int(number))

    def _take_unnumbered(self, life: Life, stream: Stream, name: bytes) -> None:
        if name in life.ids[stream]:
            self.repeats[stream] += 1
        life.ids[stream].add(name)
        if stream is Stream.OUTCOMES:
            self.outcomes.add(name)

    def _take_numbered(self, life: Life, stream: Stream, key: bytes, number: int) -> None:
        applied = life.applied[stream]
        last = applied[key]
        if number == last + 1:
            applied[key] = number
        elif number <= last:
            self.repeats[stream] += 1
        else:
            life.gaps.append((stream.value, key.decode(), last, number))
