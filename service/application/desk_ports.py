"""What the exception desk needs within a transaction, as a Protocol of plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from service.domain.cases import Case
from service.domain.desk.handling import Document, StepRun
from service.domain.desk.purchases import PurchaseRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CasePapers:
    """What belongs to a case: its steps, its documents, and what was done, as `step.act`."""

    runs: tuple[StepRun, ...] = ()
    documents: tuple[Document, ...] = ()
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseLink:
    """That two cases belong together."""

    case_id: str
    other_id: str
    kind: str
    actor: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class DoneEffect:
    """What came of an effect: nothing to say, or what was made of it."""

    kind: str
    order_id: str
    result: str = ""


@dataclass(frozen=True, slots=True)
class CustomerStanding:
    """What conditions may know of whoever bought."""

    orders: int = 0
    returns_30_days: int = 0
    open_cases: int = 0
    mean_minor: int = 0


class DeskPart(Protocol):
    """The part of a transaction that knows the desk. A case is locked after its order."""

    def attempt(self, work: Callable[[], T]) -> T:
        """Do work of which nothing is stored where it is refused; the refusal is raised."""

    def lock_cases(self, case_ids: Sequence[str]) -> list[Case]:
        """Lock and return cases whose orders are locked already."""

    def papers(self, case_ids: Sequence[str]) -> dict[str, CasePapers]:
        """Return what belongs to locked cases."""

    def save_case(self, case: Case) -> None:
        """Store a case of which nothing changed that its log would tell."""

    def save_runs(self, runs: Mapping[str, Sequence[StepRun]]) -> None:
        """Store steps of cases, or what became of them."""

    def add_document(self, case_id: str, document: Document) -> None:
        """Store a document of a case."""

    def link_cases(self, link: CaseLink) -> bool:
        """Store that cases belong together; tell whether that is news."""

    def links_of(self, case_id: str) -> tuple[CaseLink, ...]:
        """Return which cases a case belongs together with."""

    def due_cases(self, now: datetime, *, most: int) -> list[tuple[str, str]]:
        """Return (order, case) of cases that must be looked at, longest due first."""

    def moved_cases(self, *, most: int) -> list[tuple[str, str]]:
        """Return (order, case) of cases that wait, and whose order went on since they looked."""

    def load_of(self, assignee: str) -> int:
        """Return how many open cases somebody has."""

    def done_effect(self, key: str) -> DoneEffect | None:
        """Return what came of the effect that has this key, or None."""

    def keep_effect(self, key: str, done: DoneEffect, *, at: datetime) -> None:
        """Write down that an effect was brought about; it is, once."""

    def save_purchase(self, request: PurchaseRequest) -> None:
        """Store a purchase request, or what became of it."""

    def find_purchase(self, purchase_id: str) -> PurchaseRequest:
        """Return a purchase request, or raise `PurchaseRequestNotFoundError`."""

    def lock_purchase(self, purchase_id: str) -> PurchaseRequest:
        """Return a purchase request, locked; or raise `PurchaseRequestNotFoundError`."""

    def purchases_of(self, case_id: str) -> tuple[PurchaseRequest, ...]:
        """Return what purchasing was asked for, for a case."""

    def wake_case(self, case_id: str, *, at: datetime) -> None:
        """Let the clockwork look at a case."""

    def customer_standing(self, customer: str, *, at: datetime) -> CustomerStanding:
        """Return what is known of whoever bought."""

    def free_stock(self, skus: Sequence[str]) -> dict[str, int]:
        """Return the free pieces of articles of which stock is kept, over all warehouses."""
