"""Runs the gateway: opens its port, serves until told to stop, and ends what was begun.

1. A signal comes: /readyz says that we drain, nothing new is accepted.
2. Callbacks in flight get their answers; connections are closed behind them.
3. What was on its way to the service is waited for, and the connection to it closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from clients import telemetry
from clients.gateway import config, requests
from clients.gateway.app import Gateway
from clients.gateway.batches import Batches
from clients.gateway.config import Settings
from clients.gateway.connections import bounded
from clients.gateway.limits import CONNECTIONS_FOR_EACH, DRAIN_S, IDLE_S
from clients.gateway.metrics import Metrics
from clients.gateway.pulse import Pulse
from clients.gateway.readiness import Readiness
from clients.gateway.receiving import Receiving
from clients.gateway.seldom import Seldom
from clients.providers.accounts import AccountBook
from clients.sdk import AsyncConcord, Identity
from concord.intake.v1.receipt_pb2 import Receipt

log = structlog.get_logger(__name__)

# Connections that the kernel holds for us while we are busy with others.
BACKLOG: Final = 2_048
# Files besides connections: libraries, logs, keys, the way to the service.
OTHER_FILES: Final = 256
Application = Callable[[requests.Scope, requests.Receive, requests.Send], Awaitable[None]]

# Who submits, in the service's log.
ACTOR: Final = Identity(actor="gateway", role="system", source="gateway")


class Server(uvicorn.Server):
    """uvicorn's, whose signals are ours: its own would end the process before the last word."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def listen(address: str) -> socket.socket:
    """Return the open port.

    Raises:
        OSError: it is taken, or is not ours to take.
    """
    host, _, port = address.rpartition(":")
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    return socket.create_server((bare, int(port)), family=family, backlog=BACKLOG)


async def serve(
    settings: Settings, book: AccountBook, opened: socket.socket, registry: CollectorRegistry
) -> None:
    """Serve on the open port until SIGTERM or SIGINT."""
    metrics = Metrics(registry)
    service = AsyncConcord(settings.service_address, identity=ACTOR)

    async def submit(receipts: Sequence[Receipt], within_s: float) -> object:
        return await service.intake.submit(receipts, timeout_s=within_s)

    batches = Batches(submit, metrics, room=settings.concurrency)
    readiness = Readiness(book, service, metrics)
    pulse = Pulse(config.monotonic)
    seldom = Seldom(config.monotonic)
    receiving = Receiving(settings, batches, metrics, config.now, seldom, pulse)
    is_tracing = settings.otlp_endpoint is not None
    app = Gateway(book, receiving, metrics, config.now, is_tracing=is_tracing)

    def turn_away() -> None:
        metrics.strays.labels("connections").inc()
        if count := seldom.count("connections"):
            log.warning("connections_full", count=count)

    server = server_of(app, settings.concurrency, turn_away)
    metrics.connections.set_function(lambda: len(server.server_state.connections))
    probes = telemetry.Probes(
        settings.metrics_address,
        registry=registry,
        ready=readiness.missing,
        notes=readiness.notes,
    )

    def stop() -> None:
        readiness.drain()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watching = loop.create_task(readiness.watch())
    pulse.begin()
    log.info("gateway_started", address=settings.address)
    try:
        await server.serve(sockets=[opened])
        await batches.close()
    finally:
        pulse.end()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await service.close()
        # Off the loop: its threads may be answering a last look.
        await asyncio.to_thread(probes.close)
        log.info("gateway_stopped")


def allow_files(connections: int) -> None:
    """Let the process hold so many connections, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def server_of(
    app: Application, concurrency: int, on_full: Callable[[], None] = lambda: None
) -> Server:
    """Return the server of an application that serves so many requests at once.

    `on_full` is told of each connection that is one too many.
    """
    connections = concurrency * CONNECTIONS_FOR_EACH
    allow_files(connections)
    settled = uvicorn.Config(
        app,
        http=bounded(connections, on_full),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return Server(settled)
