"""A gateway with everything behind it, as processes; and platforms that call it."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg2

from benchmarks import platform_calls, processes
from benchmarks.merchant import Merchant
from benchmarks.platform_calls import PlatformCall
from benchmarks.processes import Running, until
from deploy.local.stack import EmbeddedServers

AGAIN: Final = 503


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class World:
    """Servers, service and gateway; started once, put back in order by whoever breaks something."""

    folder: Path
    servers: EmbeddedServers
    merchant: Merchant
    accounts: Path
    database_url: str
    service: Running
    gateway: Running
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def start_service(self) -> None:
        """Start the service, on its old address."""
        self.service = processes.service(
            self.folder, self.service.address, self.database_url, self.servers.redis_url
        )
        self.service.until_ready()

    def start_gateway(self, *, service: str = "", **settings: str) -> Running:
        """Start another gateway; whoever asked for it ends it."""
        return processes.gateway(
            self.folder,
            processes.free_address(),
            service or self.service.address,
            self.accounts,
            **settings,
        )

    def a_call(self, provider: str, *, age: timedelta = timedelta()) -> PlatformCall:
        """Return a callback about a payment of its own."""
        order = f"G{next(self._numbers):011}"
        return platform_calls.MAKE[provider](self.merchant, order, self.now() - age)

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(tz=UTC)

    def post(self, call: PlatformCall, *, to: str = "", **headers: str) -> Reply:
        """Call as a platform does."""
        return post(to or self.gateway.address, call.path, call.body, {**call.headers, **headers})

    def post_all(self, calls: Sequence[PlatformCall], *, at_once: int = 100) -> list[Reply]:
        """Call all at once."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.post, calls))

    def deliver(self, call: PlatformCall, *, to: str = "", **headers: str) -> Reply:
        """Call until it is not told to come again: on a busy machine, a gateway has no room."""
        return until(lambda: _decided(self.post(call, to=to, **headers)), "it is decided")

    def deliver_all(self, calls: Sequence[PlatformCall], *, at_once: int = 100) -> list[Reply]:
        """Call all at once, each until it is not told to come again."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.deliver, calls))

    def stored(self, call: PlatformCall) -> list[dict[str, Any]]:
        """Return the receipts of a call, as they lie in PostgreSQL."""
        return self.rows(
            "select * from receipts where source = %s and order_hint = %s",
            (call.provider, call.order),
        )

    def count(self) -> int:
        """Return how many receipts there are."""
        return int(self.rows("select count(*) as n from receipts")[0]["n"])

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask the database."""
        with closing(psycopg2.connect(self.database_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(query, parameters)
            names = [each.name for each in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _decided(reply: Reply) -> Reply | None:
    return None if reply.status == AGAIN else reply


def post(address: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
    """Make one request."""
    return ask(address, "POST", path, headers, body)


def ask(
    address: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> Reply:
    """Make one request of any method."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, answer.read(), named)
    finally:
        connection.close()
