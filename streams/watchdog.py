"""Ends a worker that no longer gets on: records wait, and the committed offset stands still.

It runs in a thread of its own, so that a blocked event loop is found as well. Two things look
like a stall and are none: an agent that waits for the service (another worker would wait too),
and one at work on a large chunk, or on those of other partitions. Ending that one would only
make it begin again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from streams.standing import stands
from streams.telemetry import Metrics

# Commits come once a second, steps of an agent more often; sixty without either is not slowness.
STALLED_AFTER_S: Final = 60.0
# An agent gets on, and never with this partition: its turn comes within minutes.
PASSED_OVER_AFTER_S: Final = 600.0
# Joining, and reading a changelog of millions of rows, takes less.
UNREADY_AFTER_S: Final = 180.0
LOOK_EVERY_S: Final = 1.0
EXIT_STALLED: Final = 69

log = structlog.get_logger(__name__)

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition is read, and how far it reaches."""

    committed: int
    end: int


class Observed(Protocol):
    """What the watchdog looks at."""

    def is_ready(self) -> bool:
        """Return whether partitions are assigned and their rows are there."""

    def positions(self) -> Mapping[Place, Position]:
        """Return the positions of the partitions at hand."""

    def is_waiting(self, topic: str) -> bool:
        """Return whether the topic's agent waits for something out of reach."""

    def steps(self, topic: str) -> int:
        """Return how often the topic's agents got on."""

    def loops(self) -> Iterable[asyncio.AbstractEventLoop]:
        """Return the loops whose tasks do the work."""


@dataclass(slots=True)
class Stalls:
    """Finds partitions that stand still; a pure function of what it is shown and when."""

    _moved: dict[Place, tuple[int, float]] = field(default_factory=dict)
    _stepped: dict[str, tuple[int, float]] = field(default_factory=dict)
    _ready_at: float | None = None

    def look(self, observed: Observed, now_s: float) -> str | None:
        """Return what is stalled, if anything is."""
        if not observed.is_ready():
            self._moved.clear()
            if self._ready_at is None:
                self._ready_at = now_s
            return "worker" if now_s - self._ready_at > UNREADY_AFTER_S else None
        self._ready_at = now_s
        positions = observed.positions()
        self._moved = {place: at for place, at in self._moved.items() if place in positions}
        for place, position in positions.items():
            committed, since_s = self._moved.get(place, (-1, now_s))
            stepped_s = self._last_step(observed, place[0], now_s)
            has_rest = position.committed >= position.end or observed.is_waiting(place[0])
            if committed != position.committed or has_rest:
                self._moved[place] = (position.committed, now_s)
            elif (
                now_s - max(since_s, stepped_s) > STALLED_AFTER_S
                or now_s - since_s > PASSED_OVER_AFTER_S
            ):
                return f"{place[0]}/{place[1]}"
        return None

    def _last_step(self, observed: Observed, topic: str, now_s: float) -> float:
        steps, since_s = self._stepped.get(topic, (-1, now_s))
        if steps != observed.steps(topic):
            self._stepped[topic] = (observed.steps(topic), now_s)
            return now_s
        return since_s


@dataclass(slots=True)
class Watchdog:
    """Looks once a second, tells the lag, and ends the process when something is stalled."""

    observed: Observed
    metrics: Metrics
    die: Callable[[int], Any]
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def _run(self) -> None:
        stalls = Stalls()
        while not self._stop.wait(LOOK_EVERY_S):
            stalled = stalls.look(self.observed, time.monotonic())
            for (topic, partition), at in self.observed.positions().items():
                lag = max(0, at.end - at.committed)
                self.metrics.lag.labels(topic, str(partition)).set(lag)
            if stalled is not None:
                log.error("worker_stalled", topic=stalled)
                try:
                    self._tell_where()
                finally:
                    self.die(EXIT_STALLED)

    def _tell_where(self) -> None:
        for each in stands(self.observed.loops()):
            log.error("worker_stands", kind=each.kind, count=each.count, error_at=each.places)


@dataclass(frozen=True, slots=True)
class FaustObserved:
    """A Faust app, as the watchdog sees it."""

    app: Any
    waiting: set[str]
    stepped: Mapping[str, int]

    def __post_init__(self) -> None:
        # Faust builds it when it is first read, and ties it to the loop of that thread. Read first
        # by the watchdog's thread, which has none that runs, it would never become ready.
        _ = self.app.tables.recovery

    def is_ready(self) -> bool:
        app = self.app
        return bool(
            app.started
            and not app.rebalancing
            and not app.in_recovery
            and app.tables.recovery.completed.is_set()
        )

    def positions(self) -> Mapping[Place, Position]:
        if not self.is_ready():
            return {}
        consumer = self.app.consumer
        positions: dict[Place, Position] = {}
        for tp in list(consumer.assignment()):
            if not self.app.topics.acks_enabled_for(tp.topic):
                continue
            end = consumer.highwater(tp)
            if end is not None:
                committed = consumer._committed_offset.get(tp) or 0  # Faust has no public name.
                positions[tp.topic, tp.partition] = Position(committed, end)
        return positions

    def is_waiting(self, topic: str) -> bool:
        return topic in self.waiting

    def steps(self, topic: str) -> int:
        return self.stepped.get(topic, 0)

    def loops(self) -> Iterable[asyncio.AbstractEventLoop]:
        fetching = getattr(self.app.consumer, "_thread", None)
        found = (self.app.loop, fetching and fetching.thread_loop)
        return [loop for loop in found if loop is not None]
