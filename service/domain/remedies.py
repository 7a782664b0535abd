"""What is done by itself about money that should not have come, where the terms say so.

A reinstatement is a fact that follows from others: its id and time are those of the payment
behind it, so the same facts bring it in whatever order they arrive. A refund is no fact before
a provider took it; it is asked for as an inquiry (`inquiries.py`).
"""

import uuid
from collections.abc import Sequence
from typing import Final

from service.domain.fact_sets import of_kind
from service.domain.facts import Fact, FactKind
from service.domain.naming import named
from service.domain.terms import Remedy, Terms

REINSTATEMENT_NAMESPACE: Final = uuid.UUID("0f4c8f0a-7d43-5c4b-8f5e-3c0a54f1d7e6")


def reinstatements(facts: Sequence[Fact], terms: Terms) -> tuple[Fact, ...]:
    """Return the reinstatements that follow from payments after a cancel and are not there yet."""
    if terms.paid_after_cancel is not Remedy.REINSTATE:
        return ()
    known = {each.fact_id for each in facts}
    cancels = of_kind(facts, FactKind.ORDER_CANCELLED)
    derived = (
        _reinstated_by(payment)
        for payment in of_kind(facts, FactKind.PAYMENT_SUCCEEDED)
        if any(payment.occurred_at > each.occurred_at for each in cancels)
    )
    return tuple(each for each in derived if each.fact_id not in known)


def _reinstated_by(payment: Fact) -> Fact:
    return Fact(
        fact_id=f"rei-{named(REINSTATEMENT_NAMESPACE, payment.fact_id)}",
        kind=FactKind.ORDER_REINSTATED,
        ref=payment.ref,
        source="system",
        occurred_at=payment.occurred_at,
        recorded_at=payment.recorded_at,
        channel=payment.channel,
        voucher=payment.voucher,
        note="paid_after_cancel",
        traceparent=payment.traceparent,
    )
