"""Amazon's notifications are receipts before they leave the queue, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.responses import JSONResponse, PlainTextResponse, Response

from clients.connectors import config
from clients.connectors.listening.desk import ListenDesk
from clients.connectors.listening.keeping import Keeper
from clients.connectors.listening.sqs import ANSWER_BYTES_MAX, SqsListener
from clients.connectors.metrics import Metrics
from clients.connectors.web import Web
from clients.providers.accounts.shops import AmazonAccount
from clients.sdk import AsyncConcord
from clients.sdk.testing import FakeConcord, refusal
from concord.intake.v1.receipt_pb2 import Receipt
from tests.integration.listening.book import Book, eventually
from tests.integration.listening.sqs_queue import SELLER, SIGNER, URL, Queue


def an_account(**more: Any) -> AmazonAccount:  # noqa: ANN401
    given = {
        "name": "amazon-us",
        "seller": SELLER,
        "marketplaces": ("ATVPDKIKX0DER",),
        "client": "amzn1.application",
        "client_secret": "secret",
        "refresh_token": "refresh",
        "queue": URL,
        "queue_region": SIGNER.region,
        "queue_key": SIGNER.key,
        "queue_secret": SIGNER.secret,
    }
    return AmazonAccount(**(given | more))


@dataclass
class World:
    """The queue, the service, and the desk between them."""

    concord: FakeConcord
    queue: Queue
    book: Book[AmazonAccount]
    registry: CollectorRegistry
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def receipts(self) -> list[Receipt]:
        return list(self.concord.model.receipts.values())

    def broken_lines(self) -> float:
        name = "concord_connector_broken_lines_total"
        return self.registry.get_sample_value(name, {"provider": "amazon"}) or 0.0


@asynccontextmanager
async def a_world(
    *others: AmazonAccount,
    **more: Any,  # noqa: ANN401  # Of the account.
) -> AsyncIterator[World]:
    with FakeConcord() as fake:

        def is_durable(body: str) -> bool:
            return any(each.body.decode() == body for each in fake.model.receipts.values())

        queue = Queue(is_durable)
        transport = httpx2.ASGITransport(app=queue.app())
        client = httpx2.AsyncClient(transport=transport)
        async with client, AsyncConcord(fake.address) as concord:
            book = Book((an_account(**more), *others))
            registry = CollectorRegistry()
            metrics = Metrics(registry)
            keeper = Keeper("amazon", concord, metrics, config.now)
            web = Web(client, timeout_s=40.0, clock=config.now, bytes_max=ANSWER_BYTES_MAX)
            listener = SqsListener(keeper, web, config.now)
            desk = ListenDesk(listener, book, metrics, first_pause_s=0.01)  # type: ignore[arg-type]  # As the book that it stands for.
            made = World(fake, queue, book, registry)
            running = asyncio.create_task(desk.run(made.stop))
            try:
                yield made
            finally:
                made.stop.set()
                await running
                await desk.drain(5.0)
                assert queue.early == []


async def test_every_notification_is_a_receipt_before_it_leaves_the_queue() -> None:
    async with a_world() as world:
        numbers = [world.queue.notify() for _ in range(25)]

        await eventually(lambda: not world.queue.messages)

    assert [each.message_id for each in world.receipts()] == numbers
    receipt = world.receipts()[3]
    assert (receipt.source, receipt.channel, receipt.template) == (
        "amazon",
        "amazon",
        "amazon.order_change",
    )
    assert (receipt.account, receipt.order_hint) == ("amazon-us", "902-0000000-0000003")
    assert world.queue.asked[0] == {
        "QueueUrl": URL,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 20,
        "VisibilityTimeout": 30,
    }


async def test_what_is_put_there_later_is_waited_for() -> None:
    async with a_world() as world:
        await eventually(lambda: world.queue.waiting)
        world.queue.notify()

        await eventually(lambda: not world.queue.messages)

    # One question got it, one deleted it, and one more may be waiting.
    assert len(world.queue.asked) <= 3


async def test_what_the_queue_does_not_delete_comes_again_and_is_one_receipt() -> None:
    async with a_world() as world:
        world.queue.undeletable = 1
        world.queue.notify()
        await eventually(lambda: not world.queue.undeletable)
        world.queue.show_again()

        await eventually(lambda: not world.queue.messages)

    assert len(world.receipts()) == 1


async def test_while_the_service_is_away_nothing_is_deleted() -> None:
    async with a_world() as world:
        world.concord.answer("SubmitReceipts", *[refusal("STORAGE_UNAVAILABLE")] * 2)
        world.queue.notify()

        await eventually(lambda: not world.queue.messages)

    assert len(world.receipts()) == 1


async def test_what_is_not_ours_to_read_is_kept_and_read_by_nobody() -> None:
    async with a_world() as world:
        world.queue.notify(seller="ANOTHERSELLER")
        world.queue.put("Hello!")

        await eventually(lambda: not world.queue.messages)

    assert {each.template for each in world.receipts()} == {"amazon.unknown"}
    assert len({each.message_id for each in world.receipts()}) == 2


async def test_sellers_may_share_a_queue() -> None:
    async with a_world(an_account(name="amazon-eu", seller="A2EUSELLER0001")) as world:
        world.queue.notify(seller="A2EUSELLER0001")
        world.queue.notify()

        await eventually(lambda: not world.queue.messages)

    assert [(each.account, each.template) for each in world.receipts()] == [
        ("amazon-eu", "amazon.order_change"),
        ("amazon-us", "amazon.order_change"),
    ]


@pytest.mark.parametrize(
    "failure",
    [
        JSONResponse({"__type": "com.amazonaws.sqs#QueueDoesNotExist"}, 400),
        PlainTextResponse("Service Unavailable", 503),
        PlainTextResponse("<html>", 200),
        JSONResponse({"Messages": [{"MessageId": "m"}]}),
    ],
)
async def test_a_queue_that_fails_is_asked_again_after_a_pause(failure: Response) -> None:
    async with a_world() as world:
        world.queue.failures = [failure] * 2
        world.queue.notify()

        await eventually(lambda: not world.queue.messages)

        assert world.broken_lines() >= 1


async def test_who_is_not_believed_tries_ever_less_often() -> None:
    async with a_world(queue_secret="another") as world:
        await eventually(lambda: world.broken_lines() >= 3)

        assert world.queue.asked == []


async def test_a_message_that_was_changed_on_its_way_is_not_taken() -> None:
    async with a_world() as world:
        world.queue.spoilt = 1
        world.queue.notify()
        await eventually(lambda: world.broken_lines() == 1)
        assert world.receipts() == []
        world.queue.show_again()

        await eventually(lambda: not world.queue.messages)

    assert b"902-" in world.receipts()[0].body


async def test_told_to_stop_it_waits_for_nothing_more() -> None:
    async with a_world() as world:
        await eventually(lambda: world.queue.waiting)
        began = asyncio.get_running_loop().time()
        world.stop.set()

    assert asyncio.get_running_loop().time() - began < 5
    assert world.queue.waiting == 0
