"""A burst beyond what a gateway may take at once: none lost, none wrong, the others come again.

The whole of it is `python -m benchmarks.callback_burst`.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.generators import calls_of
from benchmarks.open_loop import Offered, Verdict, offer
from benchmarks.platform_calls import PlatformCall
from clients.gateway.limits import CONNECTIONS_FOR_EACH
from tests.integration.gateway.world import World

BURST = 600


def test_in_a_burst_none_is_lost_none_is_wrong_and_the_rest_comes_again(world: World) -> None:
    calls = calls_of(world.merchant, BURST, "BURST")
    gateway = world.start_gateway(CONCORD_GATEWAY_CONCURRENCY="20")
    try:
        gateway.until_ready()
        first = asyncio.run(offer(gateway.address, calls, rate=20_000.0, connections=60))
        shed, late = (
            gateway.metric("concord_callbacks_total", outcome=outcome)
            for outcome in ("shed", "again")
        )
        taken, left = _parted(calls, first)
        assert {(each.provider, each.order) for each in taken} <= _stored(world)
        while left:
            again = asyncio.run(offer(gateway.address, left, rate=200.0))
            assert _verdicts(again).keys() <= {Verdict.TAKEN, Verdict.AGAIN}
            _, left = _parted(left, again)
    finally:
        gateway.kill()

    seen = _verdicts(first)
    assert seen.keys() == {Verdict.TAKEN, Verdict.AGAIN}
    assert shed > 0
    assert seen[Verdict.AGAIN] == shed + late
    assert _stored(world) == {(each.provider, each.order) for each in calls}


def _parted(
    calls: Sequence[PlatformCall], offered: Sequence[Offered]
) -> tuple[list[PlatformCall], list[PlatformCall]]:
    """Return those that were acknowledged, and the others."""
    pairs = list(zip(calls, offered, strict=True))
    taken = [call for call, was in pairs if was.verdict is Verdict.TAKEN]
    return taken, [call for call, was in pairs if was.verdict is not Verdict.TAKEN]


def _verdicts(offered: list[Offered]) -> Counter[Verdict]:
    return Counter(each.verdict for each in offered)


def _stored(world: World) -> set[tuple[str, str]]:
    query = "select source, order_hint from receipts where order_hint like %s"
    return {(each["source"], each["order_hint"]) for each in world.rows(query, ("BURST%",))}


def test_a_connection_too_many_is_told_to_come_again(world: World) -> None:
    gateway = world.start_gateway(CONCORD_GATEWAY_CONCURRENCY="1")
    host, _, port = gateway.address.rpartition(":")
    try:
        gateway.until_ready()
        with ExitStack() as held:
            for _ in range(CONNECTIONS_FOR_EACH):
                held.enter_context(socket.create_connection((host, int(port)), timeout=20))
            one_more = held.enter_context(socket.create_connection((host, int(port)), timeout=20))

            assert b" 503 " in one_more.recv(1000)
        assert gateway.metric("concord_callback_strays_total", reason="connections") == 1
    finally:
        gateway.kill()
