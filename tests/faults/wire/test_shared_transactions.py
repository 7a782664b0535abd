"""Commands that come at once share transactions; where these are cut, each is told the truth."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.wire import census
from tests.faults.wire.acts import ACTS, Act
from tests.faults.wire.census import Census
from tests.faults.wire.cutting import Cut, Side, at_number
from tests.faults.wire.preparing import Target
from tests.faults.wire.running import choose, measure
from tests.faults.wire.world import Told, World

SEED = os.environ.get("CONCORD_FAULT_SEED", "shared")
RPC = "concord.orders.v1.OrderService.ConfirmPayment"
# Two transactions are under way at a time; the others share what follows.
CALLERS = 8


def at_once(world: World, act: Act, targets: list[Target], requests: list[str]) -> list[Told]:
    """Make all calls at the same time; return what each was told."""
    with ThreadPoolExecutor(CALLERS) as callers:
        return list(
            callers.map(
                lambda target, request_id: world.call(act.rpc, act.request(target, request_id)),
                targets,
                requests,
            )
        )


def cut_at_once(world: World, every: int) -> tuple[int, int]:
    """Cut at one boundary in so many; return how often it came to that, and how many were tried."""
    act = ACTS[RPC]
    once = measure(world, act).once
    targets = act.prepare(world.preparing, CALLERS)
    world.proxy.arm()
    at_once(world, act, targets, _fresh())
    messages = world.proxy.disarm()
    places = [(number, side) for number in range(1, len(messages) + 1) for side in Side]
    cut = 0
    chosen = choose(places, every, SEED)
    for number, side in chosen:
        targets, requests = act.prepare(world.preparing, CALLERS), _fresh()
        before = census.take(world.witness)
        world.proxy.arm(Cut(at_number(number), side, lasts=side is Side.BEFORE))
        first = at_once(world, act, targets, requests)
        # How calls fall together is not told, so there may be fewer messages than there were.
        cut += world.proxy.was_cut
        world.proxy.disarm()
        for told, request_id in zip(first, requests, strict=True):
            assert not told.is_ok or world.ask(act.proof, request_id), "told, and not done"
        second = at_once(world, act, targets, requests)
        for told, again in zip(first, second, strict=True):
            act.story(told, again)
        moved = census.moved(before, census.take(world.witness))
        expected: Census = census.summed([once] * CALLERS)
        too_much = census.told(census.moved(expected, moved))
        assert not too_much, f"cut {side.value} {number}; beyond what was told\n{too_much}"
    return cut, len(chosen)


def _fresh() -> list[str]:
    return [str(uuid.uuid4()) for _ in range(CALLERS)]


def test_those_who_share_a_transaction_that_is_cut_are_told_the_truth(world: World) -> None:
    cut, tried = cut_at_once(world, 40)

    assert cut * 2 >= tried


@pytest.mark.long
def test_shared_transactions_cut_at_many_messages(
    world: World, tell: Callable[[object], None]
) -> None:
    cut, tried = cut_at_once(world, 4)

    tell(f"{CALLERS} at once, seed {SEED}: {cut} of {tried} cuts met somebody")
    assert cut * 2 >= tried
