"""A callback of each platform, from its bytes to PostgreSQL and back to its answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.platform_calls import MAKE, stops
from clients.gateway.limits import BODY_BYTES_MAX
from concord.intake.v1.receipt_pb2 import ReceiptEvent
from tests.integration.gateway.world import World, ask, post

PROVIDERS = sorted(MAKE)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_callback_is_stored_before_its_platform_is_stopped(world: World, provider: str) -> None:
    call = world.a_call(provider)

    reply = world.deliver(call)

    assert stops(provider, reply.status, reply.body)
    (receipt,) = world.stored(call)
    assert receipt["template"].startswith(provider)
    kept = ReceiptEvent.FromString(bytes(receipt["event"])).received
    assert (kept.message_id, kept.account) == (call.message_id, "main")
    assert receipt["address"] == "127.0.0.1"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_callback_that_comes_twice_is_stored_once(world: World, provider: str) -> None:
    call = world.a_call(provider)

    replies = [world.deliver(call), world.deliver(call)]

    assert all(stops(provider, each.status, each.body) for each in replies)
    (receipt,) = world.stored(call)
    assert receipt["repeats"] >= 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_hundred_of_the_same_at_once_are_stored_once(world: World, provider: str) -> None:
    call = world.a_call(provider)

    replies = world.deliver_all([call] * 100)

    assert all(stops(provider, each.status, each.body) for each in replies)
    (receipt,) = world.stored(call)
    assert receipt["repeats"] == 99


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forged_callback_leaves_a_number_and_nothing_else(world: World, provider: str) -> None:
    call = world.a_call(provider)
    before, refused = world.count(), world.gateway.metric("concord_callback_refusals_total")

    reply = world.deliver(call.forged())

    assert not stops(provider, reply.status, reply.body)
    assert world.count() == before
    assert world.gateway.metric("concord_callback_refusals_total") == refused + 1
    assert call.order not in world.gateway.log.read_text()


def test_a_callback_of_yesterday_is_refused_as_stale(world: World) -> None:
    call = world.a_call("wechatpay", age=timedelta(minutes=6))

    reply = world.deliver(call)

    assert reply.status == 401
    assert world.stored(call) == []
    assert world.gateway.metric("concord_callback_refusals_total", refusal="stale") > 0


def test_nobody_learns_which_accounts_exist(world: World) -> None:
    call = world.a_call("stripe")

    replies = [
        post(world.gateway.address, path, call.body, dict(call.headers))
        for path in (
            "/callbacks/stripe/other",
            "/callbacks/paypal/main",
            "/callbacks/stripe",
            "/callbacks/stripe/main/",
            "/",
        )
    ]
    asked = [
        ask(world.gateway.address, "GET", f"/callbacks/stripe/{name}", {})
        for name in ("main", "other")
    ]

    assert {(each.status, each.body) for each in replies} == {(404, b"not found\n")}
    assert asked[0].status == asked[1].status == 405
    assert asked[0].body == asked[1].body
    assert asked[0].headers.keys() == asked[1].headers.keys()


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit_is_not_read(world: World, *, announced: bool) -> None:
    call = world.a_call("stripe")
    before = world.gateway.metric("concord_callback_strays_total", reason="too_large")
    headers = {} if announced else {"transfer-encoding": "chunked"}
    body = b" " * (BODY_BYTES_MAX + 1)
    sent = body if announced else b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    reply = post(world.gateway.address, call.path, sent, headers)

    assert reply.status == 413
    assert world.gateway.metric("concord_callback_strays_total", reason="too_large") == before + 1


def test_the_sender_is_whom_a_trusted_proxy_names(world: World) -> None:
    proxied = world.start_gateway(CONCORD_TRUSTED_PROXIES="127.0.0.0/8")
    try:
        proxied.until_ready()
        believed, doubted = world.a_call("stripe"), world.a_call("stripe")
        address = proxied.address

        world.deliver(believed, to=address, **{"x-forwarded-for": "6.6.6.6, 198.51.100.7"})
        world.deliver(doubted, **{"x-forwarded-for": "198.51.100.7"})
    finally:
        proxied.end()

    assert world.stored(believed)[0]["address"] == "198.51.100.7"
    assert world.stored(doubted)[0]["address"] == "127.0.0.1"


def test_readiness_is_told_without_notes_while_all_is_well(world: World) -> None:
    assert world.gateway.readiness() == "ok\n"
    assert world.gateway.metric("concord_accounts_broken") == 0
