"""The platform's clock is measured by its own answers, and by nobody's in front of it."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from clients.connectors.inquiry import NothingLearntError, refused, unreachable
from clients.connectors.pulling.calling import Caller, Request
from clients.connectors.web import Reply
from tests.unit.clients.connectors.answering import Provider, a_web
from tests.unit.clients.providers.key_ring import NOW

ASKED = Request(method="GET", url="https://platform.example/orders")


async def no_pause(_: float) -> None:
    """Let no test wait."""


def answered(hours: int, text: str = "orders") -> httpx2.Response:
    date = format_datetime(NOW + timedelta(hours=hours), usegmt=True)
    return httpx2.Response(200, text=text, headers={"date": date})


def understood(reply: Reply) -> str:
    if reply.body == b"<html>":
        raise unreachable("MALFORMED")
    if reply.body == b"no":
        raise refused("no")
    return reply.body.decode()


def a_caller(*answers: httpx2.Response) -> Caller:
    provider = Provider(list(answers))
    return Caller(a_web(provider), clock=lambda: NOW, monotonic=lambda: 0.0, sleep=no_pause)


async def called(caller: Caller) -> str:
    return await caller.call("shop", "orders", lambda _: ASKED, understood)


async def test_an_answer_tells_the_platforms_time() -> None:
    caller = a_caller(answered(2))

    await called(caller)

    assert round((caller.now() - NOW) / timedelta(hours=1)) == 2


async def test_a_refusal_tells_it_too() -> None:
    caller = a_caller(answered(2, "no"))

    with pytest.raises(NothingLearntError):
        await called(caller)

    assert round((caller.now() - NOW) / timedelta(hours=1)) == 2


async def test_a_page_of_somebody_in_front_of_it_tells_nothing() -> None:
    caller = a_caller(answered(-9, "<html>"), answered(1))

    await called(caller)
    assert round((caller.now() - NOW) / timedelta(hours=1)) == 1

    alone = a_caller(answered(-9, "<html>"))
    with pytest.raises(NothingLearntError):
        await called(alone)
    assert alone.offset is None
