"""A service over its own PostgreSQL with `fsync`, processes that call it, and orders in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg2

from benchmarks import cpu, processes, spending, told
from benchmarks.callers import Answered, Caller
from benchmarks.processes import Running
from benchmarks.spending import Spending
from deploy.local.stack import EmbeddedServers

BATCH: Final = 500
# Two batches at once: while PostgreSQL writes one, the service prepares the other.
BATCHES_AT_ONCE: Final = 2
WITHIN_S: Final = 300.0


@dataclass(frozen=True)
class Serving:
    """What runs, and how to ask it."""

    folder: Path
    servers: EmbeddedServers
    service: Running
    caller: Caller

    def call(
        self, method: str, requests: Sequence[bytes], *, at_once: int, within_s: float = WITHIN_S
    ) -> Answered:
        """Make calls, all of which must go well."""
        return self.caller.call(
            self.service.address, method, requests, at_once=at_once, within_s=within_s
        ).refuse_failures()

    def submit(self, names: Sequence[str], kind: int) -> Answered:
        """Send the receipts of this kind of all these orders."""
        batches = [told.receipts(each, kind) for each in told.parts(names, BATCH)]
        return self.call(told.SUBMIT, told.submissions(batches), at_once=BATCHES_AT_ONCE)

    def apply(self, names: Sequence[str], kind: int) -> Answered:
        """Tell what those receipts mean."""
        found = self.rows(
            "SELECT order_hint, receipt_id FROM receipts"
            " WHERE received_at = to_timestamp(%s) AND order_hint = ANY(%s)",
            (told.BEGAN_S + kind, list(names)),
        )
        ids: dict[str, str] = dict(found)
        batches = [
            [told.reading(f"receipts/{ids[name]}", name, told.KINDS[kind - 1]) for name in part]
            for part in told.parts(names, BATCH)
        ]
        return self.call(told.APPLY, told.applications(batches), at_once=BATCHES_AT_ONCE)

    def orders_about_to_be_paid(self, prefix: str, count: int) -> list[str]:
        """Make orders in PAYING, and return their ids."""
        names = [f"{prefix}-{index:07}" for index in range(count)]
        for kind in (1, 2):
            self.submit(names, kind)
            self.apply(names, kind)
        found = self.rows("SELECT order_id FROM order_refs WHERE value = ANY(%s)", (names,))
        return [str(row[0]) for row in found]

    def rows(
        self,
        query: str,
        values: Any = None,  # noqa: ANN401  # What the driver takes.
    ) -> list[tuple[Any, ...]]:
        """Ask PostgreSQL, as one who may see and do everything."""
        with closing(psycopg2.connect(self.admin_url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def spending(self, *services: Running) -> Spending:
        """Return what counts where the processors' time goes, with the usual service or these."""
        measured = services or (self.service,)
        return Spending(
            service=lambda: sum(cpu.of(each.process.pid) for each in measured),
            PostgreSQL=self.postgres_cpu_s,
            callers=spending.process(self.caller.pid),
        )

    def postgres_cpu_s(self) -> float:
        """Return the processor time that PostgreSQL has used, all its processes."""
        pid = self.servers.pid("postgres")
        if pid is None:
            raise RuntimeError("PostgreSQL has ended")
        return cpu.of_family(pid)

    @contextmanager
    def statements_logged(self) -> Iterator[None]:
        """Let PostgreSQL write down every statement that it is sent meanwhile."""
        self._log_statements("all")
        try:
            yield
        finally:
            self._log_statements("none")

    def _log_statements(self, which: str) -> None:
        self.rows(f"ALTER SYSTEM SET log_statement = '{which}'")
        self.rows("SELECT pg_reload_conf()")
        processes.until(
            lambda: self.rows("SHOW log_statement") == [(which,)], "PostgreSQL read its settings"
        )

    @property
    def admin_url(self) -> str:
        """The application's database, as the superuser."""
        database = self.servers.database_url.rpartition("/")[2]
        return f"{self.servers.admin_url.rpartition('/')[0]}/{database}"

    @property
    def postgres_log(self) -> Path:
        """What PostgreSQL wrote."""
        return self.folder / "servers" / "logs" / "postgres.log"

    def another_service(self, address: str, **settings: str) -> Running:
        """Start one more service on the same database, and return it when it is ready."""
        running = processes.service(
            self.folder, address, self.servers.database_url, self.servers.redis_url, **settings
        )
        running.until_ready()
        return running


@contextmanager
def serving(**settings: str) -> Iterator[Serving]:
    """Start everything, and end it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="concord-bench-")))
        # PostgreSQL runs as another account where we are root, and must be able to pass.
        folder.chmod(0o711)
        servers = stack.enter_context(
            EmbeddedServers(folder / "servers", names=("postgres", "valkey"), is_durable=True)
        )
        processes.migrate(servers.database_url)
        service = processes.service(
            folder,
            processes.free_address(),
            servers.database_url,
            servers.redis_url,
            **settings,
        )
        stack.callback(service.kill)
        service.until_ready()
        caller = Caller()
        stack.callback(caller.end)
        yield Serving(folder, servers, service, caller)
