"""Ends a worker when the broker has begun a newer life.

The guard does so at the first record of the new life, but an agent may never see one: offsets of
the old life may lie beyond the end of the new topics, and a recovery that began before the loss
waits for rows that are gone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

import structlog
from aiokafka.errors import KafkaError

from streams.guard import EXIT_NEW_LIFE

# A look costs 10 ms; a loss of the broker is noticed after this long at most.
LOOK_EVERY_S: Final = 3.0
# A broker that does not answer by then is asked anew.
ANSWERED_WITHIN_S: Final = 10.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class LifeWatch:
    """Looks at the broker's life, in a thread and an event loop of its own."""

    epoch: int
    # Returns the number of the broker's life, as far as it is told.
    read: Callable[[], Awaitable[int | None]]
    die: Callable[[int], NoReturn]
    every_s: float = LOOK_EVERY_S
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self.run, name="life-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._stop.wait(self.every_s):
            epoch = asyncio.run(self._look())
            if epoch is not None and epoch > self.epoch and not self._stop.is_set():
                log.warning("broker_life_began", epoch=epoch, agent="life-watch")
                self.die(EXIT_NEW_LIFE)

    async def _look(self) -> int | None:
        try:
            return await asyncio.wait_for(self.read(), ANSWERED_WITHIN_S)
        except (KafkaError, OSError, TimeoutError):
            # Whoever works with the broker says so; here it only means: not known yet.
            return None
