"""The stack under attack: three servers, two services, three relays, workers; asked by SQL."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg2

from benchmarks.processes import free_address, migrate
from clients.sdk import Concord, Identity
from deploy.local.stack import EmbeddedServers
from tests.faults.chaos.children import Child, surroundings, until

PARTITIONS: Final = 4
# One leads, one stands by, and one is mostly just starting again.
RELAYS: Final = 3
SESSION_TIMEOUT_S: Final = 6
READY_WITHIN_S: Final = 60.0
CALLER: Final = Identity(actor="chaos", role="customer_service")


class World:
    """Everything that runs, from `with` to its end."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        self.folder = folder
        # Only processes die here, never the machine: what was written is in its page cache.
        self.servers = EmbeddedServers()
        self.over = threading.Event()
        self._workers = workers
        self.services: list[Child] = []
        self.relays: list[Child] = []
        self.workers: list[Child] = []
        self.addresses: list[str] = []

    @property
    def children(self) -> list[Child]:
        """All processes of ours."""
        return [*self.services, *self.relays, *self.workers]

    def target(self, first: int = 0) -> str:
        """Return the address of both services for a client, the one to try first in front."""
        turned = self.addresses[first:] + self.addresses[:first]
        return "ipv4:" + ",".join(turned)

    def client(self, first: int = 0, *, timeout_s: float = 10.0) -> Concord:
        """Return a client that goes to the other service where the first does not answer."""
        return Concord(self.target(first), identity=CALLER, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        self.servers.__enter__()
        try:
            self.url = self.servers.database_url
            self._migrate()
            self._start_children()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        for child in self.children:
            child.leave()
        self.servers.__exit__(None, None, None)

    def _migrate(self) -> None:
        migrate(self.url)

    def _start_children(self) -> None:
        common = surroundings(
            CONCORD_DATABASE_URL=self.url,
            CONCORD_REDIS_URL=self.servers.redis_url,
            CONCORD_KAFKA_BOOTSTRAP=self.servers.kafka_bootstrap,
            CONCORD_KAFKA_PARTITIONS=str(PARTITIONS),
            CONCORD_KAFKA_SESSION_TIMEOUT_S=str(SESSION_TIMEOUT_S),
        )
        self.addresses = [free_address(), free_address()]
        for number, address in enumerate(self.addresses, start=1):
            env = {**common, "CONCORD_SERVICE_ADDRESS": address}
            self.services.append(self._child(f"service-{number}", ("service", "serve"), env))
        for number in range(1, RELAYS + 1):
            self.relays.append(self._child(f"relay-{number}", ("service", "relay"), common))
        # Workers go to the second service first, callers to the first: both cores have work.
        self._worker_env = {**common, "CONCORD_SERVICE_ADDRESS": self.target(1)}
        for child in self.children:
            child.start()
        for child in self.children:
            until(child.is_ready, f"{child.name} is ready\n{child.tail()}", READY_WITHIN_S)
        for number in range(1, self._workers + 1):
            self.workers.append(self.new_worker(f"worker-{number}"))
            self.workers[-1].start()
        for child in self.workers:
            until(child.is_ready, f"{child.name} is ready\n{child.tail()}", READY_WITHIN_S)

    def _child(self, name: str, command: tuple[str, ...], env: dict[str, str]) -> Child:
        metrics = free_address()
        return Child(
            name, command, {**env, "CONCORD_METRICS_ADDRESS": metrics}, self.folder, metrics
        )

    def new_worker(self, name: str) -> Child:
        """Return one more worker, not yet started."""
        data = str(self.folder / f"{name}-data")
        env = {**self._worker_env, "CONCORD_STREAMS_DATA_DIR": data}
        return self._child(name, ("streams", "worker"), env)

    def admin(self) -> Any:  # noqa: ANN401  # psycopg2 has no types for it.
        """Return a connection of the superuser to our database, outside any transaction."""
        url = self.servers.admin_url.rpartition("/")[0] + "/concord"
        connection = psycopg2.connect(url, connect_timeout=3, application_name="chaos")
        connection.autocommit = True
        return connection

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database; raises `psycopg2.OperationalError` while it is away."""
        connection = self.admin()
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def is_alive(self) -> bool:
        """Tell whether services and relays say that they can do their work."""
        return all(child.is_ready() for child in (*self.services, *self.relays))
