"""Keys roll, and mistakes are made, while the gateway runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import platform_calls
from benchmarks.platform_calls import PlatformCall, stops
from benchmarks.processes import until
from tests.integration.gateway.world import World


@pytest.fixture(autouse=True)
def unchanged(world: World) -> Iterator[None]:
    """Put the accounts back as they were."""
    folder = world.accounts.parent
    before = {path: path.read_bytes() for path in folder.iterdir()}
    yield
    for path, content in before.items():
        path.write_bytes(content)
    until(lambda: world.gateway.readiness() == "ok\n", "the gateway has the old accounts again")


def is_taken(world: World, call: PlatformCall) -> bool:
    reply = world.deliver(call)
    return stops(call.provider, reply.status, reply.body)


def test_a_secret_that_was_replaced_counts_without_a_restart(world: World) -> None:
    old = world.a_call("stripe")
    rolled = replace(world.merchant, webhook_secret="whsec_" + "n" * 40)
    call = platform_calls.stripe(rolled, old.order + "n", world.now())
    assert not is_taken(world, call)

    (world.accounts.parent / "webhook_secret").write_text(rolled.webhook_secret)

    until(lambda: is_taken(world, call), "the new secret counts")
    assert not is_taken(world, old)


def test_a_key_that_is_unknown_makes_the_platform_come_again(world: World) -> None:
    call = world.a_call("wechatpay")
    headers = {**call.headers, "wechatpay-serial": "PUB_KEY_ID_0119000000002026010100002"}

    reply = world.post(replace(call, headers=headers))

    assert reply.status == 503


def test_a_broken_accounts_file_keeps_the_last_good_one_and_is_seen(world: World) -> None:
    (world.accounts.parent / "api_v3_key").write_text("too short")

    until(lambda: world.gateway.readiness() != "ok\n", "the gateway has seen it")

    assert world.gateway.is_ready()
    assert "api_v3_key" in world.gateway.readiness()
    assert "too short" not in world.gateway.readiness()
    assert world.gateway.metric("concord_accounts_broken") == 1
    assert is_taken(world, world.a_call("wechatpay"))
    assert "accounts_unusable" in world.gateway.log.read_text()
