"""What a platform is told while something of ours is away, and what is left afterwards."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.platform_calls import MAKE, stops
from benchmarks.processes import Running, until
from tests.integration.gateway.wire import Wire
from tests.integration.gateway.world import World
from tests.invariants import assert_clean

PROVIDERS = sorted(MAKE)
# The platforms' own limit.
PATIENCE_S = 5.0


def test_while_the_service_is_down_every_platform_is_told_to_come_again(world: World) -> None:
    calls = [world.a_call(provider) for provider in PROVIDERS]
    world.service.end()
    try:
        started = time.monotonic()
        replies = world.post_all(calls)
        took_s = time.monotonic() - started
        until(lambda: not world.gateway.is_ready(), "the gateway says that it cannot work")
        assert "service" in world.gateway.readiness()
    finally:
        world.start_service()

    assert [
        provider
        for provider, reply in zip(PROVIDERS, replies, strict=True)
        if stops(provider, reply.status, reply.body)
    ] == []
    assert took_s < PATIENCE_S
    until(world.gateway.is_ready, "the gateway works again")
    again = world.deliver_all(calls)
    assert all(stops(p, r.status, r.body) for p, r in zip(PROVIDERS, again, strict=True))
    assert [len(world.stored(call)) for call in calls] == [1] * len(calls)


def test_while_postgresql_is_down_nobody_is_told_that_a_payment_is_taken(world: World) -> None:
    calls = [world.a_call(provider) for provider in PROVIDERS]
    world.servers.kill("postgres")
    try:
        replies = world.post_all(calls)
    finally:
        world.servers.start("postgres")

    assert not any(stops(p, r.status, r.body) for p, r in zip(PROVIDERS, replies, strict=True))
    until(world.gateway.is_ready, "the gateway works again")
    again = world.deliver_all(calls)
    assert all(stops(p, r.status, r.body) for p, r in zip(PROVIDERS, again, strict=True))
    assert [len(world.stored(call)) for call in calls] == [1] * len(calls)


@pytest.fixture
def wired(world: World) -> Iterator[tuple[Running, Wire]]:
    """A gateway whose service can be made to answer nothing, although it works."""
    with Wire(world.service.address) as wire:
        gateway = world.start_gateway(service=wire.address)
        try:
            gateway.until_ready()
            yield gateway, wire
        finally:
            gateway.kill()


def test_crash_between_commit_and_answer_leaves_one_receipt_when_it_comes_again(
    world: World, wired: tuple[Running, Wire]
) -> None:
    gateway, wire = wired
    call = world.a_call("wechatpay")
    wire.is_mute = True
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(world.post, call, to=gateway.address)
        until(lambda: world.stored(call), "the receipt is committed")
        gateway.kill()
        with pytest.raises(ConnectionError):
            answer.result()

    reply = world.deliver(call)

    assert stops("wechatpay", reply.status, reply.body)
    (receipt,) = world.stored(call)
    assert receipt["repeats"] >= 1


def test_a_service_that_does_not_answer_costs_the_platform_less_than_its_patience(
    world: World, wired: tuple[Running, Wire]
) -> None:
    gateway, wire = wired
    wire.is_mute = True
    calls = [world.a_call(provider) for provider in PROVIDERS]
    started = time.monotonic()

    replies = [world.post(call, to=gateway.address) for call in calls[:1]]

    assert time.monotonic() - started < PATIENCE_S
    assert not stops(PROVIDERS[0], replies[0].status, replies[0].body)


def test_on_sigterm_what_is_in_flight_is_answered_and_nothing_new_is_accepted(
    world: World, wired: tuple[Running, Wire]
) -> None:
    gateway, wire = wired
    wire.is_mute = True
    call = world.a_call("alipay")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(world.post, call, to=gateway.address)
        until(lambda: gateway.metric("concord_callbacks_active") == 1, "it is in flight")
        gateway.process.terminate()
        until(lambda: "draining" in gateway.readiness(), "it says that it drains")
        until(lambda: not listens(gateway.address), "nothing new is accepted")
        assert not answer.done()
        reply = answer.result()

    assert reply.body == b"fail"
    assert gateway.process.wait(10) == 0


def test_every_invariant_that_a_database_can_tell_holds(world: World) -> None:
    assert_clean(world.database_url, but={"I7": "no relay runs here"})


def listens(address: str) -> bool:
    """Return whether somebody accepts connections there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionError:
        return False
    return True
