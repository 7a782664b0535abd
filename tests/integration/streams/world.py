"""A broker and a Valkey of the test's own, a relay in miniature, and workers to start and kill."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from redis import Redis

from concord.insights.v1.stage_pb2 import StageWindow
from concord.intake.v1.receipt_pb2 import ReceiptEvent, ReceiptWeighed
from concord.orders.v1.order_event_pb2 import CustomerEvent, Heartbeat, OrderEvent
from concord.outbox.v1.broker_life_pb2 import BrokerLife
from deploy.local.process import tied
from deploy.local.stack import EmbeddedServers
from streams.topics import READ, SENT, topic_of

PARTITIONS = 4
SESSION_TIMEOUT_S = 6
M = TypeVar("M", bound=Message)


class WorkerProcess:
    """One `python -m streams worker`."""

    def __init__(self, world: World, name: str) -> None:
        self.metrics = f"127.0.0.1:{_free_port()}"
        self.log = world.folder / f"{name}.log"
        self._output = self.log.open("ab")
        env = {
            **os.environ,
            "CONCORD_KAFKA_BOOTSTRAP": world.servers.kafka_bootstrap,
            "CONCORD_REDIS_URL": world.servers.redis_url,
            "CONCORD_SERVICE_ADDRESS": world.service_address,
            "CONCORD_METRICS_ADDRESS": self.metrics,
            "CONCORD_STREAMS_DATA_DIR": str(world.folder / name),
            "CONCORD_KAFKA_PARTITIONS": str(PARTITIONS),
            "CONCORD_KAFKA_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
        }
        env.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
        self.process = subprocess.Popen(
            tied([sys.executable, "-m", "streams", "worker"], signal.SIGKILL, None, None),
            env=env,
            stdout=self._output,
            stderr=self._output,
        )

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the worker ended:\n{self.log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(
                f"http://{self.metrics}/readyz", timeout=1
            ) as answer:  # Loopback.
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        # Of a busy machine, beside brokers of Java that start: ten seconds were seen.
        return self.process.wait(timeout=60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self._output.close()


class World:
    """Everything around a worker."""

    def __init__(self, servers: EmbeddedServers, folder: Path, service_address: str) -> None:
        self.servers = servers
        self.folder = folder
        self.service_address = service_address
        self.epoch = 0
        self.redis = Redis.from_url(servers.redis_url)
        self._workers: list[WorkerProcess] = []
        self.producer = self._new_producer()

    def _new_producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.servers.kafka_bootstrap,
                "partitioner": "murmur2_random",
                # As the relay's: without it what a young topic refuses comes again behind the rest.
                "enable.idempotence": True,
            }
        )

    def begin_life(self) -> None:
        """Create every topic, and say that a life of the broker began."""
        self.epoch += 1
        self.producer = self._new_producer()
        admin = AdminClient({"bootstrap.servers": self.servers.kafka_bootstrap})
        there = admin.list_topics(timeout=10).topics
        wanted = {topic_of(message): PARTITIONS for message in (*READ, *SENT)}
        wanted[topic_of(BrokerLife)] = 1
        new = [NewTopic(name, count, 1) for name, count in wanted.items() if name not in there]
        for future in (admin.create_topics(new) if new else {}).values():
            future.result(20)
        self.publish(BrokerLife(epoch=self.epoch, marker=f"m{self.epoch}"), "life")

    def publish(
        self, message: Message, key: str | None, *, partition: int | None = None, **headers: str
    ) -> None:
        """Send a record as the relay does."""
        pairs = {"ce_id": "test", "concord-epoch": str(self.epoch), **headers}
        self.publish_bytes(
            type(message), message.SerializeToString(), key, pairs, partition=partition
        )

    def publish_bytes(
        self,
        kind: type[Message],
        value: bytes,
        key: str | None,
        headers: dict[str, str],
        *,
        partition: int | None = None,
    ) -> None:
        options = {} if partition is None else {"partition": partition}
        pairs = [(name, text.encode()) for name, text in headers.items()]
        self.producer.produce(topic_of(kind), value, key, headers=pairs, **options)
        self.producer.poll(0)

    def beat(self) -> None:
        """Send a heartbeat to every partition, as the relay does once a second."""
        now = Timestamp()
        now.GetCurrentTime()
        for partition in range(PARTITIONS):
            for message in (
                OrderEvent(event_time=now, heartbeat=Heartbeat()),
                CustomerEvent(event_time=now, heartbeat=Heartbeat()),
                ReceiptEvent(heartbeat_time=now),
                ReceiptWeighed(heartbeat_time=now),
            ):
                self.publish(message, None, partition=partition)

    @contextlib.contextmanager
    def heartbeats(self) -> Iterator[None]:
        """Send heartbeats for as long as the block lasts."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(1.0):
                self.beat()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def start_worker(self, name: str = "worker") -> WorkerProcess:
        worker = WorkerProcess(self, name)
        self._workers.append(worker)
        return worker

    def ends(self, *kinds: type[Message]) -> dict[tuple[str, int], int]:
        """Return the ends of these topics' partitions."""
        with self._consumer() as consumer:
            found = {}
            for kind in kinds:
                for partition in range(PARTITIONS):
                    place = TopicPartition(topic_of(kind), partition)
                    _, high = consumer.get_watermark_offsets(place, timeout=10)
                    found[place.topic, partition] = high
            return found

    def has_committed(self, ends: dict[tuple[str, int], int]) -> bool:
        """Return whether the group has committed up to these ends."""
        with self._consumer() as consumer:
            places = [TopicPartition(topic, partition) for topic, partition in ends]
            committed = consumer.committed(places, timeout=10)
            return all(each.offset >= ends[each.topic, each.partition] for each in committed)

    @contextlib.contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        group = f"concord-streams-{self.epoch}"
        consumer = Consumer({"bootstrap.servers": self.servers.kafka_bootstrap, "group.id": group})
        try:
            yield consumer
        finally:
            consumer.close()

    def read_all(self, kind: type[M]) -> list[tuple[M, dict[str, list[str]]]]:
        """Return every record of a topic, with its headers."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers.kafka_bootstrap,
                "group.id": "reads-all",
                "enable.auto.commit": False,
            }
        )
        topic = topic_of(kind)
        consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        found: list[tuple[M, dict[str, list[str]]]] = []
        silent = 0
        while silent < 8:
            messages = consumer.consume(1000, timeout=0.25)
            silent = 0 if messages else silent + 1
            for each in messages:
                headers: dict[str, list[str]] = {}
                for name, value in each.headers() or []:
                    headers.setdefault(name, []).append(value.decode())
                found.append((kind.FromString(each.value()), headers))
        consumer.close()
        return found

    def close(self) -> None:
        for worker in self._workers:
            worker.close()
        self.producer.purge()
        self.producer.flush(1)


def in_redis(around: World) -> list[StageWindow]:
    """Return every stage window of the view."""
    found: list[StageWindow] = []
    for key in around.redis.scan_iter("concord:stages:[0-9]*"):
        found.extend(StageWindow.FromString(v) for v in around.redis.hgetall(key).values())
    return found


def has_all_markers(around: World) -> bool:
    """Return whether the stages' view is said to be complete."""
    keys = [f"concord:views:stages:{partition}" for partition in range(PARTITIONS)]
    return all(around.redis.mget(keys))


@contextlib.contextmanager
def world(service_address: str = "127.0.0.1:1") -> Iterator[World]:
    """Start the servers, and end everything at last."""
    with (
        tempfile.TemporaryDirectory(prefix="concord-streams-") as folder,
        EmbeddedServers(names=("valkey", "broker")) as servers,
    ):
        made = World(servers, Path(folder), service_address)
        try:
            made.begin_life()
            yield made
        finally:
            made.close()


def eventually(
    wanted: Callable[[], Any], within_s: float, what: str, processes: Sequence[WorkerProcess] = ()
) -> Any:  # noqa: ANN401
    """Return what `wanted` returns as soon as it is true; fail after the deadline."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        got = wanted()
        if got:
            return got
        if time.monotonic() > deadline:
            logs = "\n".join(process.log.read_text()[-3000:] for process in processes)
            raise AssertionError(f"not within {within_s} s: {what}\n{logs}")
        pause.wait(0.2)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
