"""The service in this process, its database behind a proxy that cuts, and a witness beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import psycopg2
import psycopg2.extensions
import sqlalchemy as sa
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_status import rpc_status

from deploy.local.stack import EmbeddedServers
from service import bootstrap
from service.config import settings
from service.failpoints import Failpoints
from service.postgres.engine import make_engine
from service.telemetry import Telemetry
from tests.faults.wire.cutting import CuttingProxy
from tests.faults.wire.preparing import Preparing
from tests.integration.relay.world import wait_until as until
from tests.integration.service.world import free_port, read_refusal

# Far above what a cut call needs, and far below a test's own limit.
DEADLINE_S: Final = 10.0
METHODS: Final = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}
# A caller who finds nobody looks again soon.
RECONNECTS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)
CONNECTIONS: Final = 4
# What the caller's own side says when it hears nothing: the service is gone, or takes too long.
UNSAID: Final = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
BUSY: Final = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'concord' AND (state <> 'idle' OR xact_start IS NOT NULL)"
)


def said_of_caller(rpc: str) -> tuple[tuple[str, str], ...]:
    """Return what a caller says of himself, where not everybody may ask."""
    roles = {"concord.batches.": "operations", "concord.cases.": "purchasing"}
    return tuple(("concord-role", role) for head, role in roles.items() if rpc.startswith(head))


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller was told: an answer, or why there is none."""

    code: grpc.StatusCode
    answer: Any = None
    reason: str = ""

    @property
    def is_ok(self) -> bool:
        return self.code is grpc.StatusCode.OK

    @property
    def body(self) -> bytes:
        """The answer's bytes, the same for the same answer."""
        assert isinstance(self.answer, Message)
        return self.answer.SerializeToString(deterministic=True)

    def __str__(self) -> str:
        return self.code.name if self.is_ok else f"{self.code.name} {self.reason}"


@dataclass(frozen=True, slots=True)
class Served:
    """A service in this process, and what a test may do to it."""

    address: str
    drop_connections: Callable[[], None]
    failpoints: Failpoints


@dataclass
class World:
    """Everything around one service."""

    database_url: str
    address: str
    proxy: CuttingProxy
    preparing: Preparing
    witness: psycopg2.extensions.connection
    channel: grpc.Channel
    served: Served
    _calls: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def call(
        self, rpc: str, request: Message | Sequence[Message], *, within_s: float = DEADLINE_S
    ) -> Told:
        """Call a method and return what is told; of a stream of answers, the first."""
        try:
            given = request if isinstance(request, Message) else iter(request)
            answer = self.start(rpc)(
                given, timeout=within_s, wait_for_ready=True, metadata=said_of_caller(rpc)
            )
            if method_of(rpc).server_streaming:
                stream, answer = answer, next(answer)
                stream.cancel()
            return Told(grpc.StatusCode.OK, answer)
        except grpc.RpcError as error:
            if rpc_status.from_call(error) is None and error.code() in UNSAID:
                return Told(error.code(), reason="UNSAID")
            refused = read_refusal(error)
            return Told(refused.code, reason=refused.reason)

    def start(self, rpc: str) -> Callable[..., Any]:
        """Return what makes the call: for answers that come one after another, too."""
        if rpc not in self._calls:
            method = method_of(rpc)
            make = getattr(self.channel, METHODS[method.client_streaming, method.server_streaming])
            self._calls[rpc] = make(
                f"/{method.containing_service.full_name}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=message_factory.GetMessageClass(
                    method.output_type
                ).FromString,
            )
        return self._calls[rpc]

    def settle(self) -> None:
        """Return when no transaction is under way: a cut one has come to its end."""
        until(lambda: not self.ask(BUSY), what="the end of the cut transaction")

    def ask_named(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Ask the database with values by name, past the proxy."""
        with self.witness.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, past the proxy."""
        with self.witness.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()


def method_of(rpc: str) -> MethodDescriptor:
    """Return the descriptor of `concord.orders.v1.OrderService.GetOrder`."""
    return descriptor_pool.Default().FindMethodByName(rpc)


def request_of(rpc: str) -> type[Message]:
    """Return the type of a call's request."""
    return message_factory.GetMessageClass(method_of(rpc).input_type)


def views_of(servers: EmbeddedServers) -> str:
    """Return the address of a part of Valkey that no other test uses."""
    return f"{servers.redis_url.removesuffix('/0')}/9"


def hurry_logins(database_url: str) -> None:
    """Let the database's own role log in at once: proving a password takes 3 ms of a cut."""
    url = sa.make_url(database_url)
    connection = psycopg2.connect(database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET scram_iterations = 1")
        cursor.execute(f'ALTER ROLE "{url.username}" PASSWORD %s', (url.password,))
    connection.close()


@contextmanager
def serving(
    database_url: str, port: int, servers: EmbeddedServers, telemetry: Telemetry
) -> Iterator[Served]:
    """Serve as the composition root builds it, with the database behind a port of this machine."""
    address = f"127.0.0.1:{free_port()}"
    url = sa.make_url(database_url).set(host="127.0.0.1", port=port)
    behind = url.render_as_string(hide_password=False)
    engine = make_engine(behind, connections=CONNECTIONS)
    given = settings("serve", _variables(behind, address, servers))
    server = bootstrap._server(given, engine, telemetry)
    server.start()
    server.set_serving(is_serving=True)
    try:
        yield Served(address, engine.dispose, given.failpoints)
    finally:
        server.stop(2)
        engine.dispose()


@contextmanager
def a_world(database_url: str, servers: EmbeddedServers, telemetry: Telemetry) -> Iterator[World]:
    """Start the service over a migrated database, behind a proxy that cuts."""
    hurry_logins(database_url)
    url = sa.make_url(database_url)
    with ExitStack() as stack:
        proxy = stack.enter_context(CuttingProxy(url.host or "", url.port or 0))
        served = stack.enter_context(serving(database_url, proxy.port, servers, telemetry))
        preparing = stack.enter_context(closing(Preparing(database_url)))
        witness = stack.enter_context(closing(psycopg2.connect(database_url)))
        witness.autocommit = True
        channel = stack.enter_context(grpc.insecure_channel(served.address))
        yield World(database_url, served.address, proxy, preparing, witness, channel, served)


def _variables(database_url: str, address: str, servers: EmbeddedServers) -> dict[str, str]:
    return {
        "CONCORD_DATABASE_URL": database_url,
        # Views of its own: what the streams of other tests wrote is not this database's.
        "CONCORD_REDIS_URL": views_of(servers),
        "CONCORD_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
        "CONCORD_SERVICE_ADDRESS": address,
        "CONCORD_SERVICE_THREADS": str(CONNECTIONS),
        "CONCORD_WATCHERS_MAX": "100",
    }
