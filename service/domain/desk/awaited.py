"""What workflows wait for, and whether it has come."""

from typing import Final

from service.domain.desk.workflows import Awaited
from service.domain.lifecycle import ROAD, State
from service.domain.truth import Truth

# An order has its stock from here on.
ALLOCATED: Final = frozenset(ROAD[ROAD.index(State.AWAITING_OUTBOUND) :])

_DELIVERED: Final = frozenset({State.DELIVERED, State.COMPLETED})


def come(truth: Truth) -> frozenset[Awaited]:
    """Return what an order has of all that can be waited for; purchases are beyond it."""
    asked_back = truth.refund_requested.minor
    found = {
        Awaited.STOCK: truth.state in ALLOCATED,
        # A payment with a number: that a channel calls the order paid may be what is in doubt.
        Awaited.PAYMENT: truth.is_paid and 0 < truth.total.minor <= truth.proven.minor,
        # All that was asked back, not only some of it.
        Awaited.REFUND: truth.refunded.minor > 0 and truth.refunded.minor >= asked_back,
        Awaited.DELIVERY: truth.state in _DELIVERED,
        Awaited.CANCELLATION: truth.state is State.CANCELLED,
    }
    return frozenset(each for each, has_come in found.items() if has_come)
