"""Live traffic with a log of what was acknowledged: what a provider would swear that we have."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from clients.sdk import AsyncConcord
from clients.traffic.article import SECOND_US
from clients.traffic.feeding import Tally
from clients.traffic.pace import Pace
from clients.traffic.plan import Plan
from clients.traffic.simulating import Run
from clients.traffic.stories import DEFAULT_FAULTS

RATE: Final = 3.0
HISTORY_S: Final = 120
CALL_S: Final = 15.0
ENDED_WITHIN_S: Final = 60.0


@dataclass
class Traffic:
    """Orders of the article, with repeats, disorder, losses and contradictions, until stopped."""

    address: str
    seed: int
    tally: Tally = field(default_factory=lambda: Tally(names=[]))
    _stop: threading.Event = field(default_factory=threading.Event)
    _failed: list[BaseException] = field(default_factory=list)

    @property
    def acknowledged(self) -> frozenset[str]:
        """Names of the receipts of which the service said that it has them."""
        return frozenset(self.tally.names or ())

    def start(self) -> None:
        """Begin to send, in a thread."""
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._thread.start()

    def stop(self) -> None:
        """Send no more; raise what made it fail, if it did."""
        self._stop.set()
        self._thread.join(ENDED_WITHIN_S)
        assert not self._thread.is_alive(), "the traffic does not end"
        if self._failed:
            raise self._failed[0]

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except Exception as error:  # noqa: BLE001  # `stop` raises it where the test sees it.
            self._failed.append(error)

    async def _send(self) -> None:
        stop = asyncio.Event()
        now_us = int(time.time()) * SECOND_US
        plan = Plan(
            seed=self.seed,
            start_us=now_us - HISTORY_S * SECOND_US,
            rate=RATE,
            faults=DEFAULT_FAULTS,
        )
        told = asyncio.create_task(asyncio.to_thread(self._stop.wait))
        told.add_done_callback(lambda _: stop.set())
        async with AsyncConcord(self.address, timeout_s=CALL_S) as concord:
            pace = Pace(time.time, plan.start_us, None)
            await Run(plan, pace, began_us=now_us).play(concord.intake, self.tally, stop)
        # Also when the run failed: the thread that waits must not outlive it.
        self._stop.set()
        await told


@contextmanager
def traffic(address: str, seed: int) -> Iterator[Traffic]:
    """Send for as long as the block lasts, or until stopped."""
    sending = Traffic(address, seed)
    sending.start()
    try:
        yield sending
    finally:
        sending.stop()
