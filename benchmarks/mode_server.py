"""`python -m benchmarks.mode_server threads | asyncio`: one server in either mode of gRPC.

It answers with nothing, or after one question to PostgreSQL: what a call of ours costs before any
work of ours is in it. With asyncio the question is asked in a thread, as the driver waits.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
import psycopg2
import uvloop
from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from clients import telemetry

# As many as the service has.
THREADS: Final = 36
SERVICE: Final = "concord.benchmarks.Mode"
_own: Final = threading.local()


def ask(_request: bytes, _context: object) -> bytes:
    """Ask PostgreSQL for nothing, on this thread's connection."""
    if not hasattr(_own, "cursor"):
        connection = psycopg2.connect(os.environ["CONCORD_DATABASE_URL"])
        connection.autocommit = True
        _own.cursor = connection.cursor()
    _own.cursor.execute("SELECT")
    return b""


def handlers(**calls: Any) -> Any:  # noqa: ANN401  # gRPC's generic handler.
    """Return what answers these methods, in bytes."""
    made: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(call) for name, call in calls.items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, made)


def serve_with_threads(address: str) -> None:
    """Serve until the process is ended."""
    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((handlers(Empty=lambda _request, _context: b"", Ask=ask),))
    server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


async def serve_with_asyncio(address: str) -> None:
    """Serve until the process is ended."""
    threads = ThreadPoolExecutor(THREADS)
    loop = asyncio.get_running_loop()

    async def empty(_request: bytes, _context: object) -> bytes:
        return b""

    async def asked(request: bytes, context: object) -> bytes:
        return await loop.run_in_executor(threads, ask, request, context)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers(Empty=empty, Ask=asked),))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


def main() -> None:
    """Serve in the mode that is asked for."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    telemetry.Probes(os.environ["CONCORD_METRICS_ADDRESS"], registry=registry, ready=dict)
    address = os.environ["CONCORD_SERVICE_ADDRESS"]
    if sys.argv[1] == "threads":
        serve_with_threads(address)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_with_asyncio(address))


if __name__ == "__main__":
    main()
