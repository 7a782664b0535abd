"""What the relay and `OutboxService` ask of the outbox, as Protocols of plain values.

Writers put rows in (see `ports.Unit.publish`); everything after that is here. A row is
unpublished until it is marked, so nothing reads the outbox "since": a late commit simply turns
up in the next claim.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique
from typing import Final, NamedTuple, Protocol

# Divides 256, so that one byte of the hash spreads evenly; 16 relays are more than one
# PostgreSQL can feed.
SHARDS: Final = 16


def shard_of(key: str) -> int:
    """Return the shard of a record key: the first byte of its SHA-256, modulo `SHARDS`.

    PostgreSQL computes the same, `get_byte(sha256(convert_to(key, 'UTF8')), 0) % 16`, when it
    puts history into the outbox again. A key with two shards would lose its order.
    """
    return hashlib.sha256(key.encode()).digest()[0] % SHARDS


@unique
class Stream(Enum):
    """A topic by its purpose; the publishing edge knows its name."""

    ORDERS = "orders"
    CUSTOMERS = "customers"
    CASES = "cases"
    RECEIPTS = "receipts"
    OUTCOMES = "outcomes"
    PROFILES = "profiles"


class StreamKey(NamedTuple):
    """One stream of messages that keep their order: a record key on a topic."""

    topic: str
    key: str


class OutboxRow(NamedTuple):
    """A message that waits. `n` is None where no order is promised."""

    row_id: int
    stream: StreamKey
    n: int | None
    payload: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """The oldest rows that wait, and the broker's life they are to be published in.

    Both are of one moment. `epoch` is None while no life has begun, or there are no rows.
    """

    rows: Sequence[OutboxRow]
    epoch: int | None


@dataclass(frozen=True, slots=True)
class BrokerLife:
    """A life of the broker: it ends when its topics are lost."""

    epoch: int
    marker: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class NewLife:
    """A life that just began, and how many messages of history wait to be published in it."""

    life: BrokerLife
    messages: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be published; parked streams are counted apart."""

    messages: int
    age_s: float
    parked: int
    epoch: int


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream that the relay gave up on: its messages wait behind one that was refused."""

    stream: StreamKey
    messages: int
    attempts: int
    last_error: str
    parked_at: datetime


class OutboxQueue(Protocol):
    """What people may ask of the outbox."""

    def backlog(self) -> Backlog:
        """Return how much waits, and for how long."""

    def parked_streams(self, limit: int) -> list[ParkedStream]:
        """Return streams that were given up on, longest parked first."""

    def resend(self, stream: StreamKey) -> ParkedStream:
        """Let the relay try a parked stream again, or raise `StreamNotParkedError`."""

    def begin_life(self) -> NewLife:
        """Begin a new life of the broker: the whole history is published again."""


class RelayQueue(Protocol):
    """The relay's side of the outbox. Every method may raise `OutageError`."""

    def take_shards(self) -> frozenset[int]:
        """Lock the shards that are free, and return all that are held; none on a standby.

        The first shard decides: who does not get it takes no other.
        """

    def release(self) -> None:
        """Let go of every shard."""

    def claim(self, waiting: Collection[StreamKey], *, rows: int, size: int) -> Claim:
        """Return the oldest rows of the held shards, in the order in which they were written.

        Without streams that are parked or `waiting`; at most `rows` of them, and no more after
        `size` bytes.
        """

    def mark_published(self, row_ids: Sequence[int]) -> int:
        """Mark rows of shards that are still ours; return how many that were."""

    def record_failure(self, row_id: int, error: str) -> int:
        """Write down that the broker refused a row; return how often it has."""

    def park(self, stream: StreamKey, *, attempts: int, error: str) -> None:
        """Give up on a stream until somebody asks for a resend."""

    def is_behind(self, waiting: Collection[StreamKey], *, age_s: float) -> bool:
        """Tell whether a row older than this, or of history, waits in any shard.

        Without streams that are parked or `waiting`.
        """

    def backlog(self) -> Backlog:
        """Return how much waits, and for how long."""

    def prune(self) -> int:
        """Delete some rows that were published long ago; return how many."""

    def newest_life(self) -> BrokerLife | None:
        """Return the broker's life as PostgreSQL knows it."""

    def knows_life(self, marker: str) -> bool:
        """Tell whether a life of this marker ever began."""

    def begin_life(self) -> NewLife:
        """Begin a new life of the broker: the whole history is published again."""
