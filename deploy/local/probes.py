"""How to tell that a server or a process of ours can do its work: by asking it to do some."""

from __future__ import annotations

import asyncio
import struct
import urllib.parse
from typing import Final

from deploy.local.process import NotReadyError, Probe

# On loopback an answer takes microseconds; what takes longer than this is not ready.
ANSWER_WITHIN_S: Final = 2.0

API_VERSIONS: Final = 18
METADATA: Final = 3
HTTP_OK: Final = 200


def postgres(url: str) -> Probe:
    """Log in and ask for a row."""

    async def probe() -> None:
        # Imported where they are used, all four: they take a second together, and the first
        # line of output should not wait for them.
        import psycopg2  # noqa: PLC0415

        def ask() -> None:
            connection = psycopg2.connect(url, connect_timeout=2)
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            finally:
                connection.close()

        try:
            await asyncio.to_thread(ask)
        except psycopg2.Error as error:
            raise NotReadyError(_first_line(error)) from error

    return probe


def redis(url: str) -> Probe:
    """Authenticate and ping."""

    async def probe() -> None:
        import redis.asyncio  # noqa: PLC0415

        client = redis.asyncio.from_url(url, socket_timeout=ANSWER_WITHIN_S)
        try:
            await client.ping()
        except (redis.RedisError, OSError) as error:
            raise NotReadyError(_first_line(error)) from error
        finally:
            await client.aclose()

    return probe


def kafka(bootstrap: str) -> Probe:
    """Ask for the versions of the protocol, which a broker answers before any authentication."""
    host, port = split(bootstrap.split(",", maxsplit=1)[0])
    # Key, version 0, correlation id 1, no client id.
    request = struct.pack(">hhih", API_VERSIONS, 0, 1, -1)

    async def probe() -> None:
        reply = await _exchange(host, port, struct.pack(">i", len(request)) + request, 10)
        _, correlation, error = struct.unpack(">iih", reply)
        if correlation != 1 or error != 0:
            raise NotReadyError(f"ApiVersions answered with error {error}")

    return probe


def kafka_broker(bootstrap: str, number: int) -> Probe:
    """Expect the cluster to count on this broker: to name it to those who ask who is there."""
    host, port = split(bootstrap)
    # Key, version 4, correlation id 1, no client id; of no topic, and none is to be made.
    request = struct.pack(">hhihib", METADATA, 4, 1, -1, 0, 0)

    async def probe() -> None:
        reply = await _exchange(host, port, struct.pack(">i", len(request)) + request, None)
        there = _brokers(reply)
        if number not in there:
            raise NotReadyError(f"broker {number} is not among {there}")

    return probe


def http(address: str, path: str = "/readyz") -> Probe:
    """Expect 200 from our own readiness page."""
    host, port = split(address)
    request = f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode()

    async def probe() -> None:
        # "HTTP/1.1 200": the first 12 bytes hold the code.
        reply = await _exchange(host, port, request, 12)
        if reply[9:12] != str(HTTP_OK).encode():
            raise NotReadyError(f"{path} answered {reply[9:12].decode(errors='replace')}")

    return probe


def grpc_health(address: str) -> Probe:
    """Expect SERVING from grpc.health.v1 for the server as a whole."""

    async def probe() -> None:
        import grpc.aio  # noqa: PLC0415
        from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                reply = await stub.Check(health_pb2.HealthCheckRequest(), timeout=ANSWER_WITHIN_S)
            except grpc.aio.AioRpcError as error:
                raise NotReadyError(f"health check: {error.code().name}") from error
        if reply.status != health_pb2.HealthCheckResponse.SERVING:
            raise NotReadyError("health check: NOT_SERVING")

    return probe


def alive_for(seconds: float) -> Probe:
    """Expect no more than to live on; the supervisor notices if it does not."""

    async def probe() -> None:
        await asyncio.sleep(seconds)

    return probe


def split(address: str) -> tuple[str, int]:
    """Return host and port of an address, with IPv6 brackets removed."""
    parts = urllib.parse.urlsplit(f"//{address}")
    return parts.hostname or "127.0.0.1", parts.port or 0


def _brokers(reply: bytes) -> list[int]:
    """Return the ids in a reply of Metadata 4, after correlation id and throttle time."""
    (count,) = struct.unpack_from(">i", reply, 8)
    at, found = 12, []
    for _ in range(count):
        node, length = struct.unpack_from(">ih", reply, at)
        # The host, its port, and the rack, which may be null: -1.
        at += 6 + length + 4
        (rack,) = struct.unpack_from(">h", reply, at)
        at += 2 + max(0, rack)
        found.append(node)
    return found


async def _exchange(host: str, port: int, request: bytes, reply_bytes: int | None) -> bytes:
    """Send the request and return the first bytes of the reply; all, where it tells its length."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                await writer.drain()
                if reply_bytes is None:
                    (reply_bytes,) = struct.unpack(">i", await reader.readexactly(4))
                return await reader.readexactly(reply_bytes)
            finally:
                writer.close()
    except (OSError, asyncio.IncompleteReadError) as error:
        raise NotReadyError(f"{host}:{port}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
