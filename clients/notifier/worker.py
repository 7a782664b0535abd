"""Claims messages of one channel after the other, has each sent once, and reports.

Each channel has a loop of its own, so that a receiver that is slow holds up nobody else. A loop
claims what it can begin at once. Nothing leaves when the lease may be over: it is given back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from clients.notifier.metrics import Metrics
from clients.notifier.outcome import Outcome, Outgoing, Part, Result, Sender
from clients.notifier.times import Monotonic
from clients.sdk import AsyncConcord, ConcordError
from clients.sdk.errors import SendingEndedError
from concord.notices.v1 import notice_service_pb2 as api

# Of each lease, so much is kept for the report and for clocks.
MARGIN_S: Final = 5.0
# What a claim under way gets at the end.
CLAIM_GRACE_S: Final = 1.0
# Of asking a service that is out of reach.
LONGEST_PAUSE_S: Final = 5.0
FIRST_PAUSE_S: Final = 0.2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is sent at once, for how long it is leased, how often it is looked."""

    concurrency: int
    lease_s: int
    poll_s: float
    # Within the lease, and after it no more.
    send_s: float


@dataclass(frozen=True, slots=True)
class Tools:
    """What every loop works with."""

    concord: AsyncConcord
    metrics: Metrics
    monotonic: Monotonic
    ids: Callable[[], str]


class Loop:
    """The loop of one channel."""

    def __init__(self, channel: str, sender: Sender, pace: Pace, tools: Tools) -> None:
        self.channel = channel
        self.has_claimed = False
        """Whether the service answered the last time."""
        self._sender = sender
        self._pace = pace
        self._tools = tools
        self._under_way: set[asyncio.Task[None]] = set()
        # Messages to one address go one after the other, as they were put together.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._lease, self._leased_at = "", 0.0

    async def run(self, told_to_stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way then is the caller's to await."""
        pause_s = self._pace.poll_s
        while not told_to_stop.is_set():
            if len(self._under_way) >= self._pace.concurrency:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                claimed = await self.claim()
            except ConcordError as error:
                self.has_claimed = False
                log.warning("service_awaited", agent=self.channel, wait_s=pause_s,
                            code=error.code.name, reason=error.reason)  # fmt: skip
                await _pause(told_to_stop, pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            pause_s = self._pace.poll_s
            if not claimed:
                await _pause(told_to_stop, self._pace.poll_s)

    async def claim(self) -> int:
        """Claim what can be begun at once, begin it, and return how many messages there were.

        Raises:
            ConcordError: there was no answer. What it may have leased is given again next time.
        """
        self._renew()
        answer = await self._tools.concord.notices.claim(
            self._lease,
            [self.channel],
            limit=self._pace.concurrency - len(self._under_way),
            lease_s=self._pace.lease_s,
        )
        self.has_claimed = True
        ends_at = self._leased_at + self._pace.lease_s - MARGIN_S
        for sending in answer.sendings:
            task = asyncio.create_task(self._work(sending, self._lease, ends_at))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        if answer.sendings:
            self._lease = ""
        self._show()
        return len(answer.sendings)

    async def drain(self, within_s: float) -> None:
        """Let what is under way end; what does not in time is shown as uncertain."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _renew(self) -> None:
        """Keep the lease until it is answered with work, or is too old to be of use."""
        now = self._tools.monotonic()
        if not self._lease or now - self._leased_at > self._pace.send_s:
            # From before the call: the service begins to count when it takes it.
            self._lease, self._leased_at = self._tools.ids(), now

    async def _work(self, sending: api.Sending, lease: str, ends_at: float) -> None:
        async with self._turns[sending.address]:
            outcome = await self._sent(sending, ends_at)
        self._tools.metrics.sends.labels(self.channel, outcome.result.value).inc()
        if outcome.result is not Result.SENT:
            log.warning("notice_not_sent", channel=self.channel, outcome=outcome.result.value,
                        code=outcome.code, count=len(sending.parts))  # fmt: skip
        await self._report(sending.name, lease, outcome, ends_at + MARGIN_S)

    async def _sent(self, sending: api.Sending, ends_at: float) -> Outcome:
        begun = self._tools.monotonic()
        # What may take longer than is left must not begin.
        if begun + self._pace.send_s > ends_at:
            return Outcome(Result.NOT_SENT, "LATE")
        try:
            async with asyncio.timeout(ends_at - begun):
                outcome = await self._sender.send(_outgoing(sending))
        except TimeoutError:
            outcome = Outcome(Result.UNCERTAIN, "TIMEOUT")
        except Exception:
            # A defect of ours: it may have left all the same.
            log.exception("notice_failed", channel=self.channel)
            outcome = Outcome(Result.UNCERTAIN, "FAILED")
        self._tools.metrics.send_duration.labels(self.channel).observe(
            self._tools.monotonic() - begun
        )
        return outcome

    async def _report(self, name: str, lease: str, outcome: Outcome, until: float) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._tools.concord.notices.report(
                    name,
                    lease,
                    api.ReportDeliveryRequest.Result.Value(f"RESULT_{outcome.result.value}"),
                    code=outcome.code,
                    retry_after_s=outcome.retry_after_s,
                )
            except SendingEndedError:
                return
            except ConcordError as error:
                if self._tools.monotonic() + pause_s > until:
                    self._tools.metrics.unreported.labels(self.channel).inc()
                    log.exception("notice_unreported", channel=self.channel, code=error.code.name)
                    return
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                return

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._show()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("notice_failed", channel=self.channel, error=error)

    def _show(self) -> None:
        self._tools.metrics.in_flight.labels(self.channel).set(len(self._under_way))


async def work(loops: list[Loop], told_to_stop: asyncio.Event, drain_s: float) -> None:
    """Run all loops until told to stop, then let them drain together."""
    runs = [asyncio.create_task(each.run(told_to_stop)) for each in loops]
    stop = asyncio.create_task(told_to_stop.wait())
    # A loop ends before that only with a defect of ours, which ends the process.
    await asyncio.wait({stop, *runs}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if runs:
        _, late = await asyncio.wait(runs, timeout=min(CLAIM_GRACE_S, drain_s))
        for run in late:
            run.cancel()
    await asyncio.gather(*(each.drain(drain_s - CLAIM_GRACE_S) for each in loops))
    for run in runs:
        if run.done() and not run.cancelled():
            run.result()


def _outgoing(sending: api.Sending) -> Outgoing:
    return Outgoing(
        name=sending.name.removeprefix("sendings/"),
        channel=sending.channel,
        address=sending.address,
        title=sending.title,
        text=sending.text,
        parts=tuple(
            Part(each.delivery_id, each.template, dict(each.values)) for each in sending.parts
        ),
    )


async def _pause(told_to_stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(told_to_stop.wait(), seconds)
