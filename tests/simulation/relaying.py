"""Two relays: one has the locks, the other may have lost them without noticing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from service.application.ports import Clock
from service.kafka.broker_life import LifeWatch
from service.kafka.prefix import sendable, settle
from service.kafka.producer import BrokerUnavailableError, Failure
from tests.simulation.broker import MemoryBroker, Record
from tests.simulation.chance import Chance
from tests.simulation.outbox import MemoryOutbox
from tests.simulation.watch import hold

ROWS_MOST: Final = 12
# Of a hundred messages this many are lost on their way.
LOSS: Final = 0.02
REFUSED: Final = Failure("LOST", is_outage=True)


@dataclass
class Relays:
    """The relays of one world. A round takes many turns; another relay may work in between."""

    outbox: MemoryOutbox
    broker: MemoryBroker
    clock: Clock
    chance: Chance
    is_faulty: bool = True
    # Set by the variant in which rows are marked before they are sent.
    marks_first: bool = False
    # Set by the variant in which what follows a failure is marked, too.
    ignores_prefix: bool = False
    _rounds: dict[int, Iterator[str]] = field(default_factory=dict)
    _watches: dict[int, LifeWatch] = field(default_factory=dict)

    def turn(self) -> str:
        """Do one thing as the relay that has the locks."""
        return self._turn(self.outbox.owner)

    def turn_of_zombie(self) -> str:
        """Do one thing as a relay that lost its locks and has not noticed."""
        others = [each for each in self._rounds if each != self.outbox.owner]
        return self._turn(others[0]) if others else ""

    def _turn(self, me: int) -> str:
        if me not in self._rounds:
            self._rounds[me] = self._round(me)
        try:
            return f"relay {me} {next(self._rounds[me])}"
        except StopIteration:
            del self._rounds[me]
            return ""
        except BrokerUnavailableError:
            del self._rounds[me]
            if self.chance.happens(0.2):
                self.broker.is_away = False
            return f"relay {me} finds no broker {self.look_at_broker()}"

    def die(self) -> str:
        """Kill the relay that has the locks; the next one begins anew."""
        me = self.outbox.owner
        self._rounds.pop(me, None)
        self._watches.pop(me, None)
        self.outbox.owner = me + 1
        return f"relay {me} dies"

    def lose_locks(self) -> str:
        """Give the locks to another one; who had them goes on."""
        self.outbox.owner += 1
        return f"relay {self.outbox.owner} takes over"

    def look_at_broker(self) -> str:
        """Find out whether the broker lost everything."""
        me = self.outbox.owner
        watch = self._watches.get(me)
        if watch is None:
            watch = self._watches[me] = LifeWatch(self.outbox, self.broker)
        lives = len(self.outbox.lives)
        try:
            watch.check()
        except BrokerUnavailableError:
            return ""
        return f"life {watch.epoch} begins" if len(self.outbox.lives) > lives else ""

    def _round(self, me: int) -> Iterator[str]:
        claim = self.outbox.claim(me, rows=1 + self.chance.below(ROWS_MOST))
        if not claim.rows or claim.epoch is None:
            return
        order = sendable(claim.rows)
        hold("I8", not order.holes, f"the outbox has holes before {list(order.holes.values())}")
        if self.marks_first:
            self.outbox.mark(me, [row.row_id for row in order.rows])
            yield "marks"
        outcomes: list[Failure | None] = []
        for row in order.rows:
            if self.is_faulty and self.chance.happens(LOSS):
                outcomes.append(REFUSED)
                yield f"loses {row.stream.key}:{row.n}"
                continue
            logged_us = int(self.clock().timestamp() * 1_000_000)
            record = Record(row.stream.key, row.n, row.payload, claim.epoch, logged_us)
            self.broker.append(row.stream.topic, record)
            outcomes.append(None)
            yield f"sends {row.stream.key}:{row.n}"
        if self.ignores_prefix:
            done = [row for row, each in zip(order.rows, outcomes, strict=True) if each is None]
        else:
            done = list(settle(order.rows, outcomes).published)
        if not self.marks_first:
            marked = self.outbox.mark(me, [row.row_id for row in done])
            yield f"marks {marked} of {len(order.rows)}"
