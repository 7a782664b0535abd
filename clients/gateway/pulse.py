"""How late the event loop is: whoever answers late must answer less, not more.

Where the processor is short, each round of the loop takes longer, and a callback takes several
rounds: a thousand of them at once would all be answered after their platforms have hung up. So
beyond `LATE_S` callbacks are told to come again, which costs a third of taking them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 0.05
# A callback takes some six rounds, and has four seconds.
LATE_S: Final = 0.5


class Pulse:
    """Beats regularly, and knows by how much the last beat was late."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._late_s = 0.0

    @property
    def is_late(self) -> bool:
        """Return whether the loop cannot keep up."""
        return self._late_s > LATE_S

    def begin(self) -> None:
        """Beat from here on, in the loop that runs."""
        self._due = self._monotonic() + EVERY_S
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._beat)

    def end(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self._late_s = max(0.0, self._monotonic() - self._due)
        self.begin()
