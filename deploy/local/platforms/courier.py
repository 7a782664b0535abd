"""Delivers notices: again and again on the platform's schedule, until it is answered right."""

from __future__ import annotations

import asyncio
import collections
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import httpx2

from deploy.local.platforms.behaviour import Behaviours, Fate, fate_of, forgery_of
from deploy.local.platforms.clock import Clock
from deploy.local.platforms.notices import Answer, Call, Content, Notice, Platform, Verdict
from deploy.local.platforms.records import BODY_KEPT, CallRecord, Records
from deploy.local.platforms.schedules import RETRIES
from deploy.local.platforms.timeline import Timeline
from deploy.local.platforms.trades import Event, Refund, Trade

# As many calls at once as a gateway under test must stand, and a laptop can hold open.
LANES: Final = 64

# A forger strikes while the buyer is still paying.
FORGED_AFTER_S: Final = 1.0


class Sender(Protocol):
    """Carries a call over the network."""

    async def send(self, call: Call, patience_s: float) -> Answer:
        """Return the answer.

        Raises:
            OSError, TimeoutError: there was none.
        """


class HttpSender:
    """Sends over HTTP, keeping connections open as platforms do; follows no redirect."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=LANES, max_keepalive_connections=LANES)
        self._client = httpx2.AsyncClient(limits=limits, trust_env=False)

    async def send(self, call: Call, patience_s: float) -> Answer:
        """Send it once."""
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._client.request(
                    call.method, call.url, headers=dict(call.headers), content=call.body
                )
        except httpx2.HTTPError as error:
            raise OSError(type(error).__name__) from error
        return Answer(answer.status_code, answer.content, dict(answer.headers))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


@dataclass(slots=True, eq=False)
class Delivery:
    """One copy of a notice, or one forged call, and how far it has come."""

    notice: Notice
    copy: int
    lost_attempts: int | None = 0
    attempt: int = 1
    due: datetime | None = None
    is_forged: bool = False
    forgery: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether the attempt at hand gets lost on its way."""
        return self.lost_attempts is None or self.attempt <= self.lost_attempts


class Courier:
    """Sends what the platforms have to say."""

    def __init__(
        self,
        clock: Clock,
        timeline: Timeline,
        platforms: Mapping[str, Platform],
        records: Records,
        *,
        behaviours: Behaviours,
        sender: Sender,
        seed: str,
    ) -> None:
        self._clock = clock
        self._timeline = timeline
        self._platforms = platforms
        self._records = records
        self._behaviours = behaviours
        self._sender = sender
        self._seed = seed
        self._lanes = asyncio.Semaphore(LANES)
        self._scheduled: dict[int, Delivery] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()
        # Of a trade's notices of one kind the how-manieth this is: part of its name for the dice.
        self._told: collections.Counter[tuple[str, ...]] = collections.Counter()
        self.outcomes: dict[str, collections.Counter[str]] = {}

    def tell(self, event: Event, trade: Trade, refund: Refund | None) -> None:
        """Send the notices of what happened, each as its fate wants it."""
        platform = self._platforms[trade.provider]
        behaviour = self._behaviours.of(trade.provider, trade.number)
        for content in platform.contents(event, trade, refund):
            name = (trade.provider, trade.number, content.kind, refund.number if refund else "")
            self._told[name] += 1
            fate = fate_of(behaviour, self._seed, *name, str(self._told[name]))
            self._dispatch(Notice(trade, event, content, refund), fate)
        if event is Event.CREATED:
            owner = (trade.provider, trade.number)
            kind = forgery_of(behaviour, platform.forgeries, self._seed, *owner)
            if kind is not None:
                self.forge(trade, kind)

    def forge(self, trade: Trade, kind: str) -> None:
        """Send a forged call that says the trade is paid; once, for a forger does not insist."""
        notice = Notice(trade, Event.PAID, Content("forged", kind, {}))
        delivery = Delivery(notice, copy=1, is_forged=True, forgery=kind)
        self._schedule(delivery, FORGED_AFTER_S)

    def pending(self) -> dict[str, int]:
        """Count what will still be sent, what will still get lost, and what is under way."""
        lost = sum(each.lost_attempts is None for each in self._scheduled.values())
        return {
            "scheduled": len(self._scheduled) - lost,
            "lost": lost,
            "under_way": len(self._under_way),
        }

    async def deliver(self, chosen: Callable[[Delivery], bool] = lambda _: True) -> int:
        """Send at once what is scheduled, in the order of its times; return how many calls."""
        due = sorted(
            ((each.due, number) for number, each in self._scheduled.items() if chosen(each))
        )
        tasks = [task for _, number in due if (task := self._start(number)) is not None]
        # With those that were begun by themselves: when this returns, nothing is half sent.
        await asyncio.gather(*self._under_way)
        return len(tasks)

    async def settle(self, chosen: Callable[[Delivery], bool] = lambda _: True) -> int:
        """Send at once until nothing is scheduled, as if the clock ran to the end."""
        count = 0
        while True:
            # What was begun by itself may have to be sent again.
            await asyncio.gather(*self._under_way)
            if not any(chosen(each) for each in self._scheduled.values()):
                return count
            count += await self.deliver(chosen)

    async def close(self) -> None:
        """Let what is under way end."""
        self._scheduled.clear()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _dispatch(self, notice: Notice, fate: Fate) -> None:
        for copy, delay_s in enumerate(fate.delays_s, start=1):
            delivery = Delivery(notice, copy, lost_attempts=fate.lost_attempts)
            self._schedule(delivery, delay_s)
        self._count(notice.trade.provider, "notices")
        if len(fate.delays_s) > 1:
            self._count(notice.trade.provider, "doubled")
        if fate.lost_attempts != 0:
            self._count(notice.trade.provider, "dropped")

    def _schedule(self, delivery: Delivery, delay_s: float) -> None:
        number = next(self._numbers)
        delivery.due = self._clock.now() + timedelta(seconds=delay_s)
        self._scheduled[number] = delivery
        self._timeline.at(delivery.due, lambda: self._start(number))

    def _start(self, number: int) -> asyncio.Task[None] | None:
        """Begin the delivery of that number, unless it was begun before its time."""
        delivery = self._scheduled.pop(number, None)
        if delivery is None:
            return None
        task = asyncio.get_running_loop().create_task(self._attempt(delivery))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _attempt(self, delivery: Delivery) -> None:
        async with self._lanes:
            record = await self._call(delivery)
        self._records.add_call(record)
        if delivery.is_forged:
            return
        provider = delivery.notice.trade.provider
        if record.verdict is Verdict.TAKEN:
            self._count(provider, "settled")
            return
        retries = RETRIES[provider]
        if delivery.attempt > len(retries):
            self._count(provider, "given_up")
            return
        pause = retries[delivery.attempt - 1]
        delivery.attempt += 1
        self._schedule(delivery, pause.total_seconds())

    async def _call(self, delivery: Delivery) -> CallRecord:
        notice, platform = delivery.notice, self._platforms[delivery.notice.trade.provider]
        moment, answer = self._clock.moment(), None
        began = time.perf_counter()
        if delivery.is_lost:
            verdict = Verdict.LOST
        else:
            if delivery.is_forged:
                call = platform.forged(notice.trade, delivery.forgery, moment)
            else:
                call = platform.call(notice, moment)
            try:
                answer = await self._sender.send(call, platform.patience_s)
                verdict = platform.verdict(notice, answer)
            except (OSError, TimeoutError):
                verdict = Verdict.UNANSWERED
        return CallRecord(
            provider=notice.trade.provider,
            account=notice.trade.account,
            number=notice.trade.number,
            kind=notice.content.kind,
            notice=notice.content.id,
            copy=delivery.copy,
            attempt=delivery.attempt,
            is_forged=delivery.is_forged,
            at=moment.at,
            took_s=round(time.perf_counter() - began, 4),
            status=answer.status if answer else None,
            body=answer.body[:BODY_KEPT].decode(errors="replace") if answer else "",
            verdict=verdict,
        )

    def _count(self, provider: str, what: str) -> None:
        self.outcomes.setdefault(provider, collections.Counter())[what] += 1
