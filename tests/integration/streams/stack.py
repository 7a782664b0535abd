"""A service, a relay and workers around servers of their own: whatever dies is started again."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg2
from confluent_kafka import Consumer, TopicPartition

from benchmarks.processes import free_address, migrate
from concord.orders.v1.order_event_pb2 import CustomerEvent, OrderEvent
from deploy.local.stack import EmbeddedServers
from streams.topics import topic_of
from tests.faults.chaos.children import Child, surroundings, until

PARTITIONS = 4
SESSION_TIMEOUT_S = 6
# It takes seconds; a busy machine has everybody wait for a processor.
READY_WITHIN_S = 180.0
DONE_WITHIN_S = 400.0
# What the service waits for the streams, at most.
VERIFY_WAIT = "60s"

# The relay sends heartbeats to each of their partitions, so that each has news every second.
WATCHED = (topic_of(OrderEvent), topic_of(CustomerEvent))

Ends = dict[tuple[str, int], int]


class Stack:
    """Everything that a receipt passes on its way to a board."""

    def __init__(self, servers: EmbeddedServers, folder: Path) -> None:
        self.servers = servers
        self.service_address = free_address()
        self.workers: list[Child] = []
        self._folder = folder
        self._env = surroundings(
            CONCORD_DATABASE_URL=servers.database_url,
            CONCORD_REDIS_URL=servers.redis_url,
            CONCORD_KAFKA_BOOTSTRAP=servers.kafka_bootstrap,
            CONCORD_KAFKA_PARTITIONS=str(PARTITIONS),
            CONCORD_KAFKA_SESSION_TIMEOUT_S=str(SESSION_TIMEOUT_S),
            CONCORD_SERVICE_ADDRESS=self.service_address,
        )
        self._others = [self._child("service", "serve"), self._child("service", "relay")]

    def _child(self, package: str, command: str, name: str = "", **more: str) -> Child:
        metrics = free_address()
        env = {**self._env, "CONCORD_METRICS_ADDRESS": metrics, **more}
        return Child(name or command, (package, command), env, self._folder, metrics)

    def start(self) -> None:
        """Start service and relay."""
        _start(self._others)

    def add_workers(self, *names: str) -> None:
        """Start workers, and return when all there are have their partitions."""
        new = [
            self._child(
                "streams", "worker", name, CONCORD_STREAMS_DATA_DIR=str(self._folder / f"{name}.d")
            )
            for name in names
        ]
        self.workers += new
        _start(new)
        _until_ready(self.workers)

    def lose_worker(self) -> None:
        """Kill one for good."""
        self.workers.pop(0).leave()

    def lose_broker(self) -> None:
        """Kill the broker; another one without topics takes its address."""
        self.servers.kill("broker")
        self.servers.start("broker")

    @contextlib.contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Have every worker stand still for as long as the block lasts."""
        for worker in self.workers:
            assert worker.send(signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in self.workers:
                worker.send(signal.SIGCONT)

    def close(self) -> None:
        """End all of ours."""
        for child in (*self.workers, *self._others):
            child.leave()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with (
            contextlib.closing(psycopg2.connect(self.servers.database_url)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def epoch(self) -> int:
        """Return the broker's newest life."""
        return int(self.rows("SELECT coalesce(max(epoch), 0) FROM broker_lives")[0][0])

    def until_drained(self) -> None:
        """Return when everything is decided and published."""
        waiting = (
            "SELECT (SELECT count(*) FROM receipts WHERE outcome IS NULL),"
            " (SELECT count(*) FROM outbox WHERE published_at IS NULL)"
        )
        until(lambda: self.rows(waiting) == [(0, 0)], "nothing waits", DONE_WITHIN_S)

    def verified(self, of: str = "insights") -> dict[str, Any]:
        """Run `concord insights verify`, or that of something else, until nothing differs.

        Return what it says at last.
        """
        found: dict[str, Any] = {}

        def is_equal() -> bool:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "clients.cli"),
                    *(of, "verify", "--wait", VERIFY_WAIT, "--json"),
                ],
                env={**self._env, "HOME": str(self._folder)},
                capture_output=True,
                text=True,
                timeout=READY_WITHIN_S,
                check=False,
            )
            # Until the view is whole there is nothing to compare, and it says so.
            found.update(json.loads(done.stdout or "{}"), code=done.returncode, said=done.stderr)
            return done.returncode == 0

        with contextlib.suppress(TimeoutError):
            until(is_equal, "the view equals the journal", DONE_WITHIN_S)
        return found

    @property
    def group(self) -> str:
        """Return the workers' group."""
        return f"concord-streams-{self.epoch()}"

    def ends(self) -> Ends:
        """Return the ends of the orders' and customers' partitions."""
        with self._consumer() as consumer:
            places = [
                TopicPartition(topic, number) for topic in WATCHED for number in range(PARTITIONS)
            ]
            return {
                (place.topic, place.partition): consumer.get_watermark_offsets(place, timeout=10)[1]
                for place in places
            }

    def has_committed(self, ends: Ends) -> bool:
        """Return whether the group has worked off all that is before these ends."""
        with self._consumer() as consumer:
            places = [TopicPartition(*place) for place in ends]
            committed = consumer.committed(places, timeout=10)
            return all(each.offset >= ends[each.topic, each.partition] for each in committed)

    @contextlib.contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        consumer = Consumer(
            {"bootstrap.servers": self.servers.kafka_bootstrap, "group.id": self.group}
        )
        try:
            yield consumer
        finally:
            consumer.close()


def _start(children: Sequence[Child]) -> None:
    for child in children:
        child.start()
    _until_ready(children)


def _until_ready(children: Sequence[Child]) -> None:
    for child in children:
        try:
            until(child.is_ready, f"{child.name} is ready", READY_WITHIN_S)
        except TimeoutError as error:
            error.add_note(child.tail())
            raise


@contextlib.contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """Start servers, service and relay, and end everything at last."""
    with EmbeddedServers() as servers:
        migrate(servers.database_url)
        made = Stack(servers, folder)
        try:
            made.start()
            yield made
        finally:
            made.close()
