"""Amazon's own examples become the facts that its tables say.

A snapshot is the creation at its purchase, and the facts of its state at its last update. The
static sandbox holds pairs of request and answer; what arrives is the answer.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.logic.normalising import (
    Fact,
    FactKind,
    Money,
    OrderLine,
    OrderRef,
    RejectionReason,
)
from tests.contract.samples.conformance import Sandbox, facts_of, reading_of, utc

Sample = Callable[[str], bytes]


def _fact(kind: FactKind, order: str, at: str, **fields: object) -> Fact:
    return Fact(  # type: ignore[arg-type]  # a builder
        fact_id="",
        kind=kind,
        ref=OrderRef("amazon", order),
        source="amazon",
        channel="amazon",
        occurred_at=utc(at),
        **fields,
    )


def _keyless(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The facts with their customer keys checked and taken out: they depend on a secret."""
    for fact in facts:
        assert not fact.customer or (fact.customer.startswith("c-") and len(fact.customer) == 34)
    return tuple(replace(fact, customer="", identities=()) for fact in facts)


PENDING = (
    _fact(FactKind.ORDER_CREATED, "902-3159896-1390916", "2017-01-20 19:49:35"),
    _fact(FactKind.PAYMENT_STARTED, "902-3159896-1390916", "2017-01-20 19:49:35"),
)

UNSHIPPED = tuple(
    fact
    for order in ("902-1845936-5435065", "902-8745147-1934268")
    for fact in (
        _fact(
            FactKind.ORDER_CREATED,
            order,
            "1970-01-19 03:58:30",
            amount=Money(1101, "USD"),
        ),
        _fact(
            FactKind.PAYMENT_SUCCEEDED,
            order,
            "1970-01-19 03:58:32",
            amount=Money(1101, "USD"),
        ),
        _fact(FactKind.STOCK_ALLOCATED, order, "1970-01-19 03:58:32"),
    )
)


def test_a_pending_order_exists_and_is_being_paid(sample: Sample) -> None:
    body = sample("amazon/v0_getOrders_200.json")

    facts = facts_of("amazon.orders.v0", body)

    assert _keyless(facts) == PENDING
    assert facts[0].customer
    for person in ("user@example.com", "John Doe", "Cross St", "48817"):
        assert person not in repr(facts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v0_getOrders_200_sandbox0.json", UNSHIPPED),
        ("v0_getOrders_200_sandbox1.json", PENDING),
        ("v0_getOrders_200_sandbox2.json", PENDING),
    ],
)
def test_the_sandbox_orders_are_what_their_states_prove(
    sample: Sample, name: str, expected: tuple[Fact, ...]
) -> None:
    answer = Sandbox(sample(f"amazon/{name}")).answer

    assert facts_of("amazon.orders.v0", answer) == expected


def test_two_pages_that_show_the_same_order_tell_the_same_facts(sample: Sample) -> None:
    first, second = (
        reading_of("amazon.orders.v0", Sandbox(sample(f"amazon/{name}")).answer).facts
        for name in ("v0_getOrders_200_sandbox1.json", "v0_getOrders_200_sandbox2.json")
    )

    assert first == second


def test_an_error_for_an_answer_is_refused(sample: Sample) -> None:
    answer = Sandbox(sample("amazon/v0_getOrders_400_sandbox.json")).answer

    rejection = reading_of("amazon.orders.v0", answer).rejection

    assert rejection is not None
    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_INVALID, "errors")


def test_items_without_their_order_are_refused(sample: Sample) -> None:
    reading = reading_of("amazon.orders.v0", sample("amazon/v0_getOrderItems_200.json"))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_MISSING


def test_an_order_of_2026_is_its_creation_payment_and_package(sample: Sample) -> None:
    order = "123-4567890-1234567"

    facts = facts_of("amazon.orders.v2026", sample("amazon/v2026_searchOrders_200.json"))

    assert facts[0].customer
    assert _keyless(facts) == (
        _fact(
            FactKind.ORDER_CREATED,
            order,
            "2024-12-25 10:30:00",
            amount=Money(15499, "USD"),
            more_refs=(OrderRef("merchant", "SELLER-ORDER-2024-001"),),
            lines=(
                OrderLine("ECHO-DOT-4-CHARCOAL", 2, Money(4999, "USD")),
                OrderLine("FIRE-TV-4K-2021", 1, Money(4999, "USD")),
            ),
        ),
        _fact(
            FactKind.PAYMENT_SUCCEEDED,
            order,
            "2024-12-25 14:45:00",
            amount=Money(15499, "USD"),
        ),
        _fact(FactKind.PARCEL_SHIPPED, order, "2024-12-25 14:00:00", voucher="1Z999AA1234567890"),
        # The package does not say when it arrived: by the order's last update it had.
        _fact(FactKind.PARCEL_DELIVERED, order, "2024-12-25 14:45:00", voucher="1Z999AA1234567890"),
    )
    for person in ("John Smith", "buyer-email", "Main Street", "555-123", "Smith Industries"):
        assert person not in repr(facts)


def test_a_change_happened_when_its_trigger_says(sample: Sample) -> None:
    order, changed = "903-8868176-2219830", "2022-11-29 19:42:04.284"

    facts = facts_of("amazon.order_change", sample("amazon/notification_ORDER_CHANGE.json"))

    assert facts == (
        _fact(
            FactKind.ORDER_CREATED,
            order,
            "2022-07-13 19:42:04.284",
            lines=(OrderLine("SellerSKUID1", 10),),
        ),
        _fact(FactKind.PAYMENT_SUCCEEDED, order, changed),
        _fact(FactKind.STOCK_ALLOCATED, order, changed),
        _fact(FactKind.NOTED, order, changed, note="buyer_requested_change"),
    )
