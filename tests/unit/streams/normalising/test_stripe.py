"""What Stripe's events and objects mean."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import Circumstance, FactKind, Money, OrderRef, RejectionReason
from tests.unit.streams.normalising.builders import RECEIVED, fact_of, facts_of, rejection_of

BY_QUERY = (Circumstance.LEARNT_BY_QUERY,)
TOLD_AT = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
# Stripe spells it with one L, we with two.
CALLED_OFF = "cancelled".replace("ll", "l")
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def _intent(**fields: object) -> dict[str, object]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1099,
        "amount_capturable": 0,
        "amount_received": 1099,
        "created": int(MADE_AT.timestamp()),
        "currency": "usd",
        "metadata": {"order": "T-1"},
        "receipt_email": "abc@example.com",
        "status": "succeeded",
        **fields,
    }


def _refund(state: str = "succeeded", **fields: object) -> dict[str, object]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 300,
        "created": int(MADE_AT.timestamp()),
        "currency": "usd",
        "payment_intent": "pi_1",
        "metadata": {"order": "T-1", "refund": "R-1"},
        "status": state,
        **fields,
    }


def _event(kind: str, about: dict[str, object]) -> dict[str, object]:
    return {"type": kind, "created": int(TOLD_AT.timestamp()), "data": {"object": about}}


def test_an_event_of_success_is_what_was_received() -> None:
    about = _intent(amount=2000)

    fact = fact_of("stripe.event", _event("payment_intent.succeeded", about))

    assert (fact.kind, fact.ref) == (FactKind.PAYMENT_SUCCEEDED, OrderRef("merchant", "T-1"))
    assert (fact.amount, fact.voucher) == (Money(1099, "USD"), "pi_1")
    assert fact.occurred_at == TOLD_AT
    assert "example.com" not in repr(fact)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("payment_intent.processing", FactKind.PAYMENT_STARTED),
        ("payment_intent.requires_action", FactKind.NOTED),
        ("payment_intent.payment_failed", FactKind.PAYMENT_FAILED),
        (f"payment_intent.{CALLED_OFF}", FactKind.PAYMENT_CLOSED),
    ],
)
def test_each_event_is_what_it_proves(kind: str, expected: FactKind) -> None:
    fact = fact_of("stripe.event", _event(kind, _intent()))

    assert (fact.kind, fact.voucher, fact.amount) == (expected, "pi_1", None)


def test_money_that_waits_for_its_capture_is_reserved() -> None:
    about = _intent(amount_capturable=1099, amount_received=0, status="requires_capture")
    event = _event("payment_intent.amount_capturable_updated", about)

    for fact in (fact_of("stripe.event", event), fact_of("stripe.payment_intent.query", about)):
        assert fact.kind is FactKind.PAYMENT_AUTHORISED
        assert (fact.amount, fact.voucher) == (Money(1099, "USD"), "pi_1")


@pytest.mark.parametrize("kind", ["plan.created", "payment_intent.created", "charge.succeeded"])
def test_an_event_that_we_do_not_follow_means_nothing(kind: str) -> None:
    assert facts_of("stripe.event", _event(kind, {"id": "x"})) == ()


def test_a_payment_for_no_order_of_ours_is_refused() -> None:
    rejection = rejection_of(
        "stripe.event", _event("payment_intent.succeeded", _intent(metadata={}))
    )

    assert rejection.reason is RejectionReason.FIELD_MISSING
    assert rejection.field == "data.object.metadata.order"


@pytest.mark.parametrize(
    ("sent", "currency", "minor"),
    [(1099, "usd", 1099), (500, "jpy", 500), (500, "isk", 5), (5, "mga", 500), (1230, "kwd", 1230)],
)
def test_amounts_are_counted_by_stripes_own_digits(sent: int, currency: str, minor: int) -> None:
    paid = _intent(amount_received=sent, currency=currency)

    fact = fact_of("stripe.payment_intent.query", paid)

    assert fact.amount == Money(minor, currency.upper())


@pytest.mark.parametrize(
    ("state", "expected", "note"),
    [
        ("requires_payment_method", FactKind.NOTED, "not_paid"),
        ("requires_confirmation", FactKind.NOTED, "not_paid"),
        ("requires_action", FactKind.NOTED, "not_paid"),
        ("processing", FactKind.PAYMENT_STARTED, ""),
        ("succeeded", FactKind.PAYMENT_SUCCEEDED, ""),
        (CALLED_OFF, FactKind.PAYMENT_CLOSED, "trade_closed"),
    ],
)
def test_each_state_of_an_intent_is_what_it_proves(
    state: str, expected: FactKind, note: str
) -> None:
    fact = fact_of("stripe.payment_intent.query", _intent(status=state))

    assert (fact.kind, fact.note, fact.voucher) == (expected, note, "pi_1")
    assert (fact.occurred_at, fact.circumstances) == (RECEIVED, BY_QUERY)


def test_the_charge_says_when_the_money_came() -> None:
    paid = _intent(latest_charge={"id": "ch_1", "created": int(TOLD_AT.timestamp())})

    assert fact_of("stripe.payment_intent.query", paid).occurred_at == TOLD_AT


def test_an_intent_says_when_it_was_called_off() -> None:
    called_off = _intent(status=CALLED_OFF, canceled_at=int(TOLD_AT.timestamp()))

    assert fact_of("stripe.payment_intent.query", called_off).occurred_at == TOLD_AT


REFUNDS = [
    ("pending", FactKind.REFUND_REQUESTED),
    ("requires_action", FactKind.REFUND_REQUESTED),
    ("succeeded", FactKind.REFUND_SUCCEEDED),
    ("failed", FactKind.REFUND_FAILED),
    (CALLED_OFF, FactKind.REFUND_CLOSED),
]


@pytest.mark.parametrize(("state", "expected"), REFUNDS)
@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
def test_each_state_of_a_refund_is_what_it_proves(
    kind: str, state: str, expected: FactKind
) -> None:
    told = fact_of("stripe.event", _event(kind, _refund(state)))
    answered = fact_of("stripe.refund", _refund(state))
    asked = fact_of("stripe.refund.query", _refund(state))

    for fact in (told, answered, asked):
        assert (fact.kind, fact.amount) == (expected, Money(300, "USD"))
        assert (fact.voucher, fact.payment) == ("R-1", "pi_1")
    assert asked.fact_id == answered.fact_id
    assert (answered.circumstances, asked.circumstances) == ((), BY_QUERY)


def test_a_refund_that_is_on_its_way_was_made_when_it_says() -> None:
    told = fact_of("stripe.event", _event("refund.created", _refund("pending")))

    assert told.occurred_at == MADE_AT
    assert told.fact_id == fact_of("stripe.refund", _refund("pending")).fact_id


def test_a_refund_that_is_not_ours_keeps_its_own_number() -> None:
    assert fact_of("stripe.refund", _refund(metadata={"order": "T-1"})).voucher == "re_1"


def test_a_charge_tells_each_of_its_refunds() -> None:
    refunds = [
        _refund("succeeded", metadata={}),
        _refund("pending", id="re_2", amount=200, metadata={"refund": "R-2"}),
    ]
    charge = {"id": "ch_1", "metadata": {"order": "T-1"}, "refunds": {"data": refunds}}

    first, second = facts_of("stripe.event", _event("charge.refunded", charge))

    assert (first.kind, first.voucher, first.amount) == (
        FactKind.REFUND_SUCCEEDED,
        "re_1",
        Money(300, "USD"),
    )
    assert (second.kind, second.voucher) == (FactKind.REFUND_REQUESTED, "R-2")


def test_a_charge_without_its_refunds_does_not_say_how_much_went_back() -> None:
    charge = {
        "id": "ch_1",
        "payment_intent": "pi_1",
        "amount_refunded": 500,
        "metadata": {"order": "T-1"},
    }

    fact = fact_of("stripe.event", _event("charge.refunded", charge))

    assert (fact.kind, fact.amount) == (FactKind.REFUND_REQUESTED, None)
    assert (fact.note, fact.payment) == ("amount_unknown", "pi_1")


def test_an_error_for_an_answer_is_refused() -> None:
    error = {"error": {"code": "resource_missing"}}

    for template in ("stripe.payment_intent.query", "stripe.refund", "stripe.refund.query"):
        assert rejection_of(template, error).field == "error"
