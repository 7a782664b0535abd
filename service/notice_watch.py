"""Looks after notices from the clockwork: composes, finds lapsed leases, and measures."""

from datetime import datetime, timedelta
from typing import Final

from service.application.notice_ports import NoticeReader
from service.application.noticing import Noticing
from service.application.ports import Clock
from service.domain.desk.notices import NoticeState
from service.telemetry import Metrics

# A scraper comes every 15 s.
MEASURE_EVERY: Final = timedelta(seconds=15)


class NoticeWatch:
    """One process's turn at it; several do no harm to each other."""

    def __init__(
        self, noticing: Noticing, reader: NoticeReader, metrics: Metrics, clock: Clock
    ) -> None:
        """Take the use cases, and what shows the measures."""
        self._noticing = noticing
        self._reader = reader
        self._metrics = metrics
        self._clock = clock
        self._measure_at: datetime | None = None

    def compose(self) -> int:
        """Make deliveries of what was asked for; return how many notices."""
        return self._noticing.compose_due()

    def lapse(self) -> int:
        """Show as uncertain what nobody reported in time; return how many attempts."""
        return self._noticing.lapse_due()

    def measure(self) -> int:
        """Show how many notices are not sent, by state."""
        now = self._clock()
        if self._measure_at and now < self._measure_at:
            return 0
        self._measure_at = now + MEASURE_EVERY
        counts = self._reader.notice_counts()
        for state in NoticeState:
            if state is not NoticeState.SENT:
                self._metrics.notices.labels(state.value).set(counts.get(state, 0))
        return 0
