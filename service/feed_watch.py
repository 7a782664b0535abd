"""Shows from the clockwork how many feeds are healthy, and how many are not."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from service.application.feed_reading import FeedReader
from service.application.ports import Clock
from service.domain.channels.health import HealthState, health_of
from service.telemetry import Metrics

# Of each feed a month of hours is read; a silence is told by hours.
MEASURE_EVERY: Final = timedelta(minutes=1)


class FeedMeasures:
    """One process's turn at it; several do no harm to each other."""

    def __init__(self, reader: FeedReader, metrics: Metrics, clock: Clock) -> None:
        """Take what reads feeds, and what shows the measures."""
        self._reader = reader
        self._metrics = metrics
        self._clock = clock
        self._measure_at: datetime | None = None

    def measure(self) -> int:
        """Show how many feeds are how."""
        now = self._clock()
        if self._measure_at and now < self._measure_at:
            return 0
        self._measure_at = now + MEASURE_EVERY
        found = self._reader.figures(feed_id="", channel="", at=now)
        counts = Counter(health_of(each.feed, each.rhythm, at=now).state for each in found)
        for state in HealthState:
            self._metrics.feeds.labels(state.value).set(counts[state])
        return 0
