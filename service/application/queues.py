"""What waits at the exception desk, for whom, and where the time goes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.application.ports import Clock
from service.application.reading import CaseQuery, Page
from service.domain.cases import Case
from service.domain.desk.taxonomy import Side

Sleep = Callable[[float], None]

# A person looks at a queue: what is a second old is fresh, and a queue is two short reads.
WATCH_EVERY_S: Final = 1.0
# A week has every day of work in it.
STATISTICS_SPAN: Final = timedelta(days=7)
# When many orders lie with somebody for longer, hands are missing or a rule is too strict.
LONG_WAIT: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """How many cases of one type are open at one role."""

    owner_role: str
    side: Side
    type: str
    open: int
    unassigned: int
    paused: int
    near_breach: int
    in_breach: int
    oldest_at: datetime
    # When the next comes into breach; None where none will.
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it stands: the most urgent cases, and how many there are in all."""

    cases: tuple[Case, ...]
    counts: tuple[QueueCount, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """Of what ended from `start` until before `end`; a wait of `long_wait` or more is long."""

    start: datetime
    end: datetime
    type: str = ""
    owner_role: str = ""
    long_wait: timedelta = LONG_WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTimes:
    """What became of the cases of one type."""

    type: str
    side: Side
    opened: int
    resolved: int
    open: int
    p50: timedelta | None
    p95: timedelta | None
    # How many of those that ended had been in breach.
    breached: int

    @property
    def breach_share(self) -> float:
        """Of 1."""
        return self.breached / self.resolved if self.resolved else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimes:
    """How long one step takes, and who waits at it."""

    type: str
    step: str
    role: str
    count: int
    p50: timedelta | None
    p95: timedelta | None
    # How many of those that ended saw their case come into breach.
    breached: int
    waiting: int
    waiting_long: int
    waiting_since: datetime | None

    @property
    def breach_share(self) -> float:
        """Of 1."""
        return self.breached / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Statistics:
    """The desk's numbers, and of when they are."""

    query: StatisticsQuery
    read_at: datetime
    types: tuple[TypeTimes, ...]
    steps: tuple[StepTimes, ...]


class QueueReader(Protocol):
    """Reads queues, without locks."""

    def cases(self, query: CaseQuery) -> Page[Case]:
        """List cases, most urgent first; or raise `CursorInvalidError`."""

    def counts(self, query: CaseQuery) -> Sequence[QueueCount]:
        """Count open cases by role and type."""

    def type_times(self, query: StatisticsQuery) -> Sequence[TypeTimes]:
        """Return what became of cases, by type."""

    def step_times(self, query: StatisticsQuery, *, at: datetime) -> Sequence[StepTimes]:
        """Return how long steps take and who waits at them at that moment."""


class Queues:
    """Answers what waits, and where the time goes."""

    def __init__(self, reader: QueueReader, clock: Clock, sleep: Sleep) -> None:
        """Take where to read, and how to wait."""
        self._reader = reader
        self._clock = clock
        self._sleep = sleep

    def count(self, query: CaseQuery) -> tuple[tuple[QueueCount, ...], datetime]:
        """Return how much waits, most in breach first; and when it was counted."""
        at = self._clock()
        return self._counts(replace(query, at=at)), at

    def watch(self, query: CaseQuery, is_wanted: Callable[[], bool]) -> Iterator[Queue]:
        """Iterate over a queue as it stands: once at first, then with each change."""
        shown: Queue | None = None
        while is_wanted():
            queue = self._read(query)
            if shown is None or (shown.cases, shown.counts) != (queue.cases, queue.counts):
                shown = queue
                yield queue
            if is_wanted():
                self._sleep(WATCH_EVERY_S)

    def statistics(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        type: str = "",
        owner_role: str = "",
        long_wait: timedelta = LONG_WAIT,
    ) -> Statistics:
        """Return the desk's numbers; without times, of the last week."""
        at = self._clock()
        until = end or at
        query = StatisticsQuery(
            start or until - STATISTICS_SPAN, until, type, owner_role, long_wait
        )
        types = sorted(self._reader.type_times(query), key=lambda each: (-each.open, each.type))
        steps = sorted(
            self._reader.step_times(query, at=at),
            key=lambda each: (-each.waiting_long, -each.waiting, each.type, each.step),
        )
        return Statistics(query, at, tuple(types), tuple(steps))

    def _read(self, query: CaseQuery) -> Queue:
        at = self._clock()
        asked = replace(query, at=at)
        return Queue(self._reader.cases(asked).rows, self._counts(asked), at)

    def _counts(self, query: CaseQuery) -> tuple[QueueCount, ...]:
        found = self._reader.counts(query)
        return tuple(
            sorted(
                found, key=lambda each: (-each.in_breach, -each.open, each.owner_role, each.type)
            )
        )
