"""One node of a cluster of Apache Kafka: a broker that is a controller as well (KRaft).

Each listens on loopback only, without a password, as the embedded broker does.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.kafka import jars
from deploy.local import probes
from deploy.local.ports import HOST
from deploy.local.process import Spec, UnusableError

LOGGING: Final = Path(__file__).with_name("log4j2.properties")
FORMATTED_WITHIN_S: Final = 120.0

# What a cluster of three keeps: two of three copies stand for an acknowledgement, so that one
# broker may be lost without losing a record or the service.
REPLICAS: Final = 3
IN_SYNC_MIN: Final = 2

JVM: Final = (
    # Far above what tests keep, and three of them fit beside everything else.
    *("-Xms128m", "-Xmx384m"),
    # On two cores a collector that works beside the others would only take their time.
    *("-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.awt.headless=true"),
)

# One that lives for a test does not earn back what the optimising compiler costs: a start takes
# 2.6 s of work without it, and 4.5 s with it.
SHORT_LIVED: Final = ("-XX:TieredStopAtLevel=1",)

# Of Kafka's settings those that differ from what it is shipped with, and why.
SETTINGS: Final[Mapping[str, str]] = {
    # As installations have it: what nobody declared must not spring up.
    "auto.create.topics.enable": "false",
    # A first member need not wait for others; Kafka's own quickstart has it so.
    "group.initial.rebalance.delay.ms": "0",
    # 50 each would take seconds to make.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    # A broker that was killed has lost what it led after this; 9 s otherwise.
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    # Compaction within a test's life, for topics that ask for it soon; 15 s otherwise.
    "log.cleaner.backoff.ms": "1000",
    # 128 MiB otherwise, out of 384.
    "log.cleaner.dedupe.buffer.size": "16777216",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One node, and how to run it."""

    number: int
    """From 1; its node id."""
    folder: Path
    port: int
    controllers: Mapping[int, int]
    """The controller's port of each node of the cluster, itself included."""
    cluster: str
    """Id of the cluster, as `new_id` makes it."""
    keeps_topics: bool = True
    """Whether topics outlive it; without, each start is that of a new cluster."""

    @property
    def name(self) -> str:
        """What its process is called."""
        return "broker" if len(self.controllers) == 1 else f"broker-{self.number}"

    @property
    def bootstrap(self) -> str:
        """What a Kafka client connects to first."""
        return f"{HOST}:{self.port}"

    def spec(self) -> Spec:
        """How to run it.

        Raises:
            UnusableError: there is no Java, or no jars and no Maven to resolve them.
        """
        libraries = jars.folder()
        return Spec(
            name=self.name,
            argv=(
                *(jars.java(), *JVM, *(() if self.keeps_topics else SHORT_LIVED)),
                *(f"-Dlog4j2.configurationFile={LOGGING}", "-cp", f"{libraries}/*"),
                *("kafka.Kafka", str(self._properties_file)),
            ),
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            probe=probes.kafka_broker(self.bootstrap, self.number),
            address=self.bootstrap,
            # 5 s, and for one of three that comes back 10 s; on a machine that is busy with
            # other things as well, over a minute was seen.
            ready_within_s=150.0,
            # It says good-bye to its cluster, which takes seconds; nobody needs to hear it where
            # all of it is thrown away.
            stop_signal=signal.SIGTERM if self.keeps_topics else signal.SIGKILL,
            stop_within_s=20.0,
            prepare=self._prepare,
        )

    def properties(self) -> dict[str, str]:
        """Return its settings as Kafka spells them."""
        is_alone = len(self.controllers) == 1
        replicas = str(1 if is_alone else REPLICAS)
        in_sync = str(1 if is_alone else IN_SYNC_MIN)
        voters = (f"{node}@{HOST}:{port}" for node, port in sorted(self.controllers.items()))
        own = self.controllers[self.number]
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.number),
            "controller.quorum.voters": ",".join(voters),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{own}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._data),
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            **SETTINGS,
        }

    @property
    def _home(self) -> Path:
        return self.folder / self.name

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _properties_file(self) -> Path:
        return self._home / "server.properties"

    def _prepare(self) -> None:
        """Write the settings, and lay out the storage where that is new."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._properties_file, self.properties())
        if self._data.exists():
            if self.keeps_topics:
                return
            shutil.rmtree(self._data)
        # Beside it first: what was cut short must not pass for the whole.
        draft = self._home / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(self._formatted(), draft)
        # Of a cluster that forgets nothing may be known in its next life, its name neither.
        own = {
            "cluster.id": self.cluster if self.keeps_topics else new_id(),
            "node.id": str(self.number),
            "directory.id": new_id(),
        }
        _write(draft / "meta.properties", {"version": "1", **own})
        draft.rename(self._data)

    def _formatted(self) -> Path:
        """Return a folder as Kafka's own tool lays it out; made once, since it takes seconds."""
        kept = jars.home() / f"formatted-{jars.version()}"
        if kept.exists():
            return kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="draft-") as draft:
            data, told = Path(draft) / "data", Path(draft) / "server.properties"
            _write(told, {**self.properties(), "log.dirs": str(data)})
            self._format(told)
            # Somebody else may have been faster.
            with contextlib.suppress(OSError):
                data.rename(kept)
        return kept

    def _format(self, properties: Path) -> None:
        done = subprocess.run(
            [
                *(jars.java(), *JVM, *SHORT_LIVED, f"-Dlog4j2.configurationFile={LOGGING}"),
                *("-cp", f"{jars.folder()}/*", "kafka.tools.StorageTool"),
                *("format", "-t", self.cluster, "-c", str(properties)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=FORMATTED_WITHIN_S,
        )
        if done.returncode != 0:
            raise UnusableError(f"Kafka's storage cannot be formatted:\n{done.stdout[-2000:]}")


def _write(path: Path, properties: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def new_id() -> str:
    """Return an id as Kafka writes them: 128 bits that begin with no hyphen."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))[0] == "-":
        continue
    return text
