"""What runs on a test's own host: PostgreSQL, a broker, the service and a relay, as processes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg2
import sqlalchemy as sa
from psycopg2.extensions import make_dsn

from benchmarks.merchant import Merchant
from benchmarks.processes import Running, free_address, gateway, until
from deploy.local.folder import DataFolder
from deploy.local.stack import EmbeddedServers
from service.postgres.migrating import migrate
from tests.faults.hosts import volumes
from tests.faults.hosts.calling import Callers
from tests.invariants import assert_clean

# The promise: so soon after a fault ends, all is well again.
WELL_AGAIN_WITHIN_S: Final = 5.0
DRAINED_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.2

_WAITING: Final = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_PUBLISHED: Final = (
    "SELECT (SELECT count(*) FROM journal) - (SELECT count(*) FROM outbox"
    " WHERE published_at IS NULL AND topic = 'concord.orders.v1')"
)


class Host:
    """The processes, and an operator's way to the database that no cut concerns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service_address = free_address()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        # A short path: a Unix socket's may have 107 bytes.
        data = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="concord-host-")))
        # PostgreSQL, which root hands to another account, must pass on its way to its volumes.
        data.chmod(volumes.OTHERS_MAY_PASS)
        self.data = data / "data"
        self.servers = EmbeddedServers(self.data, names=("postgres", "broker"), is_durable=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start(self, *, on_volumes: bool = False) -> None:
        """Start everything, and return when it is ready."""
        if on_volumes:
            self._start_on_volumes()
        else:
            self.start_servers()
        self.service = self.start_service()
        self.relay = self.start_relay()
        for each in (self.service, self.relay):
            each.until_ready()

    def start_servers(self) -> None:
        """Start PostgreSQL, with the tables, and the broker."""
        self._stack.enter_context(self.servers)
        migrate(self.servers.database_url)

    def _start_on_volumes(self) -> None:
        """Start with the tables and the WAL of PostgreSQL on volumes that can be filled."""
        folder = DataFolder(self.data)
        folder.open()
        # Its lock marks it as ours.
        assert folder.acquire()
        folder.release()
        self._stack.enter_context(volumes.mounted(self.tables, volumes.TABLES_MIB))
        self._stack.enter_context(volumes.mounted(self.wal, volumes.WAL_MIB))
        self.start_servers()
        self.servers.stop("postgres")
        volumes.move_wal(self.tables, self.wal)
        self.servers.start("postgres")

    @property
    def tables(self) -> Path:
        """Where PostgreSQL has its tables."""
        return self.data / "postgres"

    @property
    def wal(self) -> Path:
        """Where PostgreSQL has its WAL, once it was moved there."""
        return self.data.parent / "wal"

    @property
    def postgres_log(self) -> str:
        """What PostgreSQL has written."""
        logs = sorted((self.data / "logs").glob("postgres*"))
        return "".join(each.read_text(errors="replace") for each in logs)

    def start_service(self, module: str = "service", **variables: str) -> Running:
        """Start a service; several may run, each at an address of its own."""
        return self._start("serve", module, variables)

    def start_relay(self, **variables: str) -> Running:
        """Start a relay."""
        return self._start("relay", "service", variables)

    def start_gateway(self) -> tuple[Running, Merchant]:
        """Start a gateway, and return it, ready, with the shop whose callbacks it takes."""
        address, merchant = free_address(), Merchant()
        accounts = merchant.write(self.folder / "accounts", public_url=f"http://{address}")
        running = gateway(self.folder, address, self.service_address, accounts)
        self._stack.callback(running.kill)
        running.until_ready()
        return running, merchant

    def _start(self, role: str, module: str, variables: dict[str, str]) -> Running:
        address = variables.pop("CONCORD_SERVICE_ADDRESS", self.service_address)
        running = Running(
            self.folder / f"{role}-{address.rpartition(':')[2]}.log",
            module,
            role,
            address=address,
            env={
                "CONCORD_SERVICE_ADDRESS": address,
                "CONCORD_DATABASE_URL": self.servers.database_url,
                "CONCORD_KAFKA_BOOTSTRAP": self.servers.kafka_bootstrap,
                # Boards are nobody's concern here: there is no Redis.
                "CONCORD_REDIS_URL": "redis://127.0.0.1:1/0",
                "CONCORD_LOG_LEVEL": "warning",
                **variables,
            },
        )
        self._stack.callback(running.kill)
        return running

    def callers(self) -> Callers:
        """Return callers of the service, not begun yet."""
        return Callers(self.service_address)

    @property
    def postgres_port(self) -> int:
        """Where PostgreSQL listens."""
        return sa.make_url(self.servers.database_url).port or 0

    @property
    def broker_port(self) -> int:
        """Where the broker listens."""
        return int(self.servers.kafka_bootstrap.rpartition(":")[2])

    @property
    def service_port(self) -> int:
        """Where the service listens for calls."""
        return int(self.service_address.rpartition(":")[2])

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the database as an operator at its machine would: by its Unix socket."""
        url = sa.make_url(self.servers.admin_url)
        dsn = make_dsn(
            dbname=sa.make_url(self.servers.database_url).database,
            user=url.username,
            password=url.password,
            host=str(self.tables),
            port=self.postgres_port,
            connect_timeout=5,
        )
        connection = psycopg2.connect(dsn)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall()
        finally:
            connection.close()

    def is_drained(self) -> bool:
        """Tell whether everything was published."""
        return self.rows(_WAITING) == [(0,)]

    def published(self) -> int:
        """Return how many changes of orders were published."""
        ((count,),) = self.rows(_PUBLISHED)
        return int(str(count))

    def eventually(
        self, holds: Callable[[], object], what: str, within_s: float = WELL_AGAIN_WITHIN_S
    ) -> None:
        """Return when the condition holds; fail, with what the processes wrote, if it does not."""
        try:
            until(holds, what, within_s, LOOK_EVERY_S)
        except TimeoutError as error:
            logs = [f"{log.name}:\n{log.read_text()[-3000:]}" for log in self.folder.glob("*.log")]
            raise AssertionError("\n".join([str(error), *logs])) from error

    def assert_clean(self) -> None:
        """Fail unless everything is published, and every invariant holds."""
        self.eventually(self.is_drained, "an empty outbox", DRAINED_WITHIN_S)
        assert_clean(self.servers.database_url)
