"""Confirms payments as fast as they are answered: the transition by which services are compared."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

from benchmarks import told
from benchmarks.serving import Serving
from benchmarks.spending import Spending

AT_ONCE: Final = 64
WITHIN_S: Final = 120.0


def confirm(
    world: Serving, address: str, prefix: str, count: int, spending: Spending | None = None
) -> float:
    """Make orders, confirm the payment of each at this address, and return how many a second."""
    orders = world.orders_about_to_be_paid(prefix, count)
    requests = [told.confirmation(each) for each in orders]
    with spending.counted() if spending else nullcontext():
        answered = world.caller.call(
            address, told.CONFIRM, requests, at_once=AT_ONCE, within_s=WITHIN_S
        )
    if answered.refuse_failures().count != count:
        raise RuntimeError(f"{answered.count} of {count} confirmed within {WITHIN_S:.0f} s")
    return answered.rate
