"""The gRPC server: limits, interceptors, health for each service, reflection, channelz."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service.rpc.wrapping import Once

# A batch of receipts may have 4 MiB. Transport takes more, so that what is too large gets an
# answer that names the field, instead of one that only names the limit.
MESSAGE_MAX: Final = 16 << 20
# Beyond it a call is answered RESOURCE_EXHAUSTED at once, instead of waiting for its deadline.
CALLS_MAX: Final = 2_048

OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_MAX),
    ("grpc.max_send_message_length", MESSAGE_MAX),
    # Calls that no thread has looked at yet; beyond its own 1,000 gRPC would refuse some by chance,
    # without a reason. We refuse those beyond CALLS_MAX with one.
    ("grpc.server.max_pending_requests", 2 * CALLS_MAX),
    ("grpc.server.max_pending_requests_hard_limit", 4 * CALLS_MAX),
    # One caller may bring as many as all may: a channel that reached a lower limit would be refused
    # by chance, too, where a call ends on its side before it does on ours.
    ("grpc.max_concurrent_streams", CALLS_MAX),
    # Tokens and traces fit in half of it; more is refused always, not at random.
    ("grpc.max_metadata_size", 8 << 10),
    # Connections end now and then, so that callers spread over a new set of servers.
    ("grpc.max_connection_age_ms", 30 * 60 * 1_000),
    ("grpc.max_connection_age_grace_ms", 30 * 1_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)

Adder = Any  # the generated add_…_to_server function


def pool_threads(threads: int, watchers_max: int) -> int:
    """Return how many threads serve calls: watches hold one each, health checks need a few."""
    return threads + watchers_max + 4


class Server:
    """One gRPC server; `health` tells who is ready."""

    def __init__(
        self,
        address: str,
        services: Mapping[str, tuple[Adder, Any]],
        *,
        interceptors: Sequence[grpc.ServerInterceptor],
        threads: int,
        watchers_max: int,
        shares_port: bool = False,
    ) -> None:
        """Mount `services`: full name to (adder, servicer)."""
        self._pool = ThreadPoolExecutor(
            pool_threads(threads, watchers_max), thread_name_prefix="rpc"
        )
        self._server = grpc.server(
            self._pool,
            interceptors=[Once(interceptors)],
            options=(*OPTIONS, ("grpc.so_reuseport", int(shares_port))),
            maximum_concurrent_rpcs=CALLS_MAX,
        )
        self._names = tuple(services)
        self._health = health.HealthServicer()
        for adder, servicer in services.values():
            adder(servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        channelz.add_channelz_servicer(self._server)
        reflected = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(reflected, self._server)
        self.set_serving(is_serving=False)
        self._server.add_insecure_port(address)

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def set_serving(self, *, is_serving: bool) -> None:
        """Tell health checks, for the server and for each service."""
        known = health_pb2.HealthCheckResponse
        state = known.SERVING if is_serving else known.NOT_SERVING
        for name in ("", *self._names):
            self._health.set(name, state)

    def stop(self, grace_s: float) -> None:
        """Refuse new calls, let those in progress end within the grace time."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace_s).wait(grace_s + 1)
        self._pool.shutdown(wait=False, cancel_futures=True)
