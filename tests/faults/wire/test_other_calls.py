"""What is cut by itself: a stream, history published again, and how a connection begins."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from concord.orders.v1 import order_service_pb2 as orders
from concord.outbox.v1 import outbox_service_pb2 as outbox
from deploy.local.stack import EmbeddedServers
from service.domain.lifecycle import State
from service.telemetry import Telemetry
from tests.faults.wire.acts import ACTS
from tests.faults.wire.cutting import Cut, Passed, Side, at_number
from tests.faults.wire.running import choose, measure, run
from tests.faults.wire.world import DEADLINE_S, Told, World, a_world

SEED = os.environ.get("CONCORD_FAULT_SEED", "wire")
WATCH = "concord.orders.v1.OrderService.WatchOrders"
REPUBLISH = "concord.outbox.v1.OutboxService.RepublishHistory"
POLL_S = 0.02
QUIET_S = 5 * POLL_S
WAITING = (
    "SELECT topic, key, n, count(*) FROM outbox WHERE published_at IS NULL"
    " GROUP BY topic, key, n ORDER BY topic, key, n"
)
Place = tuple[int, Side]


@pytest.fixture
def small_world(
    database_url: str, servers: EmbeddedServers, telemetry: Telemetry
) -> Iterator[World]:
    """A database with a short history."""
    with a_world(database_url, servers, telemetry) as made:
        made.preparing.orders(3, State.PAID)
        yield made


def places(messages: list[Passed]) -> list[Place]:
    return [(number, side) for number in range(1, len(messages) + 1) for side in Side]


def watched(world: World, request: orders.WatchOrdersRequest, until: int) -> tuple[list[int], str]:
    """Watch one order up to a number; return what came, and where to resume."""
    came, cursor = [], request.cursor
    stream = world.start(WATCH)(request, timeout=DEADLINE_S)
    try:
        for each in stream:
            cursor = each.cursor
            if each.HasField("entry"):
                came.append(each.entry.sequence)
            if came and came[-1] == until:
                break
        else:
            raise AssertionError("the watch ended by itself")
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
    stream.cancel()
    return came, cursor


def await_quiet(world: World) -> None:
    """Return when the watches that were left no longer ask the database."""
    deadline = time.monotonic() + DEADLINE_S
    world.proxy.arm()
    while world.proxy.disarm():
        assert time.monotonic() < deadline, "the watches go on"
        world.proxy.arm()
        threading.Event().wait(QUIET_S)


def cut_a_watch(world: World, every: int) -> tuple[int, int]:
    start = next(world.start(WATCH)(orders.WatchOrdersRequest(), timeout=DEADLINE_S)).cursor
    (target,) = world.preparing.orders(1, State.COMPLETED)
    last = world.ask("SELECT max(sequence) FROM journal WHERE order_id = %s", target.order)[0][0]
    request = orders.WatchOrdersRequest(cursor=start, name=f"orders/{target.order}")
    whole = list(range(1, last + 1))
    await_quiet(world)
    world.proxy.arm()
    came, _ = watched(world, request, last)
    messages = world.proxy.disarm()
    assert came == whole

    chosen = choose(places(messages), every, SEED)
    struck = 0
    for number, side in chosen:
        await_quiet(world)
        world.proxy.arm(Cut(at_number(number), side))
        before, cursor = watched(world, request, last)
        world.proxy.disarm()
        # A watch asks again and again; one that finds all in fewer looks ends before its cut.
        struck += world.proxy.was_cut
        after = []
        if before != whole:
            resumed = orders.WatchOrdersRequest(cursor=cursor, name=request.name)
            after, _ = watched(world, resumed, last)
        assert before + after == whole, f"cut {side.value} {number}: {messages[number - 1]}"
    assert struck > len(chosen) // 2, f"{struck} of {len(chosen)} cuts came"
    return len(chosen), 2 * len(messages)


def republish(world: World) -> Told:
    return world.call(REPUBLISH, outbox.RepublishHistoryRequest())


def lives(world: World) -> int:
    return int(world.ask("SELECT coalesce(max(epoch), 0) FROM broker_lives")[0][0])


def cut_a_republishing(world: World, every: int) -> tuple[int, int]:
    """Cut it: what it says is there, and what it does not say is either there or not, in whole."""
    assert republish(world).is_ok
    world.proxy.arm()
    expected = republish(world)
    messages = world.proxy.disarm()
    waiting = world.ask(WAITING)
    chosen = choose(places(messages), every, SEED)
    for number, side in chosen:
        where = f"cut {side.value} {number}: {messages[number - 1]}"
        before = lives(world)
        world.proxy.arm(Cut(at_number(number), side))
        told = republish(world)
        world.proxy.await_cut(DEADLINE_S)
        world.proxy.disarm()
        world.settle()
        begun = lives(world) - before
        if told.is_ok:
            assert (begun, told.answer.epoch) == (1, lives(world)), where
            assert told.answer.messages == expected.answer.messages, where
        else:
            assert told.code is grpc.StatusCode.UNAVAILABLE, f"{where}: got {told}"
            assert begun in {0, 1}, where
        assert world.ask(WAITING) == waiting, where
    return len(chosen), 2 * len(messages)


def test_a_watch_that_is_cut_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.rpc.orders.WATCH_POLL_S", POLL_S)
    cut_a_watch(world, 6)


def test_history_is_published_again_in_whole_or_not_at_all(small_world: World) -> None:
    cut_a_republishing(small_world, 6)


@pytest.mark.long
def test_all_boundaries_of_a_watch(
    world: World, monkeypatch: pytest.MonkeyPatch, tell: Callable[[object], None]
) -> None:
    monkeypatch.setattr("service.rpc.orders.WATCH_POLL_S", POLL_S)
    cut, of = cut_a_watch(world, 1)

    tell(f"{WATCH.rpartition('.v1.')[2]:42} {cut:4} of {of:4} boundaries")
    assert cut == of


@pytest.mark.long
def test_all_boundaries_of_a_republishing(
    small_world: World, tell: Callable[[object], None]
) -> None:
    cut, of = cut_a_republishing(small_world, 1)

    tell(f"{REPUBLISH.rpartition('.v1.')[2]:42} {cut:4} of {of:4} boundaries")
    assert cut == of


@pytest.mark.long
@pytest.mark.parametrize("rpc", ["orders.v1.OrderService.SetMilestone",
                                 "intake.v1.IntakeService.SubmitReceipts"])  # fmt: skip
def test_a_connection_that_is_cut_while_it_begins(
    world: World, rpc: str, tell: Callable[[object], None]
) -> None:
    act = ACTS[f"concord.{rpc}"]
    uncut = measure(world, act, fresh_connection=True)
    assert uncut.messages[0].message.name == "StartupMessage"

    report = run(world, act, uncut, uncut.boundaries, fresh_connection=True)

    tell(f"{report}, connecting included")
    assert report.cut == report.boundaries
