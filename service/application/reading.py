"""What callers may read: orders, journals, receipts, cases, the feed of changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from service.application.handlings import CaseView
from service.application.pages import Page
from service.application.ports import Rejection
from service.application.probe_ports import ProbeReader
from service.domain.cases import Case, CaseAct, CaseState
from service.domain.claims import Claim
from service.domain.contradictions import Discrepancy
from service.domain.deciding import Dossier
from service.domain.desk.purchases import PurchaseRequest
from service.domain.desk.taxonomy import Side
from service.domain.expectations import Expectation
from service.domain.facts import Fact, OrderRef, Outcome
from service.domain.lifecycle import State
from service.domain.order import Order
from service.domain.probing import Probe
from service.domain.terms import Terms

# What is declared elsewhere and found here, too.
__all__ = ["Page"]


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders to list."""

    page_size: int
    page_token: str = ""
    states: tuple[State, ...] = ()
    channel: str = ""
    hold_reason: str = ""
    overdue_at: datetime | None = None
    discrepancy: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptQuery:
    """Which receipts to list."""

    page_size: int
    page_token: str = ""
    outcome: Outcome | None = None
    waiting: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases to list."""

    page_size: int
    page_token: str = ""
    order_id: str = ""
    owner_role: str = ""
    include_resolved: bool = False
    type: str = ""
    side: Side | None = None
    states: tuple[CaseState, ...] = ()
    assignee: str = ""
    is_unassigned: bool = False
    channel: str = ""
    # As seen at `at`: what must be resolved within so long, what was opened at least so long ago.
    due_within: timedelta | None = None
    open_for: timedelta | None = None
    at: datetime | None = None

    @property
    def due_by(self) -> datetime | None:
        """Only what must be resolved by then."""
        return _moved(self.at, self.due_within)

    @property
    def opened_by(self) -> datetime | None:
        """Only what was opened by then."""
        return _moved(self.at, self.open_for and -self.open_for)


@dataclass(frozen=True, slots=True)
class HandlingLine:
    """One line of what was done about an order at the desk."""

    case_id: str
    case_type: str
    act: str
    actor: str
    at: datetime
    step: str = ""
    role: str = ""
    address: str = ""
    text: str = ""
    document: str = ""
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One journal row, for reading."""

    order_id: str
    sequence: int
    kind: str
    source: str
    actor: str
    role: str
    address: str
    voucher: str
    reason: str
    old_value: str
    new_value: str
    occurred_at: datetime
    recorded_at: datetime
    trace_id: str
    traceparent: str
    hash: bytes
    event: bytes


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt with what became of it.

    `event` holds the message as it arrived, `weighed` the event that told its outcome.
    """

    receipt_id: str
    event: bytes
    outcome: Outcome | None
    rejection: Rejection | None
    repeats: int
    facts: tuple[tuple[Fact, Outcome], ...] = ()
    orders: tuple[str, ...] = ()
    weighed: bytes = b""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is true about an order, why, who disagrees and what is awaited."""

    order: Order
    evidence: tuple[str, ...]
    claims: tuple[Claim, ...]
    awaited: tuple[Expectation, ...]
    discrepancies: tuple[Discrepancy, ...]
    cases: tuple[Case, ...]
    flags: tuple[str, ...]
    trace_ids: tuple[str, ...]
    allowed_actions: tuple[str, ...]
    summary_en: str
    summary_zh: str
    verifications: tuple[Probe, ...] = ()
    handling: tuple[HandlingLine, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A change that is final, and where to resume after it."""

    cursor: str
    order: Order
    line: JournalLine


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of hash chains found."""

    rows: int
    orders: int
    first_bad: JournalLine | None = None
    problem: str = ""


class Reader(ProbeReader, Protocol):
    """Reads what is stored, without locks."""

    def order(self, order_id: str) -> Order:
        """Return an order, or raise `OrderNotFoundError`."""

    def order_by_ref(self, ref: OrderRef) -> Order:
        """Return an order by one of its names, or raise `OrderNotFoundError`."""

    def orders(self, query: OrderQuery) -> Page[Order]:
        """List orders, newest change first; or raise `CursorInvalidError`."""

    def dossier(self, order_id: str) -> Dossier:
        """Return an order with its facts and open cases, or raise `OrderNotFoundError`."""

    def awaited(self, order_id: str) -> Sequence[Expectation]:
        """Return what is awaited of an order, with the deadlines that run."""

    def standing_flags(self, order_id: str) -> Sequence[str]:
        """Return the ids of flags that nobody dismissed."""

    def trace_ids(self, order_id: str) -> Sequence[str]:
        """Return the traces that changed an order, oldest first."""

    def journal(
        self, order_id: str, *, after: int, page_size: int, page_token: str
    ) -> Page[JournalLine]:
        """List a journal, oldest first; or raise `OrderNotFoundError`, `CursorInvalidError`."""

    def receipt(self, receipt_id: str) -> ReceiptView:
        """Return a receipt with its facts, or raise `ReceiptNotFoundError`."""

    def receipts(self, query: ReceiptQuery) -> Page[ReceiptView]:
        """List receipts, newest first; or raise `CursorInvalidError`."""

    def case(self, case_id: str) -> tuple[Case, Sequence[CaseAct]]:
        """Return a case and its log, or raise `CaseNotFoundError`."""

    def case_view(self, case_id: str, terms: Terms) -> CaseView:
        """Return a case with its log and all that belongs to it, or raise `CaseNotFoundError`."""

    def purchases(
        self, *, case_id: str, include_closed: bool, page_size: int, page_token: str
    ) -> Page[PurchaseRequest]:
        """List purchase requests, oldest first; or raise `CursorInvalidError`."""

    def cases(self, query: CaseQuery) -> Page[Case]:
        """List cases, most urgent first; or raise `CursorInvalidError`."""

    def handling(self, order_id: str) -> Sequence[HandlingLine]:
        """Return what was done about an order at the desk: the newest lines, oldest first."""

    def feed_start(self) -> str:
        """Return the cursor of the newest final change."""

    def feed(self, cursor: str, *, order_id: str, channel: str, most: int) -> Page[FeedItem]:
        """Return final changes after the cursor; the page's token is where to resume.

        Raises:
            CursorInvalidError: the cursor is not one of ours.
        """

    def verify_chain(self, order_id: str) -> ChainReport:
        """Check the hash chain of one order, or of all when empty."""


def _moved(at: datetime | None, by: timedelta | None) -> datetime | None:
    return None if at is None or by is None else at + by
