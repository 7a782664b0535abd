"""Platforms that ask first whether an address is ours get what they want to see, and only they."""

from dataclasses import replace
from datetime import timedelta

import pytest

from clients.providers.callbacks import GREETINGS, Answer, Call
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.shop_platforms import (
    a_mini_program,
    a_query,
    a_wechat_shop,
    a_woocommerce_shop,
    a_woocommerce_webhook,
)

ECHO = "1927645012345678901"


def a_greeting(query: str) -> Call:
    return Call("GET", "/", query, {}, b"")


def greeted(call: Call) -> Answer | None:
    return GREETINGS["wechat_channels"](a_wechat_shop(), call, NOW)


def test_wechat_gets_its_own_text_back() -> None:
    call = a_greeting(a_query(echostr=ECHO))

    for provider, account in (("wechat_channels", a_wechat_shop()), ("mini", a_mini_program())):
        answer = GREETINGS[provider](account, call, NOW)
        assert answer is not None
        assert (answer.status, answer.body) == (200, ECHO.encode())


@pytest.mark.parametrize(
    "query",
    [
        "",
        "echostr=1",
        a_query(),
        a_query(echostr="<script>"),
        a_query(echostr=ECHO).replace("nonce=5280", "nonce=5281"),
        a_query(NOW - timedelta(seconds=301), echostr=ECHO),
        a_query(echostr=ECHO) + "&echostr=2",
    ],
)
def test_nobody_else_gets_anything_back(query: str) -> None:
    assert greeted(a_greeting(query)) is None


def test_a_message_is_no_greeting() -> None:
    assert greeted(replace(a_greeting(a_query(echostr=ECHO)), method="POST")) is None


def test_a_webhook_of_woocommerce_that_greets_is_told_that_we_are_here() -> None:
    greet, account = GREETINGS["woocommerce"], a_woocommerce_shop()

    answer = greet(account, Call("POST", "/", "", {}, b"webhook_id=142"), NOW)

    assert answer is not None
    assert answer.status == 200
    for call in (
        Call("POST", "/", "", {}, b"webhook_id=142&order=5"),
        Call("GET", "/", "", {}, b"webhook_id=142"),
        a_woocommerce_webhook({"id": 1}),
    ):
        assert greet(account, call, NOW) is None
