"""What batches need within a transaction, as a Protocol of plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.domain.desk.batches import Batch, Counts, Member, Selection
from service.domain.facts import OrderRef
from service.domain.order import Order


@dataclass(frozen=True, slots=True)
class Brought:
    """That a step was done for an order, and what it brought: a coupon's code, a case's id."""

    batch_id: str
    order_id: str
    step: str
    what: str
    at: datetime


class BatchPart(Protocol):
    """The part of a transaction that knows batches. Their locks come before those of orders."""

    def owners_of(self, refs: Sequence[OrderRef]) -> dict[OrderRef, str]:
        """Return whose these names are, without those that are nobody's."""

    def chosen_orders(self, selection: Selection, *, most: int) -> list[Order]:
        """Return the orders of a selection, longest placed first, at most so many; unlocked."""

    def lock_template(self, name: str) -> None:
        """Let nobody else freeze a list of this template until the transaction is over."""

    def busy_members(self, template: str, order_ids: Sequence[str]) -> dict[str, str]:
        """Return which orders wait in another batch of a template of this name, and in which."""

    def save_batch(self, batch: Batch) -> None:
        """Store a batch, or what became of it."""

    def save_members(self, members: Sequence[Member]) -> None:
        """Store members, or what became of them."""

    def lock_batch(self, batch_id: str) -> Batch:
        """Lock and return a batch, or raise `BatchNotFoundError`.

        Who has claimed members of it is waited for: behind the lock nothing happens to them.
        """

    def retry_members(self, batch_id: str, *, at: datetime) -> int:
        """Let members that failed wait again; return how many."""

    def claim_members(self, now: datetime, *, most: int) -> tuple[Batch, list[Member]] | None:
        """Lock and return members of one running batch that are due, longest due first.

        They are locked for as long as the transaction; who is locked already is passed over.
        None where nobody is due.
        """

    def finished_batches(self, *, most: int) -> list[Batch]:
        """Lock and return running batches of which no member waits any more."""

    def stale_batches(self, before: datetime, *, most: int) -> list[Batch]:
        """Lock and return batches that were frozen before then, and that nobody confirmed."""

    def bring(self, brought: Sequence[Brought]) -> None:
        """Write down that steps were done, each once ever.

        Raises:
            ContentionError: one of them was done before.
        """

    def batch_counts(self, batch_id: str) -> Counts:
        """Return how far a batch is."""

    def left_out(self, batch_id: str) -> Mapping[str, int]:
        """Return how many orders each reason left out."""
