"""What knowing people needs within a transaction, as a Protocol of plain values."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.customers.book import Book
from service.domain.customers.identity import Identity


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order as far as it says who bought, and what was known of that before."""

    order_id: str
    key: str
    channel: str
    shop: str
    placed_at: datetime
    marks: frozenset[Identity]
    # How often it was asked to be looked at; more by the time it was means: again.
    asked: int = 1
    known_buyer: str = ""
    known_marks: frozenset[Identity] = frozenset()


class PeoplePart(Protocol):
    """The part of a transaction that knows people. One at a time, behind one lock of its own."""

    def queue_people(self, order_ids: Sequence[str], *, at: datetime) -> None:
        """Let it be looked at whose these orders are."""

    def lock_people(self, *, wait: bool) -> bool:
        """Let nobody else decide who is who until the transaction is over; tell whether we may."""

    def seen_orders(self, now: datetime, *, most: int) -> list[SeenOrder]:
        """Return orders that are to be looked at, longest waiting first."""

    def open_book(self, buyers: Collection[str], marks: Collection[Identity]) -> Book:
        """Return these buyers and who has these marks, each with the whole customer it is."""

    def save_book(self, book: Book) -> None:
        """Store what changed in a book."""

    def keep_seen(self, seen: Sequence[tuple[SeenOrder, str]]) -> None:
        """Write down whose orders are, by their buyers, and take them off the queue."""

    def queue_buyers(self, buyers: Collection[str], *, at: datetime) -> None:
        """Let one order of each of these buyers be looked at."""

    def buyers_of(self, customer_id: str) -> list[str]:
        """Return the buyers of whoever that is by now, or raise `CustomerNotFoundError`."""

    def merge_ends(self, merge_id: str) -> tuple[str, str]:
        """Return the buyers of a merge, or raise `MergeNotFoundError`."""
