"""Reads are cut at every message, too: each gives the answer that it gives uncut, or UNAVAILABLE.

Here also: that no call is forgotten, be it a read or not.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from redis import Redis

import concord
from deploy.local.stack import EmbeddedServers
from tests.faults.wire.acts import ACTS
from tests.faults.wire.cutting import Cut, Passed, Side, at_number
from tests.faults.wire.preparing import Target
from tests.faults.wire.reads import ELSEWHERE, READINGS, WITHOUT_DATABASE, Reading
from tests.faults.wire.running import choose
from tests.faults.wire.world import Told, World, views_of

SEED = os.environ.get("CONCORD_FAULT_SEED", "wire")
# In `make test`; a read has few messages.
EVERY = 24
PARTITIONS = 12
TRIES = 6


@pytest.fixture(autouse=True)
def marks(servers: EmbeddedServers, request: pytest.FixtureRequest) -> Iterator[None]:
    """Say that the streams' view is complete, for the one call that compares with it."""
    names = [f"concord:views:stages:{each}" for each in range(PARTITIONS)]
    with Redis.from_url(views_of(servers)) as redis:
        if "VerifyInsights" in request.node.name:
            redis.mset(dict.fromkeys(names, "1"))
        yield
        redis.delete(*names)


def every_call() -> Iterable[str]:
    """Return the full name of every call in the contract, wherever it is written down."""
    for path in map(Path, concord.__path__):
        for found in path.rglob("*_pb2.py"):
            name = ".".join(("concord", *found.relative_to(path).with_suffix("").parts))
            for service in importlib.import_module(name).DESCRIPTOR.services_by_name.values():
                yield from (method.full_name for method in service.methods)


def told_uncut(world: World, reading: Reading, target: Target) -> Told:
    told = world.call(reading.rpc, reading.request(target))
    assert told.is_ok, f"uncut, {reading.rpc} got {told}"
    return told


def lasting(reading: Reading, told: Told) -> bytes:
    """Return an answer without what the time of day says."""
    answer = told.answer
    assert isinstance(answer, Message)
    for each in reading.passing:
        within, _, field = each.rpartition(".")
        for part in getattr(answer, within) if within else [answer]:
            part.ClearField(field)
    return answer.SerializeToString(deterministic=True)


def settled(world: World, reading: Reading, target: Target) -> tuple[bytes, list[Passed]]:
    """Ask until two answers in a row took as many messages: no connection was made for them."""
    told_uncut(world, reading, target)
    before: list[Passed] = []
    for _ in range(TRIES):
        world.proxy.arm()
        expected = lasting(reading, told_uncut(world, reading, target))
        messages = world.proxy.disarm()
        if messages and len(messages) == len(before):
            return expected, messages
        before = messages
    raise AssertionError(f"{reading.rpc} asks the database differently each time, or never")


def cut_everywhere(world: World, reading: Reading, every: int) -> tuple[int, int]:
    """Cut the call at one boundary in so many; return how many were cut, and how many there are."""
    (target,) = reading.prepare(world.preparing, 1)
    expected, messages = settled(world, reading, target)
    places = [
        (number, side, lasts)
        for number in range(1, len(messages) + 1)
        for side in Side
        for lasts in (side is Side.BEFORE,)
    ]
    chosen = choose(places, every, f"{SEED} {reading.rpc}")
    for number, side, lasts in chosen:
        world.proxy.arm(Cut(at_number(number), side, lasts))
        told = world.call(reading.rpc, reading.request(target))
        was_cut = world.proxy.was_cut
        world.proxy.disarm()
        where = f"{reading.rpc}, cut {side.value} {number}: {messages[number - 1]}"
        assert was_cut, f"{where}: ended before"
        if told.is_ok:
            assert lasting(reading, told) == expected, f"{where}: another answer"
        else:
            assert told.code is grpc.StatusCode.UNAVAILABLE, f"{where}: got {told}"
        assert lasting(reading, told_uncut(world, reading, target)) == expected
    return len(chosen), len(places)


def test_every_call_is_cut_or_says_why_not() -> None:
    known = ACTS.keys() | READINGS.keys() | ELSEWHERE | WITHOUT_DATABASE

    assert set(every_call()) == known
    assert not ACTS.keys() & READINGS.keys()


def test_every_call_with_a_request_id_is_no_read() -> None:
    pool = descriptor_pool.Default()
    asked = {
        each
        for each in every_call()
        if "request_id" in pool.FindMethodByName(each).input_type.fields_by_name
    }

    assert asked <= ACTS.keys()


@pytest.mark.parametrize("rpc", READINGS)
def test_a_read_that_is_cut_answers_rightly_or_not_at_all(world: World, rpc: str) -> None:
    cut_everywhere(world, READINGS[rpc], EVERY)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rpc", READINGS)
def test_a_read_that_is_cut_anywhere_answers_rightly_or_not_at_all(
    empty_world: World, rpc: str, tell: Callable[[object], None]
) -> None:
    cut, of = cut_everywhere(empty_world, READINGS[rpc], 1)

    tell(f"{rpc.rpartition('.v1.')[2]:42} {cut:4} of {of:4} boundaries")
    assert cut == of
