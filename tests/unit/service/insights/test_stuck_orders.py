"""Why an order is stuck, and who must act."""

import pytest

from service.domain.expectations import MOVERS
from service.domain.facts import Circumstance, FactKind
from service.domain.lifecycle import FINAL, State
from service.domain.overdue import MISSING, Evidence, OpenCase, Stuck, cause_of
from tests.unit.service.insights.fakes import NOON

KNOWN = {
    "ON_HOLD_ADDRESS": Evidence(
        State.AWAITING_OUTBOUND, hold_reasons=("RISK", "ADDRESS"), discrepancies=("X",)
    ),
    "DUPLICATE_CHARGE": Evidence(State.PAID, discrepancies=("DUPLICATE_CHARGE",), note="lost"),
    "OUT_OF_STOCK": Evidence(State.PAID, note="out_of_stock"),
    "MANUAL_PICKING": Evidence(
        State.AWAITING_OUTBOUND, circumstances=frozenset({Circumstance.MANUAL_PICKING})
    ),
    "PAYMENT_FAILED": Evidence(State.PAYING, kinds=frozenset({FactKind.PAYMENT_FAILED})),
    "OUTBOUND_NOT_APPROVED": Evidence(State.AWAITING_OUTBOUND),
    "PARCEL_NOT_SHIPPED": Evidence(State.AWAITING_OUTBOUND, is_outbound_approved=True),
    "PAYMENT_RESULT_MISSING": Evidence(State.PAYING),
}


@pytest.mark.parametrize("cause", KNOWN)
def test_the_cause_is_what_was_told_before_what_is_missing(cause: str) -> None:
    assert cause_of(KNOWN[cause]) == cause


@pytest.mark.parametrize("state", sorted(set(State) - FINAL, key=lambda each: each.value))
def test_every_state_that_can_be_stuck_has_a_cause_and_an_owner(state: State) -> None:
    stuck = Stuck("ord-1", NOON, Evidence(state, is_outbound_approved=True), None)

    assert stuck.cause == MISSING[state]
    assert stuck.owner_role == MOVERS[state]


def test_the_owner_of_an_open_case_must_act() -> None:
    case = OpenCase("case-1", "purchasing")

    assert Stuck("ord-1", NOON, Evidence(State.PAID), case).owner_role == "purchasing"
