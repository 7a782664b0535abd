"""Looks at what each commit added: numbers, hashes, legal steps, messages, who waits for what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.application.outbox import Stream
from service.domain.cases import case_id_for
from service.domain.changes import Change, MoneyMoved, Moved
from service.domain.expectations import ExpectationKind
from service.domain.journal import GENESIS, Row, link
from service.domain.lifecycle import CORRECTIONS, FINAL, LIFECYCLE, Action, State
from service.domain.money import Money
from service.domain.order import Order
from tests.fake_tables import Tables

# What the lifecycle allows, and what evidence may correct.
LEGAL = {
    (begin, action, end)
    for table in (LIFECYCLE, CORRECTIONS)
    for begin, moves in table.items()
    for action, end in moves.items()
}


class BrokenInvariantError(AssertionError):
    """What must hold did not: its id, and what was found."""

    def __init__(self, invariant: str, found: str) -> None:
        super().__init__(f"{invariant}: {found}")
        self.invariant = invariant


def hold(invariant: str, holds: bool, found: object) -> None:  # noqa: FBT001  # A condition.
    """Raise unless it holds. What is asked with every row raises by itself: words cost time."""
    if not holds:
        raise BrokenInvariantError(invariant, str(found))


@dataclass(slots=True)
class Walk:
    """An order as its journal tells it."""

    state: State = State.PENDING_PAYMENT
    sequence: int = 0
    head: bytes = GENESIS
    money: MoneyMoved | None = None
    holds: set[str] = field(default_factory=set)

    def take(self, row: Row) -> None:
        """Go one row further."""
        if row.sequence != self.sequence + 1:
            raise BrokenInvariantError("I4", f"{_where(row)} follows {self.sequence}")
        if row.previous != self.head:
            raise BrokenInvariantError("I15", f"{_where(row)} is chained to another row")
        if link(row.previous, row.record) != row.hash:
            raise BrokenInvariantError("I15", f"{_where(row)} has another hash")
        self.sequence, self.head = row.sequence, row.hash
        detail = row.change.detail
        if isinstance(detail, Moved):
            is_legal = (detail.begin, detail.action, detail.end) in LEGAL
            if not is_legal or detail.begin is not self.state:
                raise BrokenInvariantError("I4", f"{_where(row)}: {detail} from {self.state}")
            self.state = detail.end
        elif isinstance(detail, MoneyMoved):
            self.money = detail


def _where(row: Row) -> str:
    return f"{row.order_id}:{row.sequence}"


@dataclass
class Watch:
    """What was seen of one world so far."""

    tables: Tables
    walks: dict[str, Walk] = field(default_factory=dict)
    # Which actors, of those that ask once, had effects in how many transactions.
    effects: Counter[str] = field(default_factory=Counter)
    moves: set[tuple[State, Action, State]] = field(default_factory=set)
    _heads: dict[tuple[Stream, str], int] = field(default_factory=dict)
    _rows: int = 0
    _messages: int = 0

    def committed(self) -> None:
        """Look at what the newest commit added."""
        tables = self.tables
        if len(tables.outbox) == self._messages:
            return
        rows = tables.journal[self._rows :]
        self._rows = len(tables.journal)
        for row in rows:
            walk = self.walks.get(row.order_id)
            if walk is None:
                walk = self.walks[row.order_id] = Walk()
            walk.take(row)
            self._note(row.change)
        self._look_at_messages({(row.order_id, row.sequence): row.event for row in rows})
        for actor in {row.origin.actor for row in rows}:
            self.effects[actor] += 1
            # Callers' names begin so; each asks for one thing.
            once = not actor.startswith("call-") or self.effects[actor] == 1
            hold("I2", once, f"{actor} took effect twice")
        for order_id in {row.order_id for row in rows}:
            self._look_at(tables.orders[order_id])

    def _note(self, change: Change) -> None:
        if isinstance(change.detail, Moved):
            self.moves.add((change.detail.begin, change.detail.action, change.detail.end))

    def _look_at_messages(self, events: dict[tuple[str, int], bytes]) -> None:
        told = 0
        for message in self.tables.outbox[self._messages :]:
            if message.n is None:
                continue
            key = message.stream, message.key
            last = self._heads.get(key, 0)
            if message.n != last + 1:
                raise BrokenInvariantError("I8", f"{key} has {message.n} after {last}")
            self._heads[key] = message.n
            if message.stream is Stream.ORDERS:
                told += 1
                if events.get((message.key, message.n)) != message.payload:
                    raise BrokenInvariantError("I7", f"{message.event_id} is not in the journal")
        hold("I7", told == len(events), f"{len(events)} rows, {told} of them to be published")
        self._messages = len(self.tables.outbox)

    def _look_at(self, order: Order) -> None:
        walk = self.walks[order.order_id]
        name = order.order_id
        hold("I16", order.sequence == walk.sequence, f"{name}: {order.sequence}, not all rows")
        hold("I15", order.chain_head == walk.head, f"{name} has another head")
        hold("I4", order.state is walk.state, f"{name} is {order.state}, not {walk.state}")
        money = walk.money
        nothing = Money.zero(order.total.currency)
        paid, refunded = (money.paid, money.refunded) if money else (nothing, nothing)
        if order.paid != paid or order.refunded != refunded:
            raise BrokenInvariantError("I5", f"{name}: {money}")
        hold("I11", paid.minor >= 0 and refunded.minor >= 0, f"{name} went below zero")
        hold("I12", self._is_awaited(order), f"{name} waits in silence in {order.state}")

    def _is_awaited(self, order: Order) -> bool:
        """Tell whether an order that is not final has a deadline, or had one and got a case."""
        if order.state in FINAL:
            return True
        name, wait = order.order_id, order.state.value
        timer = self.tables.timers.get((name, ExpectationKind.NEXT_STAGE.value))
        if timer is None or timer.awaited.wait != wait:
            return False
        case_id = case_id_for(name, timer.awaited.case_type, wait)
        return timer.fired_at is None or case_id in self.tables.cases

    @property
    def heads(self) -> dict[tuple[Stream, str], int]:
        """The last number of each stream."""
        return self._heads
