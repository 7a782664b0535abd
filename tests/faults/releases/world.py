"""Two releases on one database, one broker and one Valkey: service, relay and worker of each."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.error import URLError

from benchmarks.processes import free_address, migrate
from tests.bugs.trees import Tree
from tests.faults.chaos.children import Child, surroundings, until
from tests.faults.chaos.world import PARTITIONS, World


class Release(Enum):
    """Whose code a process runs."""

    PREVIOUS = 0
    THIS = 1


# Six processes of two releases start and run on two cores, beside whatever else runs there.
READY_WITHIN_S: Final = 300.0
ENDED_WITHIN_S: Final = 120.0
SESSION_TIMEOUT_S: Final = 12

# What shows that a process did its share.
WORK: Final[Mapping[str, str]] = {
    "service": "rpc_server_call_duration_seconds_count",
    "relay": "concord_outbox_published_total",
    "worker": "concord_stream_records_total",
}


class TwoReleases(World):
    """Begins with the previous release alone, on its own schema."""

    def __init__(self, folder: Path, previous: Tree) -> None:
        super().__init__(folder, workers=0)
        self.retired: list[Child] = []
        # By name of the process: how much it did, and the code with which it ended.
        self.work: Counter[str] = Counter()
        self.ended: dict[str, int | None] = {}
        self._previous = previous
        self._running: dict[Release, list[Child]] = {each: [] for each in Release}
        self._times: Counter[Release] = Counter()

    @property
    def children(self) -> list[Child]:
        """All processes, those that were let go among them."""
        return [*super().children, *self.retired]

    def migrate_to(self, release: Release) -> None:
        """Bring the database to the schema of a release."""
        if release is Release.THIS:
            migrate(self.url)
            return
        done = subprocess.run(
            [sys.executable, "-m", "service", "migrate"],
            env={**self._previous.environment(), "CONCORD_DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]

    def bring(self, release: Release) -> None:
        """Start a service, a relay and a worker of the release, and return when they are ready."""
        self._times[release] += 1
        name = f"{release.name.lower()}-{self._times[release]}"
        common = self._environment(release)
        served = {**common, "CONCORD_SERVICE_ADDRESS": self.addresses[release.value]}
        # Each worker tells the service of the other release, as long as there is one.
        asking = {
            **common,
            "CONCORD_SERVICE_ADDRESS": self.target(1 - release.value),
            "CONCORD_STREAMS_DATA_DIR": str(self.folder / f"worker-{name}-data"),
        }
        made = (
            self._child(f"service-{name}", ("service", "serve"), served),
            self._child(f"relay-{name}", ("service", "relay"), common),
            self._child(f"worker-{name}", ("streams", "worker"), asking),
        )
        for child, kin in zip(made, (self.services, self.relays, self.workers), strict=True):
            child.start()
            kin.append(child)
        for child in made:
            until(child.is_ready, f"{child.name} is ready\n{child.tail()}", READY_WITHIN_S)
        self._running[release] += made

    def let_go(self, release: Release) -> None:
        """End what runs of the release, as a supervisor does."""
        self.note_work()
        while self._running[release]:
            child = self._running[release].pop()
            for kin in (self.services, self.relays, self.workers):
                if child in kin:
                    kin.remove(child)
            self.retired.append(child)
            self.ended[child.name] = child.retire(within_s=ENDED_WITHIN_S)

    def note_work(self) -> None:
        """Write down how much each process that runs has done."""
        for child in (*self.services, *self.relays, *self.workers):
            metric = WORK[child.name.partition("-")[0]]
            found = re.findall(rf"^{metric}(?:{{.*?}})? (\S+)", _metrics(child), re.MULTILINE)
            self.work[child.name] = max(self.work[child.name], round(sum(map(float, found))))

    def _migrate(self) -> None:
        self.migrate_to(Release.PREVIOUS)

    def _start_children(self) -> None:
        self.addresses = [free_address() for _ in Release]
        self.bring(Release.PREVIOUS)

    def _environment(self, release: Release) -> dict[str, str]:
        common = surroundings(
            CONCORD_DATABASE_URL=self.url,
            CONCORD_REDIS_URL=self.servers.redis_url,
            CONCORD_KAFKA_BOOTSTRAP=self.servers.kafka_bootstrap,
            CONCORD_KAFKA_PARTITIONS=str(PARTITIONS),
            CONCORD_KAFKA_SESSION_TIMEOUT_S=str(SESSION_TIMEOUT_S),
        )
        if release is Release.PREVIOUS:
            own = self._previous.environment()
            common |= {name: own[name] for name in ("PYTHONPATH", "PYTHONSAFEPATH")}
        return common


def _metrics(child: Child) -> str:
    """Return what a process tells of itself; nothing while it starts again."""
    try:
        with urllib.request.urlopen(f"http://{child.metrics}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except (URLError, OSError):
        return ""
