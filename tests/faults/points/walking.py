"""Walks one place with one action: the call, what it is told, the call again, and the census."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import Final

import grpc

from tests.faults.wire import census
from tests.faults.wire.acts import ACTS, EITHER, ONCE, TWICE, UNTOLD
from tests.faults.wire.running import Uncut
from tests.faults.wire.world import Told, World

# A caller who gives up soon: that he is let go is what is tested.
PATIENCE_S: Final = 0.5
LET_GO_S: Final = 30.0
# What a caller may be told by each action, if it is not a success.
TOLD: Final = {
    "raise": grpc.StatusCode.INTERNAL,
    "hang": grpc.StatusCode.DEADLINE_EXCEEDED,
    "commit-then-raise": grpc.StatusCode.UNAVAILABLE,
}


def walk(world: World, point: str, rpc: str, action: str, uncut: Uncut) -> None:
    """Let the action happen at the place's first visit, and hold what is told to what is there."""
    act = ACTS[rpc]
    (target,) = act.prepare(world.preparing, 1)
    request_id = str(uuid.uuid4())
    before = census.take(world.witness)
    failpoints = world.served.failpoints
    gate = threading.Event()
    if action == "hang":
        failpoints.arm(point, lambda: _hang(gate))
    else:
        failpoints.arm_action(point, action)
    patience = {"within_s": PATIENCE_S} if action == "hang" else {}

    first = world.call(rpc, act.request(target, request_id), **patience)

    assert point in failpoints.reached, "nobody came by"
    failpoints.disarm()
    gate.set()
    world.settle()
    assert first.is_ok or first.code is TOLD[action], f"got {first}"
    was_done = bool(world.ask(act.proof, *act.values(target, request_id)))
    assert was_done or not first.is_ok, "told to be done, and is not"
    second = world.call(rpc, act.request(target, request_id))
    story = act.story(_unknown(first), second)
    if story == EITHER or act.story in UNTOLD:
        story = TWICE if was_done else ONCE
    moved = census.moved(before, census.take(world.witness))
    expected = uncut.once if story == ONCE else uncut.twice
    assert moved == expected, f"beyond that\n{census.told(census.moved(expected, moved))}"


def _unknown(told: Told) -> Told:
    """Return what a caller makes of a failure: it may be done, or not."""
    return told if told.is_ok else replace(told, code=grpc.StatusCode.UNAVAILABLE)


def _hang(gate: threading.Event) -> None:
    assert gate.wait(LET_GO_S), "nobody let it go"
