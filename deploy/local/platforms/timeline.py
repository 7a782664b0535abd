"""What happens at which provider time: actions that wait for their moment."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from deploy.local.platforms.clock import Clock

# The clock may be set to another speed by anyone who holds it, so a wait is never longer.
WAIT_MAX_S: Final = 0.25

Action = Callable[[], object]


class Timeline:
    """Runs actions when provider time has reached them, in the order of their times."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def after(self, delay_s: float, action: Action) -> None:
        """Run the action when so much provider time has passed."""
        self.at(self._clock.now() + timedelta(seconds=delay_s), action)

    def at(self, due: datetime, action: Action) -> None:
        """Run the action at that provider time, or as soon as possible."""
        heapq.heappush(self._waiting, (due, next(self._numbers), action))
        self._changed.set()

    def run_due(self) -> int:
        """Run what is due; return how many actions that were."""
        count, now = 0, self._clock.now()
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()
            count += 1
        return count

    def run_all(self) -> int:
        """Run what waits at this moment as if its time had come, in the order of times."""
        waiting, self._waiting = self._waiting, []
        for _, _, action in sorted(waiting, key=lambda each: each[:2]):
            action()
        return len(waiting)

    async def run(self) -> None:
        """Run actions as they come due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self.run_due()
            alarm = None
            if self._waiting:
                wait_s = min(WAIT_MAX_S, self._clock.wait_s(self._waiting[0][0]))
                alarm = loop.call_later(wait_s, self._changed.set)
            try:
                await self._changed.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()
