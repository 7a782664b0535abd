"""What the gateway bears from whoever connects: headers, slowness, floods."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from benchmarks.platform_calls import MAKE, PlatformCall, stops
from benchmarks.processes import Running, until
from clients.gateway.limits import BODY_WITHIN_S, HEAD_BYTES_MAX, HEAD_WITHIN_S
from tests.integration.gateway.wire import Wire
from tests.integration.gateway.world import World, ask

# Test machines are busy.
LATE_S = 3.0


def test_headers_beyond_the_limit_are_refused(world: World) -> None:
    call = world.a_call("stripe")

    reply = world.post(call, filler="x" * HEAD_BYTES_MAX)

    assert reply.status == 431


def test_headers_without_end_are_cut_off(world: World) -> None:
    with connected(world) as wire:
        wire.sendall(b"POST /callbacks/stripe/main HTTP/1.1\r\nfiller: ")
        answer = b""
        try:
            for _ in range(64):
                wire.sendall(b"x" * 4096)
            answer = wire.recv(100)
        except OSError:
            pass  # It was cut off while we were still talking.

    assert answer == b"" or b" 431 " in answer


@pytest.mark.parametrize(
    "begun",
    [b"", b"\r\n", b"POST /callbacks/stripe/main HTTP/1.1\r\nhost: x\r\n"],
    ids=["nothing", "an empty line", "half a head"],
)
def test_a_request_that_does_not_begin_is_hung_up_on(world: World, begun: bytes) -> None:
    with connected(world) as wire:
        started = time.monotonic()
        wire.sendall(begun)

        assert wire.recv(100) == b""
        assert time.monotonic() - started < HEAD_WITHIN_S + LATE_S


def test_a_body_that_trickles_is_cut_off_whatever_is_sent_meanwhile(world: World) -> None:
    def too_slow() -> float:
        return world.gateway.metric("concord_callback_strays_total", reason="too_slow")

    before = too_slow()
    with connected(world) as wire:
        started = time.monotonic()
        wire.sendall(b"POST /callbacks/stripe/main HTTP/1.1\r\ncontent-length: 1000\r\n\r\n")
        wire.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - started < BODY_WITHIN_S + LATE_S:
            wire.sendall(b"x")
            try:
                answer = wire.recv(100)
            except TimeoutError:
                continue

    assert b" 408 " in answer
    # The platform is answered first.
    until(lambda: too_slow() > before, "it is counted")
    assert too_slow() == before + 1


def test_what_is_no_http_is_answered_and_hung_up_on(world: World) -> None:
    with connected(world) as wire:
        wire.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

        assert b" 400 " in wire.recv(100)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_turned_away(world: World, method: str) -> None:
    reply = ask(world.gateway.address, method, "/callbacks/stripe/main", {})

    assert reply.status == 405
    assert reply.headers["allow"] == "POST"


@pytest.fixture
def stalled(world: World) -> Iterator[tuple[Running, Wire]]:
    """A gateway that takes three callbacks at once, and whose service may fall silent."""
    with Wire(world.service.address) as wire:
        gateway = world.start_gateway(service=wire.address, CONCORD_GATEWAY_CONCURRENCY="3")
        try:
            gateway.until_ready()
            yield gateway, wire
        finally:
            wire.is_mute = False
            gateway.kill()


@pytest.mark.parametrize("provider", sorted(MAKE))
def test_those_beyond_the_limit_are_told_to_come_again_at_once(
    world: World, stalled: tuple[Running, Wire], provider: str
) -> None:
    gateway, wire = stalled
    wire.is_mute = True
    waiting = [_begun(gateway, world.a_call(provider)) for _ in range(3)]
    until(lambda: gateway.metric("concord_callbacks_active") == 3, "three are in flight")
    started = time.monotonic()

    reply = world.post(world.a_call(provider), to=gateway.address)

    assert time.monotonic() - started < LATE_S
    assert reply.status == 503
    assert not stops(provider, reply.status, reply.body)
    assert gateway.metric("concord_callbacks_total", outcome="shed") == 1
    for each in waiting:
        # In time for the platform, and what it is told is `again`.
        assert b" 503 " in each.recv(4096)
        each.close()
    assert gateway.metric("concord_callbacks_total", outcome="again") == 3


def connected(world: World) -> socket.socket:
    """Return a connection to the gateway."""
    host, _, port = world.gateway.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def _begun(gateway: Running, call: PlatformCall) -> socket.socket:
    """Send a callback, and leave its answer unread."""
    host, _, port = gateway.address.rpartition(":")
    wire = socket.create_connection((host, int(port)), timeout=20)
    head = [f"POST {call.path} HTTP/1.1", "host: x", f"content-length: {len(call.body)}"]
    head += [f"{name}: {value}" for name, value in call.headers.items()]
    wire.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + call.body)
    return wire
