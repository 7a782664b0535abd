"""Claims probes for one provider after the other, and has them worked on.

Each provider has a loop of its own, so that one that is dead or slow holds up nobody else. A loop
claims only what it can begin at once: a lease is for working, not for waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from clients.connectors.probing import Prober
from clients.sdk import ConcordError
from concord.probes.v1.probe_service_pb2 import Probe

# Of each lease, so much is kept back: for clocks, and for a report that is on its way.
MARGIN_S: Final = 2.0
# What a claim under way gets at the end: its probes would wait for their leases to lapse.
CLAIM_GRACE_S: Final = 1.0
# Of claiming from a service that is out of reach.
LONGEST_PAUSE_S: Final = 5.0

log = structlog.get_logger(__name__)


class Loop(Protocol):
    """Work that goes on until the process is told to stop."""

    async def run(self, told_to_stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way then is the caller's to await."""
        ...

    async def drain(self, within_s: float) -> None:
        """Let what is under way end; what does not in time is left to others, by its lease."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is claimed, for how long, and how often it is looked."""

    concurrency: int
    lease_s: int
    poll_s: float


class Desk:
    """The loop of one provider."""

    def __init__(self, prober: Prober, pace: Pace, worker: str) -> None:
        self.provider = prober.provider
        self.has_claimed = False
        """Whether the service answered the last time."""
        self._prober = prober
        self._pace = pace
        self._worker = worker
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, told_to_stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way then is the caller's to await."""
        pause_s = self._pace.poll_s
        while not told_to_stop.is_set():
            room = self._room()
            if not room:
                await self._until_there_is_room(told_to_stop)
                continue
            try:
                claimed = await self._claim(room)
            except ConcordError as error:
                self.has_claimed = False
                log.warning(
                    "service_awaited",
                    agent=self.provider,
                    wait_s=pause_s,
                    code=error.code.name,
                    reason=error.reason,
                )
                await pause(told_to_stop, pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            self.has_claimed, pause_s = True, self._pace.poll_s
            if claimed < room:
                await pause(told_to_stop, self._pace.poll_s)

    async def drain(self, within_s: float) -> None:
        """Let what is under way end; what does not in time is left to others, by its lease."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _room(self) -> int:
        """Return how many probes may be begun now."""
        accounts = [each.name for each in self._prober.book.current().of(self.provider)]
        lines = self._prober.lines
        self._tell_of(accounts)
        if not accounts or lines.pause_s(accounts):
            return 0
        # Of a provider that fails, one question at a time is enough to see whether it is back.
        limit = 1 if lines.are_failing(accounts) else self._pace.concurrency
        return max(0, limit - len(self._under_way))

    async def _claim(self, room: int) -> int:
        """Claim probes and begin each; return how many there were."""
        # Before the call: the lease runs from when the service takes it.
        ends_at = self._prober.monotonic() + self._pace.lease_s - MARGIN_S
        answer = await self._prober.concord.probes.claim(
            self._worker,
            providers=[self.provider],
            limit=room,
            lease_s=self._pace.lease_s,
        )
        for probe in answer.probes:
            self._begin(probe, ends_at)
        return len(answer.probes)

    def _begin(self, probe: Probe, ends_at: float) -> None:
        task = asyncio.create_task(self._prober.work(probe, ends_at))
        self._under_way.add(task)
        task.add_done_callback(self._done)
        self._prober.metrics.in_flight.labels(self.provider).set(len(self._under_way))

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._prober.metrics.in_flight.labels(self.provider).set(len(self._under_way))
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("probe_failed", provider=self.provider, error=error)

    async def _until_there_is_room(self, told_to_stop: asyncio.Event) -> None:
        """Wait for one of those under way, or for a pause to end; not longer than a poll."""
        stop = asyncio.ensure_future(told_to_stop.wait())
        try:
            await asyncio.wait(
                {stop, *self._under_way},
                timeout=self._pace.poll_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stop.cancel()
            with suppress(asyncio.CancelledError):
                await stop

    def _tell_of(self, accounts: list[str]) -> None:
        paused = sum(self._prober.lines.to(each).patience.pause_s > 0 for each in accounts)
        self._prober.metrics.paused.labels(self.provider).set(paused)


async def work(desks: Sequence[Loop], told_to_stop: asyncio.Event, drain_s: float) -> None:
    """Run all desks until told to stop, then let them drain together."""
    runs = [asyncio.create_task(desk.run(told_to_stop)) for desk in desks]
    stop = asyncio.create_task(told_to_stop.wait())
    # A desk ends before that only with a defect of ours, which ends the process.
    await asyncio.wait({stop, *runs}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    _, late = await asyncio.wait(runs, timeout=min(CLAIM_GRACE_S, drain_s))
    for run in late:
        run.cancel()
    await asyncio.gather(*(desk.drain(drain_s - CLAIM_GRACE_S) for desk in desks))
    for run in runs:
        if not run.cancelled():
            run.result()


async def pause(told_to_stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(told_to_stop.wait(), seconds)
