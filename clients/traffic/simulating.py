"""Runs a plan against the service: history at once, then at the clock's pace, until stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from clients.traffic.article import SECOND_US, STAGES, courses
from clients.traffic.feeding import Intake, Tally, due, feed
from clients.traffic.pace import Pace
from clients.traffic.plan import Plan
from clients.traffic.wording import Message, rfc3339

# What is under way when a stop is asked for may end; with the half second that a pause lasts at
# most, the run is over within 2 s.
GRACE_S: Final = 1.25


def ignore(_: int) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a plan, with those who watch it."""

    plan: Plan
    pace: Pace
    began_us: int
    on_reached: Callable[[int], None] = ignore
    """Called with the moment that the run has reached."""
    on_caught_up: Callable[[int], None] = ignore
    """Called once, with the number of messages before it, when history is over."""

    async def play(self, intake: Intake, tally: Tally, stop: asyncio.Event) -> bool:
        """Feed the plan; return whether it was fed to its end.

        Raises:
            ConcordError: the service declined a receipt, or failed in a way that no retry mends.
        """
        batches = due(self._watched(), self.pace, stop)
        feeding = asyncio.create_task(feed(batches, intake, tally))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({feeding, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not feeding.done():
                await asyncio.wait({feeding}, timeout=GRACE_S)
        finally:
            stopping.cancel()
            ended = feeding.done()
            feeding.cancel()
            await asyncio.wait({feeding, stopping})
        if ended:
            feeding.result()
        return ended and not stop.is_set()

    def _watched(self) -> Iterator[Message]:
        caught_up = False
        for count, message in enumerate(self.plan.messages()):
            if not caught_up and message.arrives_us > self.began_us:
                caught_up = True
                self.on_caught_up(count)
            self.on_reached(message.arrives_us)
            yield message


def summary(plan: Plan, tally: Tally, elapsed_s: float, *, complete: bool) -> dict[str, Any]:
    """Say what was sent, and what the stage board must show of it."""
    return {
        "run": plan.run,
        "seed": plan.seed,
        "start_time": rfc3339(plan.start_us),
        "orders": plan.orders,
        "complete": complete,
        "receipts": tally.sent,
        "stored": tally.stored,
        "repeated": tally.repeated,
        "outages": tally.outages,
        "elapsed_s": round(elapsed_s, 3),
        "expected_stages": None if plan.orders is None else expected_stages(plan),
    }


def expected_stages(plan: Plan) -> list[dict[str, Any]]:
    """Return what the plan's own orders add up to, stage by stage, without any fault."""
    dealt = zip(*courses(plan.seed, plan.orders), strict=True)
    return [
        {
            "from": stage.from_state,
            "to": stage.to_state,
            "count": len(dwells),
            "mean_s": sum(dwell.us for dwell in dwells) / len(dwells) / SECOND_US,
            "abnormal": sum(dwell.circumstance is not None for dwell in dwells),
            "circumstance": stage.circumstance,
        }
        for stage, dwells in zip(STAGES, dealt, strict=True)
    ]
