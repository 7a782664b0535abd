"""Publishes the outbox to Kafka, in order within a stream, at least once.

One relay is active (session locks, one for each shard); others stand by. Each round:

1. claim the oldest unpublished rows;
2. send a part of them, and wait for every acknowledgement;
3. mark that part published, of each stream only what precedes its first failure, while the next
   part is sent. Behind its first failure, no later part of a stream is sent.

If we crash between 2 and 3, or lose the locks while sending, rows go out again. Consumers drop
repeats by `concord-n`, so that costs bandwidth, never correctness. ADR 0002 has the reasons.
Rounds begin small and grow while all is well: where something fails each second, large ones would
all be cut short before 3, and nothing would ever get on.

A message that the broker refuses is tried eight times, about 13 s in all; then its stream is
parked and waits for `OutboxService.ResendStream`, while all others flow. An outage is no refusal:
it is waited out, and parks nothing.
"""

import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from service.application.outbox import Claim, OutboxRow, RelayQueue, StreamKey
from service.domain.errors import OutageError
from service.failpoints import Failpoints
from service.kafka.broker_life import KafkaBroker, LifeWatch
from service.kafka.headers import TRACEPARENT, row_headers
from service.kafka.heartbeats import Heartbeats
from service.kafka.marking import Marking
from service.kafka.prefix import Settled, sendable, settle
from service.kafka.producer import (
    BrokerUnavailableError,
    Failure,
    KafkaPublisher,
    Publisher,
    Record,
)
from service.kafka.topics import TOPICS
from service.telemetry import Metrics

log = structlog.get_logger()

# Ready means: a round, of rows or of none, succeeded this recently.
READY_WITHIN_S: Final = 10.0

# Whoever has the first shard speaks to the broker for all: lives, heartbeats, gauges.
FIRST_SHARD: Final = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How much and how often. Tests go faster."""

    # 2,000 rows of about 1 KiB keep a round under a quarter of a second, after which locks, lives
    # and heartbeats have their turn; 16 MiB do so where rows are large.
    rows: int = 2_000
    # One part on its way and one being marked: so much is sent twice after a failover.
    part_rows: int = 500
    # The first round after a start or a failure; five that succeed make it 2,000 again. So few
    # rows take a few hundredths of a second.
    rows_first: int = 64
    size: int = 16 * 1_024 * 1_024
    # Idle, a claim costs 1 ms: 5 ms after work there may be more, 20 claims a second otherwise.
    idle_min_s: float = 0.005
    idle_max_s: float = 0.05
    standby_s: float = 0.5
    outage_s: float = 0.5
    check_every_s: float = 5.0
    heartbeat_every_s: float = 1.0
    # Counting a backlog of a million rows takes about 0.2 s.
    tend_every_s: float = 5.0
    # 0.1 s doubled seven times: the eight attempts take 12.7 s.
    attempts: int = 8
    backoff_s: float = 0.1


# A round makes some ten objects for each row, which go with it, cycles none. To look for cycles
# after every 700, as Python does, takes a tenth of all processor time.
COLLECTED_AFTER: Final = 50_000

# By topic; to ask a descriptor for its name takes a microsecond.
MESSAGE_NAMES: Final = {topic.name: topic.message_name for topic in TOPICS.values()}

# The first failure of each stream that had one.
Failed = dict[StreamKey, tuple[OutboxRow, Failure]]


class Due:
    """Something to do every so often."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._at = 0.0

    def __call__(self) -> bool:
        """Tell whether it is time; if so, the next time is one interval from here."""
        now = time.monotonic()
        if now < self._at:
            return False
        self._at = now + self._every_s
        return True

    def at_once(self) -> None:
        """Make it due."""
        self._at = 0.0


class Relay:
    """The loop. One thread, one connection to PostgreSQL, one producer."""

    def __init__(
        self,
        queue: RelayQueue,
        publisher: Publisher,
        watch: LifeWatch,
        heartbeats: Heartbeats,
        *,
        metrics: Metrics,
        pace: Pace | None = None,
        failpoints: Failpoints | None = None,
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._watch = watch
        self._heartbeats = heartbeats
        self._metrics = metrics
        self._marking = Marking(queue)
        self._pace = pace or Pace()
        self._failpoints = failpoints or Failpoints()
        self._shards: frozenset[int] = frozenset()
        self._resting: dict[StreamKey, float] = {}
        self._epoch = 0
        self._idle_s = self._pace.idle_min_s
        self._rows = self._pace.rows_first
        self._succeeded_at: float | None = None
        self._locks_due = Due(self._pace.standby_s)
        self._check_due = Due(self._pace.check_every_s)
        self._heartbeat_due = Due(self._pace.heartbeat_every_s)
        self._tend_due = Due(self._pace.tend_every_s)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then let go of locks and broker."""
        gc.set_threshold(COLLECTED_AFTER)
        try:
            while not stop.is_set():
                stop.wait(self.turn())
        finally:
            self._marking.close()
            self._drop_shards()
            self._publisher.close()
            self._watch.close()

    def is_ready(self) -> bool:
        """Tell whether a round succeeded lately; a standby's look at the locks is one."""
        at = self._succeeded_at
        return at is not None and time.monotonic() - at < READY_WITHIN_S

    def turn(self) -> float:
        """Do what is due, and return how long to rest, in seconds."""
        try:
            return self._turn()
        except OutageError as error:
            log.warning("relay_outage", kind="storage", error=error)
            self._drop_shards()
        except BrokerUnavailableError as error:
            log.warning("relay_outage", kind="broker", error=error)
            self._rows = self._pace.rows_first
            self._check_due.at_once()
        self._failpoints.reach("relay:outage")
        return self._pace.outage_s

    def _turn(self) -> float:
        if self._locks_due():
            self._take_shards()
        if not self._shards:
            self._succeeded_at = time.monotonic()
            return self._pace.standby_s
        leads = FIRST_SHARD in self._shards
        if leads and self._check_due():
            self._watch.check()
            self._epoch = max(self._epoch, self._watch.epoch)
        sent = self._round()
        if leads and self._heartbeat_due():
            waiting = self._waiting()
            self._heartbeats.send(self._watch.partitions, self._epoch, waiting=waiting)
        self._succeeded_at = time.monotonic()
        if leads and self._tend_due():
            self._tend()
        self._idle_s = (
            self._pace.idle_min_s if sent else min(self._idle_s * 2, self._pace.idle_max_s)
        )
        return 0.0 if sent else self._idle_s

    def _take_shards(self) -> None:
        taken = self._queue.take_shards()
        if taken != self._shards:
            log.info("relay_shards", count=len(taken))
            self._check_due.at_once()
        self._shards = taken
        for shard in taken:
            self._metrics.relay_active.labels(shard=str(shard)).set(1)

    def _drop_shards(self) -> None:
        self._rows = self._pace.rows_first
        for shard in self._shards:
            self._metrics.relay_active.labels(shard=str(shard)).set(0)
        self._shards = frozenset()
        self._queue.release()
        self._locks_due.at_once()

    def _round(self) -> int:
        """Publish one batch; return how many rows were marked."""
        begun = time.monotonic()
        # 1
        claim = self._queue.claim(self._waiting(), rows=self._rows, size=self._pace.size)
        if not claim.rows or claim.epoch is None:
            return 0
        self._epoch = claim.epoch
        self._rows = min(2 * self._rows, self._pace.rows)
        self._failpoints.reach("relay:after_claim")
        order = sendable(claim.rows)
        failed, marked = self._send_and_mark(order.rows, claim)
        for row in order.holes.values():
            self._park(row.stream, attempts=0, reason=f"NUMBER_MISSING: before {row.n}")
        self._handle(failed)
        self._metrics.relay_round.observe(time.monotonic() - begun)
        log.info("relay_round", rows=len(claim.rows), count=marked)
        return marked

    def _send_and_mark(self, rows: Sequence[OutboxRow], claim: Claim) -> tuple[Failed, int]:
        """Send part by part, and mark each; return the first failure of each stream, and marks."""
        failed: Failed = {}
        marked = 0
        try:
            for start in range(0, len(rows), self._pace.part_rows):
                part = rows[start : start + self._pace.part_rows]
                if failed:
                    part = [row for row in part if row.stream not in failed]
                # 2
                self._failpoints.reach("relay:before_send")
                outcomes = self._publisher.publish([_record(row, claim) for row in part])
                settled = settle(part, outcomes)
                failed |= settled.failed
                self._failpoints.reach("relay:after_send")
                # 3
                marked += self._marked()
                if not self._shards:
                    break
                self._mark(settled)
                if _has_outage(settled.failed):
                    break
        finally:
            # Whatever happened, the queue is not to be touched while marks are under way.
            marked += self._marked()
        return failed, marked

    def _mark(self, settled: Settled) -> None:
        self._failpoints.reach("relay:before_mark")
        self._marking.begin([row.row_id for row in settled.published])
        for topic, count in Counter(row.stream.topic for row in settled.published).items():
            self._metrics.outbox_published.labels(topic=_label(topic)).inc(count)
        if self._resting:
            for row in settled.published:
                self._resting.pop(row.stream, None)

    def _marked(self) -> int:
        """Wait for the marks under way, if any are, and return how many there were."""
        marked, wanted = self._marking.wait()
        if wanted:
            self._failpoints.reach("relay:after_mark")
        if marked < wanted:
            # Somebody else took the shards or the rows; what we hold may be nothing.
            log.warning("relay_superseded", rows=wanted - marked)
            self._drop_shards()
        return marked

    def _handle(self, failed: Failed) -> None:
        """Count refusals against their rows; look after the broker where it was an outage."""
        for stream, (row, failure) in failed.items():
            self._metrics.outbox_failures.labels(topic=_label(stream.topic)).inc()
            if not failure.is_outage:
                self._count(row, failure)
            else:
                self._rest(stream, self._pace.outage_s)
        if _has_outage(failed):
            reasons = sorted({failure.reason for _, failure in failed.values()})
            log.warning("relay_outage", kind="broker", reason=reasons[0], count=len(failed))
            self._rows = self._pace.rows_first
            self._check_due.at_once()

    def _count(self, row: OutboxRow, failure: Failure) -> None:
        attempts = self._queue.record_failure(row.row_id, failure.reason)
        log.warning(
            "outbox_refused", topic=row.stream.topic, n=row.n, attempt=attempts,
            reason=failure.reason,
        )  # fmt: skip
        if attempts >= self._pace.attempts:
            self._park(row.stream, attempts=attempts, reason=failure.reason)
        else:
            self._rest(row.stream, self._pace.backoff_s * 2 ** (attempts - 1))

    def _park(self, stream: StreamKey, *, attempts: int, reason: str) -> None:
        self._queue.park(stream, attempts=attempts, error=reason)
        self._resting.pop(stream, None)
        log.error("outbox_parked", topic=stream.topic, attempt=attempts, reason=reason)

    def _rest(self, stream: StreamKey, pause_s: float) -> None:
        self._resting[stream] = time.monotonic() + pause_s

    def _waiting(self) -> list[StreamKey]:
        """Return the streams that back off; those whose pause is over are tried again."""
        now = time.monotonic()
        self._resting = {stream: until for stream, until in self._resting.items() if until > now}
        return list(self._resting)

    def _tend(self) -> None:
        backlog = self._queue.backlog()
        self._metrics.outbox_backlog.set(backlog.messages)
        self._metrics.outbox_age.set(backlog.age_s)
        self._metrics.outbox_parked.set(backlog.parked)
        self._queue.prune()


def _record(row: OutboxRow, claim: Claim) -> Record:
    message_name = MESSAGE_NAMES.get(row.stream.topic, "")
    return Record(
        topic=row.stream.topic,
        key=row.stream.key,
        value=row.payload,
        headers=row_headers(row, message_name, claim.epoch or 0),
        traceparent=row.headers.get(TRACEPARENT) or None,
    )


def _has_outage(failed: Mapping[StreamKey, tuple[OutboxRow, Failure]]) -> bool:
    return any(failure.is_outage for _, failure in failed.values())


def _label(topic: str) -> str:
    """Return the topic as a label: those of the contract, so that there are only so many."""
    return topic if topic in TOPICS else "unknown"


def build_relay(
    queue: RelayQueue,
    *,
    bootstrap: str,
    partitions: int,
    clock: Callable[[], datetime],
    metrics: Metrics,
    pace: Pace | None = None,
    failpoints: Failpoints | None = None,
) -> Relay:
    """Return a relay that publishes what is in `queue` to the broker at `bootstrap`."""
    publisher = KafkaPublisher(bootstrap)
    broker = KafkaBroker(bootstrap, partitions=partitions, publisher=publisher)
    return Relay(
        queue,
        publisher,
        LifeWatch(queue, broker),
        Heartbeats(queue, publisher, clock),
        metrics=metrics,
        pace=pace,
        failpoints=failpoints,
    )
