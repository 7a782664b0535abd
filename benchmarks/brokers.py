"""The broker that a measurement runs against: Apache Kafka, or the embedded one where it suffices.

The embedded broker keeps everything in memory, in one process, and begins in a tenth of a second;
Apache Kafka needs Java. A row says which one it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ratios import Size
from deploy.kafka.broker import Kafka
from deploy.local.stack import EmbeddedServers


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses, and which broker it is."""

    bootstrap: str
    broker: str
    embedded: EmbeddedServers
    broker_pid: int | None


@contextmanager
def running(folder: Path, size: Size, *names: str) -> Iterator[Servers]:
    """Start a broker, and of the embedded servers those named."""
    if size is Size.SMALL:
        with EmbeddedServers(names=(*names, "broker"), is_durable=True) as servers:
            broker = "embedded broker", servers, servers.pid("broker")
            yield Servers(servers.kafka_bootstrap, *broker)
        return
    with (
        EmbeddedServers(names=names, is_durable=True) as servers,
        Kafka(folder / "kafka") as kafka,
    ):
        yield Servers(kafka.bootstrap, "Apache Kafka", servers, kafka.pid(1))
