"""Pinduoduo's messages are receipts before they are acknowledged, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from clients.connectors import config
from clients.connectors.listening.desk import ListenDesk
from clients.connectors.listening.keeping import Keeper
from clients.connectors.listening.pdd import PddListener
from clients.connectors.metrics import Metrics
from clients.providers.accounts.shops import PddAccount
from clients.sdk import AsyncConcord
from clients.sdk.testing import FakeConcord, refusal
from concord.intake.v1.receipt_pb2 import Receipt
from tests.integration.listening.book import Book, eventually
from tests.integration.listening.pdd_messages import CLIENT, MALL, SECRET, MessageService


@dataclass
class World:
    """The platform, the service, and the desk between them."""

    concord: FakeConcord
    platform: MessageService
    book: Book[PddAccount]
    metrics: Metrics
    desk: ListenDesk
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def receipts(self) -> list[Receipt]:
        return list(self.concord.model.receipts.values())

    def counted(self, result: str) -> float:
        name = "concord_connector_messages_total"
        labels = {"provider": "pdd", "result": result}
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def open_lines(self) -> float | None:
        name = "concord_connector_open_lines"
        return self.metrics.registry.get_sample_value(name, {"provider": "pdd"})


def an_account(platform: MessageService, **more: Any) -> PddAccount:  # noqa: ANN401
    given = {
        "name": "pdd-shop",
        "client": CLIENT,
        "client_secret": SECRET,
        "shop": str(MALL),
        "access_token": "token",
        "push": platform.url,
    }
    return PddAccount(**(given | more))


@asynccontextmanager
async def a_world(
    *others: str,
    **more: Any,  # noqa: ANN401  # Of the account.
) -> AsyncIterator[World]:
    with FakeConcord() as fake:

        def is_durable(number: str) -> bool:
            return any(each.message_id == number for each in fake.model.receipts.values())

        async with MessageService(is_durable) as platform, AsyncConcord(fake.address) as concord:
            shops = [an_account(platform, name=each, shop=each) for each in others]
            book = Book((an_account(platform, **more), *shops))
            metrics = Metrics(CollectorRegistry())
            keeper = Keeper("pdd", concord, metrics, config.now)
            listener = PddListener(keeper, config.now, timeout_s=2.0)
            desk = ListenDesk(listener, book, metrics, first_pause_s=0.01)  # type: ignore[arg-type]  # As the book that it stands for.
            made = World(fake, platform, book, metrics, desk)
            running = asyncio.create_task(desk.run(made.stop))
            try:
                yield made
            finally:
                made.stop.set()
                await running
                await desk.drain(5.0)
                assert platform.early == []


async def test_every_message_is_a_receipt_before_it_is_acknowledged() -> None:
    async with a_world() as world:
        numbers = {world.platform.tell() for _ in range(300)}

        await eventually(lambda: world.platform.done == numbers)

    assert {each.message_id for each in world.receipts()} == {str(each) for each in numbers}
    assert all(each.body.decode() in world.platform.frames.values() for each in world.receipts())
    receipt = world.receipts()[7]
    assert (receipt.source, receipt.channel, receipt.template) == ("pdd", "pdd", "pdd.push")
    assert receipt.account == "pdd-shop"
    assert receipt.order_hint == "210707-000000000000007"
    told = world.platform.acknowledged[7]
    assert told.pop("time") > 0
    assert told == {
        "commandType": "Ack",
        "id": 7_234_567_890_123_456_796,
        "sendTime": 1_773_115_200_007,
        "type": "pdd_trade_TradeConfirmed",
        "mallID": MALL,
    }
    assert len(world.concord.requests("SubmitReceipts")) < 100
    assert world.platform.beats >= 1


async def test_a_socket_that_breaks_is_opened_again_and_nothing_is_lost() -> None:
    async with a_world() as world:
        numbers = set()
        for _ in range(5):
            numbers |= {world.platform.tell() for _ in range(40)}
            await eventually(lambda: world.platform.sockets)
            await eventually(lambda: len(world.platform.done) > len(numbers) - 40)  # noqa: B023
            world.platform.drop()

        await eventually(lambda: world.platform.done == numbers)

    assert world.platform.opened >= 5
    # What was told again is the same receipt.
    assert len(world.receipts()) == len(numbers)


async def test_while_the_service_is_away_nothing_is_acknowledged() -> None:
    async with a_world() as world:
        outages = [refusal("STORAGE_UNAVAILABLE")] * 2
        world.concord.answer("SubmitReceipts", *outages)
        number = world.platform.tell()

        await eventually(lambda: world.platform.done == {number})

    assert len(world.receipts()) == 1


async def test_what_the_service_refuses_holds_up_nothing_and_stays_with_the_platform() -> None:
    async with a_world() as world:
        numbers = [world.platform.tell() for _ in range(3)]
        bad = str(numbers[1])

        def refuse(request: Any) -> Any:  # noqa: ANN401
            if any(each.message_id == bad for each in request.receipts):
                return refusal("INVALID_REQUEST")
            return world.concord.model.submit_receipts(request)

        world.concord.answer("SubmitReceipts", *[refuse] * 20)

        await eventually(lambda: world.platform.done == {numbers[0], numbers[2]})
        await eventually(lambda: world.counted("refused") == 1)

    assert numbers[1] not in world.platform.done


async def test_what_is_no_message_is_passed_over() -> None:
    async with a_world() as world:
        await eventually(lambda: world.platform.sockets)
        for text in ('{"commandType":"HeartBeat","time":1}', "<html>", b"\x00", "[1]", "[" * 9000):
            await world.platform.say(text)
        number = world.platform.tell()

        await eventually(lambda: world.platform.done == {number})

    assert world.counted("unreadable") == 4
    assert world.platform.opened == 1


async def test_a_message_without_a_number_is_kept_and_cannot_be_acknowledged() -> None:
    async with a_world() as world:
        world.platform.tell(id=None)

        await eventually(world.receipts)

    assert world.receipts()[0].message_id == ""
    assert world.platform.acknowledged == []


async def test_who_is_not_believed_tries_ever_less_often() -> None:
    async with a_world(client_secret="another") as world:
        await eventually(lambda: world.platform.rejected >= 4)
        tried = world.platform.rejected
        await asyncio.sleep(0.05)

        assert world.platform.rejected <= tried + 1
        assert world.open_lines() in {None, 0.0}


async def test_shops_of_one_application_share_a_socket_and_are_told_apart() -> None:
    async with a_world("42") as world:
        world.platform.tell()
        world.platform.tell(mall=42)
        world.platform.tell(mall=43)

        await eventually(lambda: len(world.platform.done) == 3)

    assert [each.account for each in world.receipts()] == ["pdd-shop", "42", "pdd-shop"]
    assert world.platform.opened == 1


async def test_an_account_that_goes_away_ends_its_socket() -> None:
    async with a_world() as world:
        await eventually(lambda: world.open_lines() == 1.0)
        world.book.accounts = ()

        await eventually(lambda: not world.platform.sockets)
        await eventually(lambda: world.open_lines() == 0.0)


async def test_an_account_without_an_address_has_no_socket() -> None:
    async with a_world(push="") as world:
        await asyncio.sleep(0.05)

        assert world.platform.opened == 0


async def test_told_to_stop_it_acknowledges_what_is_on_its_way_to_the_service() -> None:
    async with a_world() as world:
        held = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slowly(request: Any) -> Any:  # noqa: ANN401
            loop.call_soon_threadsafe(held.set)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.1), loop).result()
            return world.concord.model.submit_receipts(request)

        world.concord.answer("SubmitReceipts", slowly)
        number = world.platform.tell()
        await held.wait()
        world.stop.set()

        await eventually(lambda: world.platform.done == {number})


@pytest.mark.parametrize("frame", ["{}", '{"commandType":"Fail","id":1}'])
async def test_other_commands_are_nobodys_business(frame: str) -> None:
    async with a_world() as world:
        await eventually(lambda: world.platform.sockets)
        await world.platform.say(frame)
        number = world.platform.tell()

        await eventually(lambda: world.platform.done == {number})

    assert len(world.receipts()) == 1
