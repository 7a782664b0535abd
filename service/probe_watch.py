"""Looks after probes from the clockwork: finds what has none, and measures how far asking is."""

from datetime import datetime, timedelta
from typing import Final

from service.application.ports import Clock
from service.application.probe_ports import ProbeReader
from service.application.probing import Probing
from service.domain.providers import ASKABLE
from service.telemetry import Metrics

# The article's scan: every order is looked at within this time, whatever else failed.
SWEEP_EVERY: Final = timedelta(minutes=15)
# Counting 100,000 rows takes some 30 ms; a scraper comes every 15 s.
MEASURE_EVERY: Final = timedelta(seconds=15)


class ProbeWatch:
    """One process's turn at it; several do no harm to each other."""

    def __init__(
        self, probing: Probing, reader: ProbeReader, metrics: Metrics, clock: Clock
    ) -> None:
        """Take the use cases, and what shows the measures."""
        self._probing = probing
        self._reader = reader
        self._metrics = metrics
        self._clock = clock
        self._sweep_at: datetime | None = None
        self._measure_at: datetime | None = None
        self._swept = ""

    def sweep(self) -> int:
        """Arm what is missing, a bounded number of orders at a time; return how many."""
        now = self._clock()
        if self._sweep_at and now < self._sweep_at:
            return 0
        armed, self._swept = self._probing.sweep(self._swept)
        if not self._swept:
            self._sweep_at = now + SWEEP_EVERY
        self._metrics.probes_swept.inc(armed)
        return armed

    def measure(self) -> int:
        """Show how many probes are due, and how long the oldest has been."""
        now = self._clock()
        if self._measure_at and now < self._measure_at:
            return 0
        self._measure_at = now + MEASURE_EVERY
        known = {each.provider: each for each in self._reader.probe_backlog(now)}
        for provider in sorted(ASKABLE | known.keys()):
            found = known.get(provider)
            oldest = found.oldest_due_at if found else None
            age = (now - oldest).total_seconds() if oldest else 0
            self._metrics.probes_due.labels(provider).set(found.due if found else 0)
            self._metrics.probes_oldest.labels(provider).set(age)
        return 0
