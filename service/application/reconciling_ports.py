"""What reconciliation needs within a transaction, as a Protocol of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.facts import OrderRef
from service.domain.money import Money
from service.domain.reconciling.bills import Held, Moved
from service.domain.reconciling.comparing import Reconciliation
from service.domain.reconciling.differences import Difference
from service.domain.reconciling.judging import DifferenceKind, Finding, Ours
from service.domain.reconciling.statements import Line, ShopDay, Statement, StatementKind
from service.domain.reconciling.telling import Outcome


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line with what we held of its order before the file came; `is_fresh` where that is told.

    So a difference shows that the import itself has put right.
    """

    line: Line
    is_fresh: bool = False
    before: Ours | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of some lines: what differs, each with what has repaired it, and how many agree."""

    findings: Sequence[tuple[Finding, str]]
    orders: int
    payments: int
    agreeing: int


class ReconcilingPart(Protocol):
    """The part of a transaction that knows statements. Their locks come after all others."""

    def keep_lines(
        self,
        kind: StatementKind,
        of: ShopDay,
        lines: Sequence[KeptLine],
        *,
        zone: str = "",
        at: datetime,
    ) -> None:
        """Store lines, each instead of the one of its order and key; what was before it stays."""

    def close_statement(
        self, kind: StatementKind, of: ShopDay, *, zone: str, expected: int, at: datetime
    ) -> None:
        """Write down that all lines were sent, and how many."""

    def find_statement(self, kind: StatementKind, of: ShopDay) -> Statement | None:
        """Return what a party said of a day, with the number of its lines."""

    def claim_statements(self, now: datetime, *, most: int) -> list[Statement]:
        """Lock and return statements of orders that must be looked at; passes over locked ones."""

    def look_again(self, statement: Statement, at: datetime | None) -> None:
        """Write down when a statement must be looked at next; None: not before more comes."""

    def ours_of(self, refs: Sequence[OrderRef]) -> dict[OrderRef, Ours]:
        """Return what we hold of the orders of these names, unlocked."""

    def find_reconciliation(self, of: ShopDay) -> Reconciliation | None:
        """Return a day's comparison, locked; None where there was none."""

    def save_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Store a comparison, or how far it is."""

    def claim_reconciliation(self) -> Reconciliation | None:
        """Lock and return a comparison that is under way; passes over locked ones."""

    def lines_after(self, of: ShopDay, after: OrderRef | None, *, most: int) -> list[KeptLine]:
        """Return lines of a statement in the order of names, whole orders at a time."""

    def lines_of(self, of: ShopDay, ref: OrderRef) -> list[Line]:
        """Return what a statement says of one order."""

    def payments_of(self, order_ids: Sequence[str]) -> dict[str, Mapping[str, Money]]:
        """Return what came for orders by number, as facts and statements of providers have it."""

    def moved_of(
        self, refs: Sequence[OrderRef], provider: str
    ) -> dict[OrderRef, dict[Moved, Held]]:
        """Return the payments and refunds that we hold of the orders of these names, by number."""

    def unbilled(
        self, of: ShopDay, begin: datetime, end: datetime, *, paid_before: datetime, most: int
    ) -> list[tuple[OrderRef, Held]]:
        """Return payments of a provider's account, of orders placed then, that no bill tells of."""

    def unstated(
        self, channel: str, begin: datetime, end: datetime, *, most: int
    ) -> list[tuple[Ours, OrderRef]]:
        """Return a channel's orders placed then of which no statement of orders tells."""

    def has_shops_outstanding(self, of: ShopDay) -> bool:
        """Tell whether another shop of the channel, known of late, has no statement of the day."""

    def find_differences(self, ids: Sequence[str]) -> dict[str, Difference]:
        """Return the differences that are known under these ids."""

    def save_differences(self, differences: Sequence[Difference]) -> None:
        """Store differences, or what became of them."""

    def left_differences(self, reconciliation: Reconciliation, *, most: int) -> list[Difference]:
        """Return differences that the present comparison did not find, and that stand."""

    def claim_differences(self, now: datetime, *, most: int) -> list[Difference]:
        """Lock and return due differences of one comparison that is done."""

    def shop_day(self, reconciliation_id: str) -> ShopDay:
        """Return whose day a comparison is about."""

    def standing_differences(self, reconciliation_id: str, kind: DifferenceKind) -> int:
        """Return how many differences of a kind wait or are in a case."""

    def outcome_of(self, reconciliation_id: str) -> Outcome:
        """Return what became of the differences of a comparison."""

    def in_case(self, case_id: str) -> int:
        """Return how many differences a case tells of that stand."""
