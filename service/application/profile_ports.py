"""What telling profiles needs within a transaction, as a Protocol of plain values."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from service.domain.customers.profiles import Bought

if TYPE_CHECKING:
    from service.application.ports import Message


@dataclass(frozen=True, slots=True)
class CountedOrder:
    """An order as it was told last, and as it counts now; None where it does not."""

    order_id: str
    told: Bought | None
    bought: Bought | None
    placed_at: datetime
    # Codes of the coupons that were used on it.
    coupons: tuple[str, ...] = ()


class ProfilePart(Protocol):
    """The part of a transaction that tells profiles. One at a time, behind a lock of its own."""

    def queue_profiles(self, order_ids: Sequence[str]) -> None:
        """Let it be looked at whether these orders count otherwise; waits for nobody."""

    def lock_profiles(self) -> bool:
        """Let nobody else tell profiles until the transaction is over; tell whether we may."""

    def queued_profiles(self, *, most: int) -> dict[int, str]:
        """Return places in the queue with their orders, longest waiting first."""

    def unqueue_profiles(self, places: Collection[int]) -> None:
        """Take places off the queue."""

    def counted_orders(self, order_ids: Sequence[str]) -> list[CountedOrder]:
        """Return those of these orders of which it is known whose they are."""

    def keep_told(self, counted: Sequence[CountedOrder]) -> None:
        """Write down what is told of orders by now, and the coupons that were used on them."""

    def keep_profile_events(self, messages: "Sequence[Message]") -> None:
        """Keep what was published of profiles, so that it can be published again."""
