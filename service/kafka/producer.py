"""Sends records and waits until the broker has acknowledged every one, or has not.

A producer that saw an error is thrown away and a new one is built: after a broker lost its
memory an idempotent producer delivers nothing for as long as it lives.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from opentelemetry.trace import SpanKind

from service.kafka.headers import TRACEPARENT, Headers
from service.kafka.topics import MESSAGE_BYTES_MAX
from service.telemetry import OpenSpan, begin_span

# What librdkafka is given to deliver one message, retries included.
DELIVERY_TIMEOUT_S: Final = 10.0

# Far above a healthy answer (2 ms), and short enough to look again soon.
CONNECT_TIMEOUT_S: Final = 3.0

# Reports come a little after their time-out.
REPORT_GRACE_S: Final = 2.0

# After all brokers went away: long enough for a leader to move, and far below the delivery
# time-out, which an idempotent producer would otherwise wait out even when they are back.
PATIENCE_S: Final = 1.0

# Errors of the broker or the way to it, not of the message: any message would meet them, so they
# never park a stream. What is not listed counts against the message, and is seen by people.
OUTAGES: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._FATAL,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.DUPLICATE_SEQUENCE_NUMBER,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.THROTTLING_QUOTA_EXCEEDED,
        KafkaError.UNKNOWN_PRODUCER_ID,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
    }
)


class BrokerUnavailableError(Exception):
    """The broker did not do its part. It is asked again after a pause, for ever."""


@dataclass(slots=True)
class Record:
    """One record to send. Without a `key` it needs a `partition`."""

    topic: str
    key: str | None
    value: bytes
    headers: Headers
    partition: int | None = None
    traceparent: str | None = None
    """Context that caused the record; only a record with a key is traced."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record was not acknowledged."""

    reason: str
    is_outage: bool
    """True where any other record would have failed as well."""


class Publisher(Protocol):
    """Sends records to a broker."""

    def publish(self, records: Sequence[Record]) -> list[Failure | None]:
        """Send records in order; return for each None once it is acknowledged, or its failure.

        Behind a record that was refused at once, no other of its topic and key is sent.

        Raises:
            BrokerUnavailableError: there is no broker; nothing was sent.
        """

    def renew(self) -> None:
        """Forget a loss of the broker: whoever calls this looks at what became of it."""

    def close(self) -> None:
        """Let go of the broker."""


NO_REPORT: Final = Failure("NO_REPORT", is_outage=True)
BEHIND_A_REFUSAL: Final = Failure("BEHIND_A_REFUSAL", is_outage=True)


def settings(bootstrap: str) -> dict[str, str | int | bool]:
    """Return how the relay's producer is set up, in librdkafka's words."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "concord-relay",
        "acks": "all",
        "enable.idempotence": True,
        # Whoever publishes flushes, and that ends the wait at once: one record still takes 2 ms. So
        # a part of a round goes out in one batch a partition, instead of one each millisecond,
        # which took the producer's thread 5 to 11 µs a record instead of 2.
        "linger.ms": 50,
        "delivery.report.only.error": True,
        "message.timeout.ms": int(DELIVERY_TIMEOUT_S * 1_000),
        "message.max.bytes": MESSAGE_BYTES_MAX,
        # What the Java client and aiokafka do with keys; without a key we name a partition.
        "partitioner": "murmur2_random",
        # A topic made by accident has the wrong settings, and hides that the right one went.
        "allow.auto.create.topics": False,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        # Critical only: outages are told by the relay, once, in its own words.
        "log_level": 2,
    }


class KafkaPublisher:
    """Implements `Publisher` by librdkafka's idempotent producer."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: Producer | None = None
        self._fell_at: float | None = None

    def publish(self, records: Sequence[Record]) -> list[Failure | None]:
        producer = self._healthy()
        # What failed is reported, and nothing else: a report for each record costs as much as
        # to send it. So what was not reported is acknowledged, once none is under way.
        outcomes: list[Failure | None] = [None] * len(records)
        spans: list[tuple[int, OpenSpan]] = []
        refused: set[tuple[str, str]] = set()
        for index, record in enumerate(records):
            if refused and record.key is not None and (record.topic, record.key) in refused:
                outcomes[index] = BEHIND_A_REFUSAL
                continue
            span = _begin_send(record)
            if span:
                spans.append((index, span))
            try:
                _send(producer, record, span, partial(_note_failure, outcomes, index))
            except KafkaException as error:
                outcomes[index] = _failure(error.args[0])
                refused.add((record.topic, record.key or ""))
        if self._await(producer):
            outcomes = [failure or NO_REPORT for failure in outcomes]
        for index, span in spans:
            failure = outcomes[index]
            span.end(KafkaException(failure.reason) if failure else None)
        if any(outcomes):
            self.close()
        return outcomes

    def close(self) -> None:
        """Let go of the producer, and of whatever it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(0.1)

    def renew(self) -> None:
        if self._has_fallen():
            self.close()

    def _has_fallen(self) -> bool:
        if self._producer is not None:
            # Serves news of the connection that came since the last round.
            self._producer.poll(0)
        return self._producer is not None and self._fell_at is not None

    def _healthy(self) -> Producer:
        if self._has_fallen():
            # It may be back, and without its topics: whoever publishes must look first. Records
            # to topics that are gone would wait out their whole time.
            self.close()
            raise BrokerUnavailableError
        if self._producer is None:
            self._producer = self._connected()
            self._fell_at = None
        return self._producer

    def _connected(self) -> Producer:
        producer = Producer({**settings(self._bootstrap), "error_cb": self._note})
        try:
            # Without knowing the topics it would hold the first messages back for a second.
            producer.list_topics(timeout=CONNECT_TIMEOUT_S)
        except KafkaException as error:
            raise BrokerUnavailableError from error
        return producer

    def _note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._fell_at = self._fell_at or time.monotonic()

    def _await(self, producer: Producer) -> int:
        """Wait until nothing is under way; return how many records nobody knows about."""
        deadline = time.monotonic() + DELIVERY_TIMEOUT_S + REPORT_GRACE_S
        while producer.flush(0.1):
            now = time.monotonic()
            has_fallen = self._fell_at is not None and now - self._fell_at > PATIENCE_S
            if has_fallen or now > deadline:
                producer.purge()
                return producer.flush(REPORT_GRACE_S)
        return 0


def _send(
    producer: Producer,
    record: Record,
    span: OpenSpan | None,
    report: Callable[[KafkaError | None, Message], None],
) -> None:
    headers: dict[str, str | bytes | None] = {**record.headers}
    traceparent = span.traceparent if span else record.traceparent
    if traceparent:
        headers[TRACEPARENT] = traceparent
    # Unassigned: the partitioner decides by the key.
    partition = -1 if record.partition is None else record.partition
    producer.produce(
        record.topic,
        record.value,
        record.key,
        partition=partition,
        headers=headers,
        on_delivery=report,
    )


def _note_failure(
    outcomes: list[Failure | None], index: int, error: KafkaError | None, _: Message
) -> None:
    outcomes[index] = _failure(error) if error else None


def _begin_send(record: Record) -> OpenSpan | None:
    """Begin the span of a send in the trace that caused it, where that trace is sampled."""
    if record.key is None or not (record.traceparent or "-01").endswith("1"):
        return None
    return begin_span(
        f"send {record.topic}",
        traceparent=record.traceparent,
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": record.topic,
            "messaging.kafka.message.key": record.key,
        },
    )


def _failure(error: KafkaError) -> Failure:
    # Its text names topic and broker, never what was sent.
    return Failure(f"{error.name()}: {error.str()}", is_outage=error.code() in OUTAGES)
