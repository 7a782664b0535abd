"""What is stored, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.application.notice_ports import Contact
from service.application.outbox import Stream
from service.application.ports import (
    Answer,
    Message,
    StoredFlag,
    StoredReceipt,
    receipt_key,
)
from service.domain.cases import Case, CaseAct
from service.domain.desk.notices import Notice
from service.domain.expectations import Expectation
from service.domain.facts import Fact, OrderRef, Outcome
from service.domain.journal import Row
from service.domain.order import Order
from service.domain.probing import Probe
from tests.builders import EVENING
from tests.fake_desk import DeskTables
from tests.fake_feeds import FeedTables
from tests.fake_rows import Log, Table, Undo
from tests.fake_stock import StockTables

Republished = tuple[str, str, bytes, str, datetime]


@dataclass(slots=True)
class KeptFact:
    """A fact, whose it is, and what became of it."""

    fact: Fact
    order_id: str | None
    outcome: Outcome


@dataclass(slots=True)
class KeptReceipt:
    """A receipt and what became of it."""

    stored: StoredReceipt
    recorded_at: datetime
    outcome: Outcome | None = None
    outcome_at: datetime = EVENING
    revision: int = 0
    rejection: object = None
    repeats: int = 0
    published: int = 1
    weighed: bytes = b""

    @property
    def again(self) -> Republished:
        """What publishes it again."""
        receipt = self.stored.receipt
        key = receipt_key(receipt.source, receipt.order_hint, self.stored.receipt_id)
        return (
            self.stored.receipt_id,
            key,
            self.stored.event,
            receipt.traceparent,
            receipt.received_at,
        )


@dataclass(slots=True)
class KeptTimer:
    """A deadline, and when it was dealt with."""

    awaited: Expectation
    fired_at: datetime | None = None


@dataclass(slots=True)
class KeptRequest:
    """A request as it was known by, when it came, and what it got."""

    fingerprint: bytes
    claimed_at: datetime
    answer: Answer | None = None


class Tables:
    """Everything that is stored."""

    def __init__(self) -> None:
        undo = self.undo = Undo()
        self.orders: Table[str, Order] = Table(undo)
        self.refs: Table[OrderRef, str | None] = Table(undo)
        self.facts: Table[str, KeptFact] = Table(undo)
        # The same facts, by the order that they are told of; by name, while nobody told of one.
        self.told: Table[str, tuple[Fact, ...]] = Table(undo)
        self.waiting: Table[OrderRef, tuple[Fact, ...]] = Table(undo)
        self.journal: Log[Row] = Log(undo)
        self.timers: Table[tuple[str, str], KeptTimer] = Table(undo)
        self.cases: Table[str, Case] = Table(undo)
        self.case_log: Log[CaseAct] = Log(undo)
        self.flags: Table[str, StoredFlag] = Table(undo)
        self.requests: Table[str, KeptRequest] = Table(undo)
        self.receipts: Table[str, KeptReceipt] = Table(undo)
        self.outbox: Log[Message] = Log(undo)
        self.customer_events: Log[Message] = Log(undo)
        self.heads: Table[tuple[Stream, str], int] = Table(undo)
        self.stock = StockTables(undo)
        self.probes: Table[str, Probe] = Table(undo)
        self.desk = DeskTables(undo)
        self.channels = FeedTables(undo)
        self.notices: Table[str, Notice] = Table(undo)
        self.contacts: Table[str, Contact] = Table(undo)
