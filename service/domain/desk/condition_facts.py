"""What conditions may look at of an order, as plain values by the names that they know."""

from collections.abc import Mapping
from typing import Any

from service.domain.lifecycle import State
from service.domain.money import Money, exponent
from service.domain.order import Order

_SHIPPED = frozenset({State.SHIPPING, State.DELIVERED, State.COMPLETED})


def order_facts(order: Order) -> Mapping[str, Any]:
    """Return an order as conditions see it."""
    return {
        "amount": _units(order.total),
        "paid": _units(order.paid),
        "refunded": _units(order.refunded),
        "currency": order.total.currency,
        "state": order.state.value,
        "refund_state": order.refund_state.value,
        "channel": order.channel,
        "milestone": order.milestone,
        "discrepancies": [each.value for each in order.discrepancies],
        "holds": [each.reason for each in order.holds],
        "skus": [each.sku for each in order.lines],
        "tags": list(order.tags),
        "is_paid": order.paid.minor >= order.total.minor > 0,
        "is_shipped": order.state in _SHIPPED,
        "placed_at": order.placed_at,
    }


def _units(money: Money) -> float:
    # Conditions only compare; what moves is minor units.
    units: float = money.minor / 10 ** exponent(money.currency)
    return units
