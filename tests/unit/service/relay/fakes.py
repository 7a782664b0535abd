"""An outbox, a broker and a publisher in memory, for the relay's own logic."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.application.outbox import (
    Backlog,
    BrokerLife,
    Claim,
    NewLife,
    OutboxRow,
    Stream,
    StreamKey,
)
from service.domain.errors import OutageError
from service.kafka.broker_life import Survey
from service.kafka.producer import BrokerUnavailableError, Failure, Record
from service.kafka.topics import NAMES, PUBLISHED, TOPICS

ORDERS = NAMES[Stream.ORDERS]
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def a_row(row_id: int, key: str = "order-1", n: int | None = 1) -> OutboxRow:
    return OutboxRow(row_id, StreamKey(ORDERS, key), n, f"{key}:{n}".encode(), {})


@dataclass
class FakeRelayQueue:
    """Implements `RelayQueue`: rows in a list, unpublished until marked."""

    rows: list[OutboxRow] = field(default_factory=list)
    published: list[int] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)
    parked: dict[StreamKey, str] = field(default_factory=dict)
    lives: list[BrokerLife] = field(default_factory=list)
    is_locked_elsewhere: bool = False
    is_superseded: bool = False
    is_away: bool = False
    is_late: bool = False
    pruned: int = 0

    def take_shards(self) -> frozenset[int]:
        self._ask()
        return frozenset() if self.is_locked_elsewhere else frozenset(range(16))

    def release(self) -> None:
        """Nothing to let go of."""

    def claim(self, waiting: Collection[StreamKey], *, rows: int, size: int) -> Claim:
        self._ask()
        found = [
            row
            for row in self.rows
            if row.row_id not in self.published
            and row.stream not in waiting
            and row.stream not in self.parked
        ]
        epoch = self.lives[-1].epoch if self.lives and found else None
        return Claim(found[:rows], epoch)

    def mark_published(self, row_ids: Sequence[int]) -> int:
        self._ask()
        if self.is_superseded:
            return 0
        self.published += row_ids
        return len(row_ids)

    def record_failure(self, row_id: int, error: str) -> int:
        self.attempts[row_id] = self.attempts.get(row_id, 0) + 1
        return self.attempts[row_id]

    def park(self, stream: StreamKey, *, attempts: int, error: str) -> None:
        self.parked[stream] = error

    def is_behind(self, waiting: Collection[StreamKey], *, age_s: float) -> bool:
        return self.is_late

    def backlog(self) -> Backlog:
        return Backlog(len(self.rows) - len(self.published), 0.0, len(self.parked), 1)

    def prune(self) -> int:
        self.pruned += 1
        return 0

    def newest_life(self) -> BrokerLife | None:
        self._ask()
        return self.lives[-1] if self.lives else None

    def knows_life(self, marker: str) -> bool:
        return any(life.marker == marker for life in self.lives)

    def begin_life(self) -> NewLife:
        epoch = len(self.lives) + 1
        self.lives.append(BrokerLife(epoch, f"marker-{epoch}", NOW))
        return NewLife(self.lives[-1], messages=0)

    def _ask(self) -> None:
        if self.is_away:
            raise OutageError


@dataclass
class FakePublisher:
    """Implements `Publisher`: acknowledges all but what `fails` has an answer for."""

    fails: Callable[[Record], Failure | None] = lambda record: None
    sent: list[Record] = field(default_factory=list)
    is_closed: bool = False

    def publish(self, records: Sequence[Record]) -> list[Failure | None]:
        self.sent += records
        return [self.fails(record) for record in records]

    def renew(self) -> None:
        """Nothing that could have been lost."""

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeBroker:
    """Implements `Broker`: healthy, with one marker, unless changed."""

    marker: str | None = None
    partitions: dict[str, int] = field(default_factory=dict)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    is_away: bool = False
    is_closed: bool = False

    def survey(self) -> Survey:
        if self.is_away:
            raise BrokerUnavailableError
        return Survey(self.marker, dict(self.partitions), dict(self.ends))

    def create_topics(self, names: Iterable[str]) -> None:
        self.partitions |= dict.fromkeys(names, 4)

    def write_marker(self, life: BrokerLife) -> None:
        self.marker = life.marker

    def close(self) -> None:
        self.is_closed = True

    def lose_everything(self) -> None:
        """Come back empty."""
        self.marker, self.partitions, self.ends = None, {}, {}


def a_healthy_broker(marker: str) -> FakeBroker:
    ends = {(topic.name, 0): 10 for topic in PUBLISHED.values()}
    return FakeBroker(marker, dict.fromkeys(TOPICS, 4), ends)
