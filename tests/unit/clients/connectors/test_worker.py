"""Each provider has a loop of its own; a worker that is told to stop lets go in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from clients.connectors import worker
from clients.connectors.inquiry import Code, Evidence, Finding, Question, Result, unreachable
from clients.connectors.metrics import Metrics
from clients.connectors.pacing import Lines, Rate
from clients.connectors.probing import Prober
from clients.connectors.worker import Desk, Pace
from clients.providers.accounts.account import Account
from clients.sdk import AsyncConcord
from clients.sdk.testing import FakeConcord, refusal
from concord.probes.v1.probe_service_pb2 import Probe
from tests.unit.clients.connectors.test_probing import Book
from tests.unit.clients.providers.hashing_platforms import a_stripe_account
from tests.unit.clients.providers.key_ring import NOW
from tests.unit.clients.providers.platforms import a_unionpay_account

DEADLINE_S = 10.0
TICK_S = 0.005


@dataclass
class Gated:
    """A connector whose answers wait until a test opens the gate."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    most: int = 0
    is_failing: bool = False

    async def ask(self, account: Account, question: Question) -> Finding:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.is_failing:
            raise unreachable(Code.CONNECT)
        return Finding(Result.ANSWERED, evidence=Evidence("t", question.trade.encode(), ""))


@dataclass
class World:
    """Two desks before a fake service."""

    fake: FakeConcord
    desks: list[Desk]
    connectors: dict[str, Gated]
    stop: asyncio.Event

    def put(self, provider: str, count: int) -> None:
        for number in range(count):
            name = f"probes/{provider}-{number}"
            self.fake.model.probes[name] = Probe(
                name=name,
                provider=provider,
                kind=Probe.KIND_PAYMENT,
                state=Probe.STATE_ARMED,
                trade=f"{provider}-{number}",
            )

    def reported(self, provider: str) -> int:
        return sum(f"/{provider}-" in each.name for each in self.fake.requests("ReportProbe"))


@asynccontextmanager
async def a_world(concurrency: int = 4) -> AsyncIterator[World]:
    with FakeConcord() as fake:
        async with AsyncConcord(fake.address) as concord:
            metrics = Metrics(CollectorRegistry())
            book: Any = Book((a_stripe_account(), a_unionpay_account()))
            connectors = {"stripe": Gated(), "unionpay": Gated()}
            desks = [
                Desk(
                    Prober(
                        provider=provider,
                        connector=connector,
                        concord=concord,
                        book=book,
                        lines=Lines(Rate(1000.0, 1000), time.monotonic),
                        metrics=metrics,
                        clock=lambda: NOW,
                        monotonic=time.monotonic,
                    ),
                    Pace(concurrency, 60, 0.02),
                    "tests",
                )
                for provider, connector in connectors.items()
            ]
            world = World(fake, desks, connectors, asyncio.Event())
            try:
                yield world
            finally:
                world.stop.set()


async def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(TICK_S)


async def test_a_provider_that_is_silent_holds_up_no_other() -> None:
    async with a_world() as world:
        world.put("stripe", 10)
        world.put("unionpay", 10)
        world.connectors["unionpay"].gate.set()
        running = asyncio.create_task(worker.work(world.desks, world.stop, 0.1))

        await until(lambda: world.reported("unionpay") == 10, "the other one was answered")

        assert world.reported("stripe") == 0
        world.stop.set()
        await asyncio.wait_for(running, DEADLINE_S)


async def test_no_more_is_claimed_than_can_be_begun() -> None:
    async with a_world(concurrency=3) as world:
        world.put("stripe", 10)
        running = asyncio.create_task(worker.work(world.desks, world.stop, 0.1))
        stripe = world.connectors["stripe"]
        await until(lambda: stripe.under_way == 3, "three are under way")
        assert world.fake.requests("ClaimProbes")[0].limit == 3

        stripe.gate.set()
        await until(lambda: world.reported("stripe") == 10, "all were asked")

        assert stripe.most == 3
        world.stop.set()
        await asyncio.wait_for(running, DEADLINE_S)


async def test_what_is_under_way_is_finished_when_told_to_stop() -> None:
    async with a_world() as world:
        world.put("stripe", 2)
        running = asyncio.create_task(worker.work(world.desks, world.stop, DEADLINE_S))
        stripe = world.connectors["stripe"]
        await until(lambda: stripe.under_way == 2, "both are under way")

        world.stop.set()
        claims = len(world.fake.requests("ClaimProbes"))
        stripe.gate.set()
        await asyncio.wait_for(running, DEADLINE_S)

        assert world.reported("stripe") == 2
        assert len(world.fake.requests("ClaimProbes")) <= claims + 2


async def test_what_does_not_end_in_time_is_left_to_its_lease() -> None:
    async with a_world() as world:
        world.put("stripe", 2)
        running = asyncio.create_task(worker.work(world.desks, world.stop, 1.05))
        stripe = world.connectors["stripe"]
        await until(lambda: stripe.under_way == 2, "both are under way")

        world.stop.set()
        await asyncio.wait_for(running, DEADLINE_S)

        assert world.reported("stripe") == 0
        assert stripe.under_way == 0


async def test_a_provider_that_fails_is_asked_one_question_at_a_time() -> None:
    async with a_world(concurrency=8) as world:
        stripe = world.connectors["stripe"]
        stripe.is_failing = True
        stripe.gate.set()
        world.put("stripe", 30)
        running = asyncio.create_task(worker.work(world.desks, world.stop, 0.1))

        await until(lambda: world.reported("stripe") >= 9, "it was tried again after the pause")

        limits = [
            each.limit
            for each in world.fake.requests("ClaimProbes")
            if list(each.providers) == ["stripe"]
        ]
        assert limits[0] == 8
        assert limits[-1] == 1
        world.stop.set()
        await asyncio.wait_for(running, DEADLINE_S)


async def test_a_service_that_is_out_of_reach_is_waited_for() -> None:
    async with a_world() as world:
        world.fake.answer("ClaimProbes", *[refusal("CONTENTION")] * 4)
        world.put("stripe", 1)
        world.connectors["stripe"].gate.set()
        running = asyncio.create_task(worker.work(world.desks, world.stop, 0.1))

        await until(lambda: world.reported("stripe") == 1, "it was asked after all")

        assert all(desk.has_claimed for desk in world.desks)
        world.stop.set()
        await asyncio.wait_for(running, DEADLINE_S)
