"""What callers may read of batches and coupons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from service.application.reading import Page
from service.domain.desk.batches import Batch, BatchState, Counts, Member, MemberState
from service.domain.desk.coupons import Coupon
from service.domain.order import Order


@dataclass(frozen=True, slots=True)
class BatchQuery:
    """Which batches to list."""

    page_size: int
    page_token: str = ""
    template: str = ""
    states: tuple[BatchState, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberQuery:
    """Which orders of a batch to list."""

    batch_id: str
    page_size: int
    page_token: str = ""
    state: MemberState | None = None


class BatchReader(Protocol):
    """Reads batches without locks."""

    def batch(self, batch_id: str) -> tuple[Batch, Counts]:
        """Return a batch and how far it is, or raise `BatchNotFoundError`."""

    def batches(self, query: BatchQuery) -> Page[tuple[Batch, Counts]]:
        """List batches, newest first; or raise `CursorInvalidError`."""

    def members(self, query: MemberQuery) -> Page[tuple[Member, Mapping[str, str]]]:
        """List a batch's orders by position, each with what its steps brought.

        Raises:
            CursorInvalidError: the token is not one of ours.
        """

    def exclusions(self, batch_id: str) -> Mapping[str, int]:
        """Return how many orders each reason left out."""

    def failures(self, batch_id: str) -> Mapping[str, int]:
        """Return how many orders failed for each reason."""

    def notices(self, batch_id: str) -> Mapping[str, int]:
        """Return how many of a batch's notices are in each state."""

    def sample(self, batch_id: str, *, most: int) -> list[Order]:
        """Return orders that the batch takes, spread over its list."""

    def coupons(self, *, order_id: str, customer: str, batch_id: str, most: int) -> list[Coupon]:
        """Return coupons, newest first."""
