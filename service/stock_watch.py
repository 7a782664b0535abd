"""Watches stock from the clockwork: what runs low, and what late orders found gone."""

from datetime import datetime, timedelta
from typing import Final

from service.application.ports import Clock
from service.application.stock_watching import StockWatching

# Looking reads the stock of every article with a safety level: some 5 µs each.
LOOK_EVERY: Final = timedelta(seconds=5)


class StockWatch:
    """One process's turn at it; several do no harm to each other."""

    def __init__(self, watching: StockWatching, clock: Clock) -> None:
        """Take the use cases."""
        self._watching = watching
        self._clock = clock
        self._look_at: datetime | None = None

    def look(self) -> int:
        """Flag and tell what is due; return how much was done."""
        now = self._clock()
        if self._look_at and now < self._look_at:
            return 0
        done = self._watching.flag_articles() + self._watching.tell_oversales()
        # Where there was much, more may be left.
        self._look_at = None if done else now + LOOK_EVERY
        return done
