"""What callers may read of statements, comparisons and differences."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from service.application.pages import Page
from service.domain.reconciling.comparing import KindCount, Reconciliation
from service.domain.reconciling.differences import Difference, DifferenceState
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import Statement


@dataclass(frozen=True, slots=True)
class ReconciliationQuery:
    """Which comparisons to list."""

    page_size: int
    page_token: str = ""
    channel: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True)
class DifferenceQuery:
    """Which differences to list."""

    page_size: int
    page_token: str = ""
    reconciliation_id: str = ""
    order_id: str = ""
    kinds: tuple[DifferenceKind, ...] = ()
    states: tuple[DifferenceState, ...] = ()


Compared = tuple[Reconciliation, tuple[KindCount, ...]]


class ReconciliationReader(Protocol):
    """Reads statements and comparisons, without locks."""

    def statements(self, query: ReconciliationQuery) -> Page[Statement]:
        """List statements, the newest day first; or raise `CursorInvalidError`."""

    def reconciliation(self, reconciliation_id: str) -> Compared:
        """Return a comparison with its counts, or raise `ReconciliationNotFoundError`."""

    def reconciliations(self, query: ReconciliationQuery) -> Page[Compared]:
        """List comparisons, the newest day first; or raise `CursorInvalidError`."""

    def difference(self, difference_id: str) -> Difference:
        """Return a difference, or raise `DifferenceNotFoundError`."""

    def differences(self, query: DifferenceQuery) -> Page[Difference]:
        """List differences; or raise `CursorInvalidError`."""
