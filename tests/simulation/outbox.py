"""The relay's side of an outbox in memory, with the history that a new life publishes again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from service.application.outbox import BrokerLife, Claim, NewLife, OutboxRow, Stream, StreamKey
from service.application.ports import Clock, Message
from service.kafka.topics import NAMES
from tests.fake_tables import Tables


@dataclass
class MemoryOutbox:
    """Implements what a relay and `LifeWatch` ask of `RelayQueue`, for one of many relays."""

    tables: Tables
    clock: Clock
    lives: list[BrokerLife] = field(default_factory=list)
    # Who has the locks; a mark by anybody else changes nothing.
    owner: int = 0
    # Rows that wait, by id; a dictionary keeps the order in which they were put in.
    _waiting: dict[int, OutboxRow] = field(default_factory=dict)
    _seen: int = 0
    _next_id: int = 0

    def claim(self, owner: int, *, rows: int) -> Claim:
        """Return the oldest rows; none for a relay that has no locks."""
        self._look()
        if owner != self.owner or not self.lives:
            return Claim((), None)
        return Claim(list(islice(self._waiting.values(), rows)), self.lives[-1].epoch)

    def mark(self, owner: int, row_ids: Sequence[int]) -> int:
        """Mark rows as published; return how many that were."""
        if owner != self.owner:
            return 0
        return sum(self._waiting.pop(each, None) is not None for each in row_ids)

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        self._look()
        return not self._waiting

    def newest_life(self) -> BrokerLife | None:
        return self.lives[-1] if self.lives else None

    def knows_life(self, marker: str) -> bool:
        return any(life.marker == marker for life in self.lives)

    def begin_life(self) -> NewLife:
        self._look()
        epoch = len(self.lives) + 1
        self.lives.append(BrokerLife(epoch, f"life-{epoch}", self.clock()))
        again = [*self._history(), *self._not_replaced()]
        self._waiting = {}
        for message in again:
            self._put(message)
        return NewLife(self.lives[-1], len(again))

    def _look(self) -> None:
        """Take in what was committed since."""
        fresh = self.tables.outbox[self._seen :]
        self._seen += len(fresh)
        for message in fresh:
            self._put(message)

    def _put(self, message: Message | OutboxRow) -> None:
        self._next_id += 1
        if isinstance(message, Message):
            stream = StreamKey(NAMES[message.stream], message.key)
            row = OutboxRow(self._next_id, stream, message.n, message.payload, {})
        else:
            row = message
            row = OutboxRow(self._next_id, row.stream, row.n, row.payload, {})
        self._waiting[self._next_id] = row

    def _history(self) -> Iterator[Message | OutboxRow]:
        # In the order in which `service/postgres/outbox_history.py` lets it leave.
        waiting = {row.payload for row in self._not_replaced()}
        for each in self.tables.receipts.values():
            if each.outcome is None and each.stored.event not in waiting:
                stream = StreamKey(NAMES[Stream.RECEIPTS], each.again[1])
                yield OutboxRow(0, stream, None, each.stored.event, {})
        for row in self.tables.journal:
            stream = StreamKey(NAMES[Stream.ORDERS], row.order_id)
            yield OutboxRow(0, stream, row.sequence, row.event, {})
        yield from self.tables.customer_events
        for message in self.tables.outbox:
            if message.stream in {Stream.OUTCOMES, Stream.CASES}:
                yield message

    def _not_replaced(self) -> list[OutboxRow]:
        return [row for row in self._waiting.values() if row.stream.topic == NAMES[Stream.RECEIPTS]]
