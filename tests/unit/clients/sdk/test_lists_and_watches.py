"""Lists fetch page after page; watches go on where they were cut off."""

from __future__ import annotations

from itertools import islice
from typing import Any

import grpc
import pytest

from clients.sdk import AsyncConcord, Concord, errors
from clients.sdk.errors import Failure, OrderNotFoundError, UnreachableError
from clients.sdk.testing import FakeConcord, Refusal, refusal
from clients.sdk.watching import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    TRIES_MAX,
    Resumption,
    Watch,
)
from concord.insights.v1.insight_service_pb2 import StageBoard
from concord.orders.v1.order_pb2 import Order
from concord.orders.v1.order_service_pb2 import WatchOrdersRequest, WatchOrdersResponse


def news(cursor: str, name: str = "orders/o") -> WatchOrdersResponse:
    return WatchOrdersResponse(cursor=cursor, order=Order(name=name))


def an_outage() -> UnreachableError:
    return UnreachableError(Failure(grpc.StatusCode.UNAVAILABLE))


class _Pauses(list[float]):
    """Notes pauses instead of making them."""

    def __call__(self, pause_s: float) -> None:
        self.append(pause_s)


def without_pauses(watch: Watch[Any]) -> _Pauses:
    pauses = _Pauses()
    watch._pause = pauses
    return pauses


def test_a_list_goes_on_to_the_last_page() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        for number in range(7):
            fake.model.put(Order(name=f"orders/{number}", channel="jd"))

        names = [order.name for order in concord.orders.list(channel="jd", page_size=3)]

        tokens = [request.page_token for request in fake.requests("ListOrders")]
    assert names == [f"orders/{number}" for number in reversed(range(7))]
    assert tokens == ["", "3", "6"]


def test_a_list_asks_for_no_page_that_is_not_needed() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        for number in range(7):
            fake.model.put(Order(name=f"orders/{number}"))

        first = list(islice(concord.orders.list(page_size=3), 3))

        assert len(first) == 3
        assert len(fake.requests("ListOrders")) == 1


async def test_an_asyncio_list_goes_on_to_the_last_page() -> None:
    with FakeConcord() as fake:
        for number in range(7):
            fake.model.put(Order(name=f"orders/{number}"))
        async with AsyncConcord(fake.address) as concord:
            names = [order.name async for order in concord.orders.list(page_size=3)]

    assert len(names) == 7


def test_a_foreign_page_token_is_refused() -> None:
    with (
        FakeConcord() as fake,
        Concord(fake.address) as concord,
        pytest.raises(errors.CursorInvalidError),
    ):
        list(concord.orders.list(page_token="not-ours"))


def test_a_watch_goes_on_from_its_cursor_after_a_break() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        cut = Refusal(code=grpc.StatusCode.UNAVAILABLE)
        fake.answer("WatchOrders", [news("c1"), news("c2"), cut], cut, [news("c3")])
        with concord.orders.watch(channel="jd") as watch:
            pauses = without_pauses(watch)

            heard = [change.cursor for change in islice(watch, 3)]

            assert watch.cursor == "c3"
        requests = fake.requests("WatchOrders")
    assert heard == ["c1", "c2", "c3"]
    assert [request.cursor for request in requests] == ["", "c2", "c2"]
    assert {request.channel for request in requests} == {"jd"}
    assert pauses == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S]


def test_a_mere_cursor_is_remembered_and_not_told() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("WatchOrders", [WatchOrdersResponse(cursor="c1")], [news("c2")])
        with concord.orders.watch() as watch:
            without_pauses(watch)

            assert next(watch).cursor == "c2"

        assert [request.cursor for request in fake.requests("WatchOrders")] == ["", "c1"]


def test_a_cursor_that_is_refused_reaches_the_caller() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("WatchOrders", refusal("CURSOR_INVALID", token="c0"))
        with concord.orders.watch(cursor="c0") as watch, pytest.raises(errors.CursorInvalidError):
            next(watch)


def test_a_board_watch_asks_for_the_whole_board_again() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        fake.answer("WatchStageBoard", [StageBoard()], [StageBoard()])
        with concord.insights.watch_stage_board(channel="jd") as watch:
            without_pauses(watch)

            assert len(list(islice(watch, 2))) == 2

        assert [request.channel for request in fake.requests("WatchStageBoard")] == ["jd", "jd"]


async def test_an_asyncio_watch_goes_on_from_its_cursor() -> None:
    with FakeConcord() as fake:
        cut = Refusal(code=grpc.StatusCode.UNAVAILABLE)
        fake.answer("WatchOrders", [news("c1"), cut], [news("c2")])
        async with AsyncConcord(fake.address) as concord, concord.orders.watch() as watch:
            heard = [(await anext(watch)).cursor, (await anext(watch)).cursor]

        assert [request.cursor for request in fake.requests("WatchOrders")] == ["", "c1"]
    assert heard == ["c1", "c2"]


def test_a_watch_hears_changes_of_the_model() -> None:
    with FakeConcord() as fake, Concord(fake.address) as concord:
        order = concord.orders.create(Order(channel="jd"))
        with concord.orders.watch(cursor="0") as watch:
            concord.orders.start_payment(order.name)

            placed, moved = islice(watch, 2)

    assert (placed.entry.kind, moved.entry.new_value) == ("PLACED", "PAYING")


def test_pauses_grow_up_to_a_limit_and_tries_end() -> None:
    resumption = Resumption(WatchOrdersRequest(), has_cursor=True)

    pauses = [resumption.pause_s(an_outage()) for _ in range(TRIES_MAX)]

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE_S, LONGEST_PAUSE_S)
    with pytest.raises(UnreachableError):
        resumption.pause_s(an_outage())


def test_an_answer_gives_a_watch_all_its_tries_back() -> None:
    resumption = Resumption(WatchOrdersRequest(), has_cursor=True)
    for _ in range(TRIES_MAX):
        resumption.pause_s(None)

    resumption.heard(news("c1"))

    assert resumption.pause_s(an_outage()) == FIRST_PAUSE_S


def test_a_refusal_is_not_tried_again() -> None:
    resumption = Resumption(WatchOrdersRequest(), has_cursor=True)

    with pytest.raises(OrderNotFoundError):
        resumption.pause_s(OrderNotFoundError(Failure(grpc.StatusCode.NOT_FOUND)))
