"""Builds the desks of a worker out of its settings; nothing runs yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from clients.connectors import config
from clients.connectors.alipay import Alipay
from clients.connectors.channels import CHANNELS, Channel
from clients.connectors.files import FileDesk
from clients.connectors.inquiry import Clock, Connector
from clients.connectors.listening import sqs
from clients.connectors.listening.desk import ListenDesk
from clients.connectors.listening.keeping import Keeper
from clients.connectors.listening.pdd import PddListener
from clients.connectors.listening.sqs import SqsListener
from clients.connectors.metrics import Metrics
from clients.connectors.pacing import Lines, Monotonic
from clients.connectors.probing import Prober
from clients.connectors.pulling.bodies import PAGE_BYTES_MAX
from clients.connectors.pulling.calling import Caller
from clients.connectors.pulling.desk import PullDesk
from clients.connectors.pulling.puller import Puller
from clients.connectors.pulling.register import Register
from clients.connectors.pulling.tokens import Tokens
from clients.connectors.stripe import Stripe
from clients.connectors.unionpay import UnionPay
from clients.connectors.web import Web, new_client
from clients.connectors.wechatpay import WechatPay
from clients.connectors.worker import Desk, Pace
from clients.providers.accounts import AccountBook
from clients.sdk import AsyncConcord, Concord, Identity


@dataclass(frozen=True, slots=True)
class Tools:
    """What is real in a process, and at hand in a test."""

    clock: Clock = config.now
    monotonic: Monotonic = config.monotonic
    nonce: Callable[[], str] = config.nonce
    transport: httpx2.AsyncBaseTransport | None = None


REAL: Final = Tools()

MAKE: Final[Mapping[str, Callable[[Web, Tools], Connector[Any]]]] = {
    "wechatpay": lambda web, tools: WechatPay(web, clock=tools.clock, nonce=tools.nonce),
    "alipay": lambda web, tools: Alipay(web, clock=tools.clock),
    "unionpay": lambda web, tools: UnionPay(web, clock=tools.clock),
    "stripe": lambda web, _: Stripe(web),
}


async def desks(
    settings: config.Settings,
    book: AccountBook,
    concord: AsyncConcord,
    metrics: Metrics,
    stack: AsyncExitStack,
    tools: Tools = REAL,
) -> list[Desk]:
    """Return a desk for each provider, with clients that `stack` closes."""
    made = []
    for provider in settings.providers:
        client = new_client(
            settings.concurrency,
            timeout_s=settings.timeout_s,
            proxy=settings.proxy,
            transport=tools.transport,
        )
        await stack.enter_async_context(client)
        web = Web(client, timeout_s=settings.timeout_s, clock=tools.clock)
        prober = Prober(
            provider=provider,
            connector=MAKE[provider](web, tools),
            concord=concord,
            book=book,
            lines=Lines(settings.rates[provider], tools.monotonic, settings.longest_pause_s),
            metrics=metrics,
            clock=tools.clock,
            monotonic=tools.monotonic,
        )
        pace = Pace(settings.concurrency, settings.lease_s, settings.poll_s)
        made.append(Desk(prober, pace, settings.worker_id))
    return made


async def pull_desks(
    settings: config.Settings,
    book: AccountBook,
    concord: AsyncConcord,
    metrics: Metrics,
    stack: AsyncExitStack,
    tools: Tools = REAL,
) -> list[PullDesk]:
    """Return a desk for each sales channel, with clients that `stack` closes."""
    register = Register(concord, settings.worker_id)
    made = []
    for channel in CHANNELS.values():
        client = new_client(
            settings.concurrency,
            timeout_s=settings.timeout_s,
            proxy=settings.proxy,
            transport=tools.transport,
        )
        await stack.enter_async_context(client)
        caller = _caller(client, settings, channel, tools)
        puller = Puller(
            platform=channel.make(caller, Tokens(tools.monotonic)),
            caller=caller,
            register=register,
            book=book,
            metrics=metrics,
            clock=tools.clock,
            monotonic=tools.monotonic,
        )
        made.append(PullDesk(puller, poll_s=settings.poll_s))
    return made


async def listen_desks(
    settings: config.Settings,
    book: AccountBook,
    concord: AsyncConcord,
    metrics: Metrics,
    stack: AsyncExitStack,
    tools: Tools = REAL,
) -> list[ListenDesk]:
    """Return a desk for each platform that tells us what happens over a line that we open."""
    pdd = PddListener(
        Keeper(PddListener.provider, concord, metrics, tools.clock),
        tools.clock,
        timeout_s=settings.timeout_s,
        proxy=settings.proxy,
    )
    # A queue that has nothing answers after its wait.
    timeout_s = sqs.WAIT_S + settings.timeout_s
    client = new_client(
        settings.concurrency,
        timeout_s=timeout_s,
        proxy=settings.proxy,
        transport=tools.transport,
    )
    await stack.enter_async_context(client)
    amazon = SqsListener(
        Keeper(SqsListener.provider, concord, metrics, tools.clock),
        Web(client, timeout_s=timeout_s, clock=tools.clock, bytes_max=sqs.ANSWER_BYTES_MAX),
        tools.clock,
    )
    return [ListenDesk(pdd, book, metrics), ListenDesk(amazon, book, metrics)]


def file_desks(
    settings: config.Settings, identity: Identity, stack: AsyncExitStack, tools: Tools = REAL
) -> list[FileDesk]:
    """Return the desk that watches folders, where there is one to watch."""
    if settings.files is None:
        return []
    concord = stack.enter_context(Concord(settings.service_address, identity=identity))
    desk = FileDesk(settings.files, concord, tools.clock, look_every_s=settings.files_every_s)
    return [desk]


def _caller(
    client: httpx2.AsyncClient, settings: config.Settings, channel: Channel, tools: Tools
) -> Caller:
    web = Web(client, timeout_s=settings.timeout_s, clock=tools.clock, bytes_max=PAGE_BYTES_MAX)
    return Caller(web, clock=tools.clock, monotonic=tools.monotonic, rates=channel.rates)
