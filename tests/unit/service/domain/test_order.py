"""The order as a value: what the facts prove is taken over, what operators set stays."""

from dataclasses import fields
from datetime import timedelta

from service.domain.lifecycle import State
from service.domain.order import Hold
from tests.builders import EVENING, NOON, a_truth, an_order, facts_to

PROVEN = {
    *("state", "state_since", "refund_state", "channel", "customer", "refs", "lines", "total"),
    *("list_total", "paid", "refunded", "placed_at", "outbound_approved", "discrepancies"),
    "updated_at",
}


def test_an_order_that_reflects_the_facts_keeps_everything_else() -> None:
    hold = Hold("hold-1", "risk", "ann", NOON)
    before = an_order(holds=(hold,), milestone="packed", sequence=7, chain_head=b"h" * 32)
    truth = a_truth(*facts_to(State.PAID))

    after = before.reflecting(truth, (), at=EVENING + timedelta(hours=1))

    for each in fields(before):
        kept = getattr(after, each.name) == getattr(before, each.name)
        assert kept or each.name in PROVEN, each.name
    assert (after.state, after.paid) == (truth.state, truth.paid)
    assert after.holds == (hold,)
