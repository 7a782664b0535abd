"""Finds out that the broker lost its topics, and begins a new life of it.

A life is known by a marker, a random id that stands in PostgreSQL and as the newest record of a
topic of its own. To begin one:

1. make the topics;
2. write the life into PostgreSQL, the whole history into the outbox, in one transaction;
3. write the marker into its topic.

If we crash before 3, the next check does all three again: history is published twice, consumers
drop the repeats. If somebody asks for a new life by `RepublishHistory`, that is step 2; the next
check finds the marker of an older life and does step 3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from google.protobuf.message import DecodeError

from concord.outbox.v1 import broker_life_pb2
from service.application.outbox import BrokerLife, RelayQueue
from service.kafka.producer import BrokerUnavailableError, Publisher, Record
from service.kafka.topics import BROKER_LIVES, PUBLISHED, TOPICS
from service.wire import timestamp

log = structlog.get_logger()

# Far above a healthy answer (2 ms), and short enough to look again soon.
ANSWER_TIMEOUT_S: Final = 3.0

LIFE_KEY: Final = "life"


@dataclass(frozen=True, slots=True)
class Survey:
    """What the broker has."""

    marker: str | None
    """The marker in its topic; None where there is none."""
    partitions: Mapping[str, int]
    """How many partitions each of our topics has; topics that are missing are not in it."""
    ends: Mapping[tuple[str, int], int]
    """End offset of each partition that the relay publishes to."""


class Broker(Protocol):
    """What the watch asks of a broker. Every method may raise `BrokerUnavailableError`."""

    def survey(self) -> Survey:
        """Look at the topics and the marker."""

    def create_topics(self, names: Iterable[str]) -> None:
        """Make topics; one that is there already is left as it is."""

    def write_marker(self, life: BrokerLife) -> None:
        """Write the life's marker, and return when it is acknowledged."""

    def close(self) -> None:
        """Let go of the broker."""


class LifeWatch:
    """Compares the broker with what PostgreSQL knows of it. For the first shard's relay only."""

    def __init__(self, queue: RelayQueue, broker: Broker) -> None:
        self._queue = queue
        self._broker = broker
        self._ends: dict[tuple[str, int], int] = {}
        self.epoch = 0
        self.partitions: Mapping[str, int] = {}

    def check(self) -> None:
        """Make sure that the broker is in the life that PostgreSQL knows, or begin a new one."""
        survey = self._broker.survey()
        life = self._queue.newest_life()
        loss = self._loss(survey, life)
        missing = TOPICS.keys() - survey.partitions.keys()
        if missing:
            self._broker.create_topics(sorted(missing))
        if loss:
            begun = self._queue.begin_life()
            log.warning(
                "broker_life_begun", epoch=begun.life.epoch, reason=loss, rows=begun.messages
            )
            life = begun.life
            # Ends of the life before say nothing about this one, also where what follows fails.
            self._ends = {}
            self._broker.write_marker(life)
        elif life and survey.marker != life.marker:
            self._broker.write_marker(life)
        self.epoch = life.epoch if life else 0
        if missing or loss:
            survey = self._broker.survey()
        self._ends = dict(survey.ends)
        self.partitions = survey.partitions

    def close(self) -> None:
        """Let go of the broker."""
        self._broker.close()

    def _loss(self, survey: Survey, life: BrokerLife | None) -> str | None:
        """Say by what it shows that records were lost; None where they were not."""
        if life is None:
            return "first_life"
        if survey.marker is None:
            return "marker_missing"
        if survey.marker != life.marker and not self._queue.knows_life(survey.marker):
            return "marker_unknown"
        if any(topic.name not in survey.partitions for topic in PUBLISHED.values()):
            return "topic_missing"
        # Ends as the broker reports them: Tansu's are low by up to a batch, but never shrink.
        if any(survey.ends.get(where, 0) < end for where, end in self._ends.items()):
            return "offset_went_back"
        return None


class KafkaBroker:
    """Implements `Broker` for whatever speaks Kafka's protocol.

    Clients that saw an error are thrown away, as producers are: asked for the end of a partition,
    librdkafka asks the leader that it knows, for minutes, also when another broker leads by now.
    """

    def __init__(self, bootstrap: str, *, partitions: int, publisher: Publisher) -> None:
        self._partitions = partitions
        self._publisher = publisher
        self._common: dict[str, str | int | float] = {
            "bootstrap.servers": bootstrap,
            "client.id": "concord-relay",
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 500,
            "log_level": 2,
        }
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None

    def survey(self) -> Survey:
        # Else the marker of a life that begins after this look would be the first to be refused,
        # and the life be begun once more.
        self._publisher.renew()
        try:
            return _look(self._administrator(), self._reader())
        except (KafkaException, BrokerUnavailableError) as error:
            self.close()
            raise BrokerUnavailableError from error

    def _administrator(self) -> AdminClient:
        if self._admin is None:
            self._admin = AdminClient(self._common)
        return self._admin

    def _reader(self) -> Consumer:
        if self._consumer is None:
            # It joins no group: partitions are assigned by hand, and nothing is committed.
            self._consumer = Consumer(
                {
                    **self._common,
                    "group.id": "concord-relay",
                    "enable.auto.commit": False,
                    # The marker is there already: the broker need not wait for more.
                    "fetch.wait.max.ms": 10,
                    "allow.auto.create.topics": False,
                }
            )
        return self._consumer

    def create_topics(self, names: Iterable[str]) -> None:
        wanted = [
            NewTopic(
                name,
                num_partitions=1 if name == BROKER_LIVES.name else self._partitions,
                config=TOPICS[name].configuration,
            )
            for name in names
        ]
        made = self._administrator().create_topics(wanted, request_timeout=ANSWER_TIMEOUT_S)
        for future in made.values():
            try:
                future.result(ANSWER_TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise BrokerUnavailableError from error
            except TimeoutError as error:
                raise BrokerUnavailableError from error

    def write_marker(self, life: BrokerLife) -> None:
        record = broker_life_pb2.BrokerLife(
            epoch=life.epoch, marker=life.marker, start_time=timestamp(life.started_at)
        )
        outcomes = self._publisher.publish(
            [Record(BROKER_LIVES.name, LIFE_KEY, record.SerializeToString(), {}, partition=0)]
        )
        if outcomes != [None]:
            raise BrokerUnavailableError

    def close(self) -> None:
        consumer, self._consumer, self._admin = self._consumer, None, None
        if consumer is not None:
            consumer.close()


def _look(admin: AdminClient, consumer: Consumer) -> Survey:
    found = admin.list_topics(timeout=ANSWER_TIMEOUT_S).topics
    partitions = {name: len(found[name].partitions) for name in TOPICS.keys() & found.keys()}
    return Survey(
        marker=_marker(consumer) if BROKER_LIVES.name in partitions else None,
        partitions=partitions,
        ends={
            (topic.name, partition): _end(consumer, topic.name, partition)
            for topic in PUBLISHED.values()
            for partition in range(partitions.get(topic.name, 0))
        },
    )


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    where = TopicPartition(topic, partition)
    found = consumer.get_watermark_offsets(where, timeout=ANSWER_TIMEOUT_S)
    if found is None:
        raise BrokerUnavailableError
    return int(found[1])


def _marker(consumer: Consumer) -> str | None:
    """Return the newest marker; empty where the newest record is none."""
    end = _end(consumer, BROKER_LIVES.name, 0)
    if end == 0:
        return None
    consumer.assign([TopicPartition(BROKER_LIVES.name, 0, end - 1)])
    try:
        record = consumer.poll(ANSWER_TIMEOUT_S)
    finally:
        consumer.unassign()
    if record is None or record.error():
        raise BrokerUnavailableError
    try:
        return broker_life_pb2.BrokerLife.FromString(record.value() or b"").marker
    except DecodeError:
        return ""
