"""Purchase requests: what purchasing is asked to get because an order cannot be served."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique


@unique
class PurchaseState(Enum):
    """How far a purchase request is."""

    OPEN = "OPEN"
    ORDERED = "ORDERED"
    ARRIVED = "ARRIVED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """What is missing for one order, and when it should come."""

    purchase_id: str
    case_id: str
    order_id: str
    # (article, pieces) of each.
    lines: tuple[tuple[str, int], ...]
    requested_at: datetime
    actor: str
    state: PurchaseState = PurchaseState.OPEN
    expected_at: datetime | None = None
    closed_at: datetime | None = None

    def answered(
        self, state: PurchaseState, expected_at: datetime | None, *, at: datetime
    ) -> "PurchaseRequest":
        """Return the request as purchasing answers it; it may say so again, differently."""
        is_closed = state in {PurchaseState.ARRIVED, PurchaseState.DROPPED}
        return replace(
            self,
            state=state,
            expected_at=expected_at or self.expected_at,
            closed_at=at if is_closed else None,
        )
