"""The loop of one platform: claims runs that are due, and has them worked on.

Each platform has a loop of its own, so that one that is dead or slow holds up nobody else. When to
ask a feed, and when again after a failure, is the service's to plan.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from clients.connectors.pulling.puller import Lease, Puller
from clients.connectors.worker import LONGEST_PAUSE_S, MARGIN_S, pause
from clients.sdk import ConcordError
from concord.channels.v1.channel_service_pb2 import ClaimRunsResponse

# A page of fifty orders asked for one by one, each of them slow, and as much again.
LEASE_S: Final = 120
# Feeds of one platform that are asked at once: a shop or two, each with orders and refunds.
AT_ONCE: Final = 8
# Feeds are asked every ten seconds at the most, so where none was due, the service is asked ever
# less often: nine platforms that look each second would be most of an idle machine's work.
LEAST_POLL_S: Final = 1.0
IDLE_POLL_S: Final = 4.0

log = structlog.get_logger(__name__)


class PullDesk:
    """Works on the feeds of one platform."""

    def __init__(self, puller: Puller, *, poll_s: float, lease_s: int = LEASE_S) -> None:
        self.provider = puller.platform.provider
        self.has_claimed = False
        """Whether the service answered the last time."""
        self._puller = puller
        self._poll_s = max(poll_s, LEAST_POLL_S)
        self._lease_s = lease_s
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, told_to_stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way then is the caller's to await."""
        pause_s = self._poll_s
        while not told_to_stop.is_set():
            room = AT_ONCE - len(self._under_way)
            if room and self._puller.book.current().of(self.provider):
                try:
                    is_idle = not await self._claim(room)
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
                self.has_claimed = True
                pause_s = min(pause_s * 2, IDLE_POLL_S) if is_idle else self._poll_s
            await pause(told_to_stop, pause_s)

    async def drain(self, within_s: float) -> None:
        """Let what is under way end; what does not in time is left to others, by its lease."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _claim(self, room: int) -> int:
        """Begin what is due, at most so many runs; return how many."""
        # Before the call: the lease runs from when the service takes it.
        until = self._puller.monotonic() + self._lease_s - MARGIN_S
        register = self._puller.register
        answer = await register.claim(self._puller.platform, room, self._lease_s)
        for claimed in answer.claimed:
            self._begin(claimed, until)
        return len(answer.claimed)

    def _begin(self, claimed: ClaimRunsResponse.Claimed, until: float) -> None:
        lease = Lease(self._lease_s - MARGIN_S, until)
        task = asyncio.create_task(self._puller.work(claimed.run, claimed.feed, lease))
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("pull_failed", provider=self.provider, error=error)
