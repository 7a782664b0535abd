"""Writers, relays and a reader around one outbox, each as near to production as a test can be."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy.dialects.postgresql import insert

from deploy.local.stack import EmbeddedServers
from service.application.outbox import Stream, shard_of
from service.kafka.topics import BROKER_LIVES, NAMES
from service.postgres import tables
from service.postgres.engine import make_engine

MOMENT: Final = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
# A fetch from an embedded broker takes a few milliseconds, on a busy machine a hundred.
QUIET_S: Final = 0.5
ORDERS: Final = NAMES[Stream.ORDERS]
# It takes a second or two; on a machine that does other things as well, over 15 were seen.
ARRIVES_WITHIN_S: Final = 60.0


def wait_until(holds: Callable[[], bool], *, what: str, within_s: float = ARRIVES_WITHIN_S) -> None:
    """Return when the condition holds; fail with its name when it does not in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {within_s} s for: {what}"
        threading.Event().wait(0.02)


@dataclass(frozen=True, slots=True)
class Read:
    """A record as it was on its topic."""

    topic: str
    partition: int
    key: str | None
    value: bytes
    headers: dict[str, list[str]]

    @property
    def n(self) -> int:
        """Its number within its key."""
        return int(self.headers["concord-n"][0])

    @property
    def epoch(self) -> int:
        """The life of the broker that it names."""
        return int(self.headers["concord-epoch"][0])


@dataclass
class Guard:
    """What every consumer does: next number applied, repeats dropped, gaps noticed."""

    applied: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    repeats: int = 0
    gaps: list[tuple[str, int, int]] = field(default_factory=list)

    def take(self, record: Read) -> None:
        """Apply the record, or not."""
        last = self.applied[record.key or ""]
        if record.n == last + 1:
            self.applied[record.key or ""] = record.n
        elif record.n <= last:
            self.repeats += 1
        else:
            self.gaps.append((record.key or "", last, record.n))


class RelayProcess:
    """`relay_process.py`, with failpoints armed by name: what to do at which visit."""

    def __init__(self, url: str, bootstrap: str, armed: dict[str, str]) -> None:
        given = {"url": url, "bootstrap": bootstrap, "armed": armed}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.relay.relay_process", json.dumps(given)]
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def is_stopped(self) -> bool:
        """Tell whether it was stopped by SIGSTOP."""
        with open(f"/proc/{self.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def end(self) -> None:
        """Kill it if it is there, and wait."""
        self._process.kill()
        self._process.wait()


class World:
    """One outbox with everything around it."""

    def __init__(self, url: str, servers: EmbeddedServers) -> None:
        self.url = url
        self.servers = servers
        self.engine = make_engine(url, connections=12)
        self._relays: list[RelayProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for relay in self._relays:
            relay.end()
        self.engine.dispose()

    def start_relay(self, **armed: str) -> RelayProcess:
        """Start a relay process; `after_send="kill 3"` kills it at its third visit there."""
        names = {f"relay:{name}": act for name, act in armed.items()}
        relay = RelayProcess(self.url, self.servers.kafka_bootstrap, names)
        self._relays.append(relay)
        return relay

    def start_living(self) -> RelayProcess:
        """Start a relay, and return when the first life of the broker has its marker."""
        relay = self.start_relay()
        wait_until(lambda: BROKER_LIVES.name in self.topics(), what="the relay's topics")
        assert self.read(BROKER_LIVES.name, least=1)
        return relay

    def query(self, statement: str, **values: object) -> Sequence[sa.Row[Any]]:
        """Run SQL and return its rows, if it has any."""
        with self.engine.begin() as connection:
            result = connection.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else []

    def write(self, order: str, payload: bytes = b"x", *, traceparent: str = "") -> int:
        """Do what a decision does: number the change, journal it, put it into the outbox."""
        with self.writing(order, payload, traceparent=traceparent) as n:
            return n

    @contextlib.contextmanager
    def writing(self, order: str, payload: bytes = b"x", *, traceparent: str = "") -> Iterator[int]:
        """Write a change that is committed at the end of the block; give its number."""
        with self.engine.begin() as connection:
            head = insert(tables.stream_heads).values(topic=ORDERS, key=order, n=1)
            n = connection.execute(
                head.on_conflict_do_update(
                    index_elements=["topic", "key"], set_={"n": tables.stream_heads.c.n + 1}
                ).returning(tables.stream_heads.c.n)
            ).scalar_one()
            connection.execute(
                sa.insert(tables.journal),
                {
                    "order_id": order,
                    "sequence": n,
                    "kind": "NOTED",
                    "occurred_at": MOMENT,
                    "recorded_at": datetime.now(UTC),
                    "traceparent": traceparent,
                    "event": payload,
                    "measured": False,
                    "record": b"",
                    "hash": b"",
                },
            )
            headers = {"ce_id": f"{order}:{n}", "ce_subject": order}
            if traceparent:
                headers["traceparent"] = traceparent
            self._insert(connection, ORDERS, order, n, payload, headers)
            yield n

    def post(
        self,
        topic: str,
        key: str,
        payload: bytes = b"x",
        *,
        n: int | None = None,
        ce_id: str = "an-id",
    ) -> None:
        """Put a message into the outbox that no history knows."""
        with self.engine.begin() as connection:
            self._insert(connection, topic, key, n, payload, {"ce_id": ce_id})

    def topics(self) -> dict[str, int]:
        """Return the broker's topics, and how many partitions each has."""
        admin = AdminClient({"bootstrap.servers": self.servers.kafka_bootstrap, "log_level": 2})
        found = admin.list_topics(timeout=5).topics
        return {name: len(topic.partitions) for name, topic in found.items()}

    @staticmethod
    def _insert(
        connection: sa.Connection,
        topic: str,
        key: str,
        n: int | None,
        payload: bytes,
        headers: dict[str, str],
    ) -> None:
        connection.execute(
            sa.insert(tables.outbox),
            {
                "shard": shard_of(key),
                "topic": topic,
                "key": key,
                "n": n,
                "payload": payload,
                "headers": headers,
            },
        )

    def write_many(self, *, writers: int, each: int, orders: int) -> threading.Thread:
        """Start writers that share a few orders; return a thread that ends when all have."""

        def work(number: int) -> None:
            for index in range(each):
                self.write(f"order-{(number * 7 + index) % orders}")

        def all_of_them() -> None:
            threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        thread = threading.Thread(target=all_of_them)
        thread.start()
        return thread

    def written(self) -> dict[str, int]:
        """Return how many changes each order has."""
        found = self.query("SELECT order_id, count(*) AS n FROM journal GROUP BY order_id")
        return {row.order_id: row.n for row in found}

    def is_drained(self) -> bool:
        """Tell whether nothing waits but what is parked."""
        return not self.query(
            "SELECT 1 FROM outbox o WHERE published_at IS NULL AND NOT EXISTS ("
            " SELECT FROM parked_streams p WHERE p.topic = o.topic AND p.key = o.key) LIMIT 1"
        )

    def epoch(self) -> int:
        """Return the broker's newest life."""
        return int(self.query("SELECT coalesce(max(epoch), 0) AS n FROM broker_lives")[0].n)

    def sessions(self) -> int:
        """Return how many relays are connected."""
        found = self.query(
            "SELECT count(*) AS n FROM pg_stat_activity"
            " WHERE application_name = 'concord-relay' AND datname = current_database()"
        )
        return int(found[0].n)

    def end_sessions(self) -> int:
        """End every session of a relay, as a failover of PostgreSQL would; return how many."""
        with sa.create_engine(self.engine.url).connect() as connection:
            return connection.execute(
                sa.text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE application_name = 'concord-relay' AND datname = current_database()"
                )
            ).scalar_one()

    def read(self, *topics: str, least: int = 0, heartbeats: bool = False) -> list[Read]:
        """Return what is on the topics, when it is at least so many.

        Heartbeats never end: with them, what comes after so many is not waited for.
        """
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers.kafka_bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "log_level": 2,
            }
        )
        try:
            counts = self.topics()
            places = [(topic, number) for topic in topics for number in range(counts[topic])]
            consumer.assign([TopicPartition(topic, number, 0) for topic, number in places])
            return list(_records(consumer, least=least, heartbeats=heartbeats))
        finally:
            consumer.close()

    def guard_of_what_came(self, least: int) -> Guard:
        """Run the guard over what is there, at least so much, when not everything is to come."""
        guard = Guard()
        for record in self.read(ORDERS, least=least):
            guard.take(record)
        return guard

    def guard(self, epoch: int | None = None) -> Guard:
        """Run the consumer's guard over all orders, of one life of the broker if asked."""
        guard = Guard()
        for record in self.read(ORDERS, least=sum(self.written().values())):
            if epoch is None or record.epoch == epoch:
                guard.take(record)
        return guard


def _records(consumer: Consumer, *, least: int, heartbeats: bool) -> Iterator[Read]:
    """Read until enough came, and then nothing more: Tansu's end offsets are not to be trusted."""
    deadline = time.monotonic() + ARRIVES_WITHIN_S
    news_at = time.monotonic()
    count = 0
    while (now := time.monotonic()) < deadline and (
        count < least or (now - news_at < QUIET_S and not heartbeats)
    ):
        message = consumer.poll(0.05)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        if message.key() is None and not heartbeats:
            continue
        count += 1
        news_at = now
        yield _read(message)


def _read(message: Message) -> Read:
    headers: dict[str, list[str]] = defaultdict(list)
    for name, text in message.headers() or []:
        headers[name].append(text.decode())
    key = message.key()
    return Read(
        topic=message.topic(),
        partition=message.partition(),
        key=key.decode() if key else None,
        value=message.value(),
        headers=dict(headers),
    )
