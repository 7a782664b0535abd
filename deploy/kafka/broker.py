"""A cluster of Apache Kafka for a test or a benchmark: one broker or three, gone afterwards.

    with Kafka(folder, brokers=3) as kafka:
        kafka.kill(1)
        kafka.start(1)

Brokers are numbered from 1, as their node ids are. What a broker wrote outlives its `kill`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.kafka.node import Node, new_id
from deploy.local.background import Background
from deploy.local.ports import Ports

# Two leaders' worth of catching up on a busy machine; it takes about 2 s otherwise.
IN_SYNC_WITHIN_S: Final = 60.0
LOOK_EVERY_S: Final = 0.1
ANSWER_WITHIN_S: Final = 5.0


class Kafka:
    """Brokers that run from `with` to its end; killed, paused and revived at will between."""

    def __init__(
        self, folder: Path, brokers: int = 1, *, wanted: Mapping[str, int] | None = None
    ) -> None:
        """Plan a cluster; `wanted` may name ports: of `broker-1`, of `controller-1` and so on."""
        self._folder = folder.absolute()
        self._numbers = tuple(range(1, brokers + 1))
        self._wanted = wanted or {}

    @property
    def bootstrap(self) -> str:
        """What a Kafka client connects to first: all brokers."""
        return ",".join(node.bootstrap for node in self._nodes.values())

    def pid(self, number: int) -> int | None:
        """The process id of a broker while it runs."""
        return self._background.pid(self._nodes[number].name)

    def kill(self, number: int) -> None:
        """Kill a broker; `start` brings it back with its topics."""
        self._background.send(self._nodes[number].name, signal.SIGKILL)

    def start(self, number: int) -> None:
        """Bring a broker back, and return when the cluster counts on it again."""
        self._background.start_one(self._nodes[number].name)

    def stop(self, number: int) -> None:
        """End a broker properly: it hands over what it leads first."""
        self._background.stop_one(self._nodes[number].name)

    def pause(self, number: int) -> None:
        """Have a broker stand still; its connections stay open."""
        self._background.send(self._nodes[number].name, signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let a paused broker go on."""
        self._background.send(self._nodes[number].name, signal.SIGCONT)

    def until_in_sync(self) -> None:
        """Return when every partition has all its replicas: then any one broker may be lost."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 2})
        deadline = time.monotonic() + IN_SYNC_WITHIN_S
        while behind := _behind(admin):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not in sync within {IN_SYNC_WITHIN_S:.0f} s: {behind}")
            time.sleep(LOOK_EVERY_S)

    def __enter__(self) -> Self:
        names = [f"{role}-{n}" for n in self._numbers for role in ("broker", "controller")]
        self._ports = Ports(names, self._wanted)
        ports, cluster = self._ports.numbers, new_id()
        controllers = {number: ports[f"controller-{number}"] for number in self._numbers}
        self._nodes = {
            number: Node(number, self._folder, ports[f"broker-{number}"], controllers, cluster)
            for number in self._numbers
        }
        try:
            specs = [node.spec() for node in self._nodes.values()]
            self._background = Background(specs, self._folder / "logs")
        except BaseException:
            self._ports.release()
            raise
        try:
            self._background.start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        # Whoever needs the topics afterwards has ended the brokers before. Paused ones, too, hear
        # this.
        for number in self._numbers:
            self.kill(number)
        self._background.close()
        self._ports.release()


def _behind(admin: AdminClient) -> list[str]:
    """Return the partitions that lack a replica, or why that cannot be told."""
    try:
        topics = admin.list_topics(timeout=ANSWER_WITHIN_S).topics
    except KafkaException as error:
        return [error.args[0].str()]
    return [
        f"{name}/{number}"
        for name, topic in topics.items()
        for number, partition in topic.partitions.items()
        if len(partition.isrs) < len(partition.replicas)
    ]
