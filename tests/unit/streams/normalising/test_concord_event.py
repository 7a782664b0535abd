"""What Concord's own JSON means."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import Circumstance, FactKind, Money, OrderLine, OrderRef
from tests.unit.streams.normalising.builders import an_event, fact_of, facts_of, rejection_of

TYPES = {
    "order.created": FactKind.ORDER_CREATED,
    "payment.started": FactKind.PAYMENT_STARTED,
    "payment.succeeded": FactKind.PAYMENT_SUCCEEDED,
    "payment.failed": FactKind.PAYMENT_FAILED,
    "stock.allocated": FactKind.STOCK_ALLOCATED,
    "outbound.approved": FactKind.OUTBOUND_APPROVED,
    "parcel.shipped": FactKind.PARCEL_SHIPPED,
    "parcel.delivered": FactKind.PARCEL_DELIVERED,
    "order.completed": FactKind.ORDER_COMPLETED,
    "order.cancelled": FactKind.ORDER_CANCELLED,
    "refund.requested": FactKind.REFUND_REQUESTED,
    "refund.succeeded": FactKind.REFUND_SUCCEEDED,
    "noted": FactKind.NOTED,
    "payment.closed": FactKind.PAYMENT_CLOSED,
    "payment.authorised": FactKind.PAYMENT_AUTHORISED,
    "refund.closed": FactKind.REFUND_CLOSED,
    "refund.failed": FactKind.REFUND_FAILED,
    "order.reinstated": FactKind.ORDER_REINSTATED,
}


def test_every_kind_of_fact_has_a_type() -> None:
    assert set(TYPES.values()) == set(FactKind)


@pytest.mark.parametrize(("written", "kind"), TYPES.items())
def test_each_type_is_one_fact_with_all_that_it_carries(written: str, kind: FactKind) -> None:
    event = an_event(type=written, note="a_word", circumstances=["network_retry"])

    fact = fact_of("concord.event", event)

    assert fact.kind is kind
    assert fact.ref == OrderRef("douyin", "4705288465508532862")
    assert (fact.source, fact.channel, fact.voucher) == ("wechatpay", "douyin", "42000001")
    assert fact.occurred_at == datetime(2026, 11, 22, 8, 0, 0, 123_456, tzinfo=UTC)
    assert (fact.amount, fact.note) == (Money(1234, "CNY"), "a_word")
    assert fact.circumstances == (Circumstance.NETWORK_RETRY,)


def test_a_creation_carries_price_customer_lines_and_further_names() -> None:
    event = an_event(
        type="order.created",
        list_amount={"currency": "CNY", "value": "99.00"},
        customer="c-123",
        lines=[
            {"sku": "a", "quantity": 2, "unit_price": {"currency": "CNY", "value": "6.17"}},
            {"sku": "b", "quantity": 1},
        ],
        more_refs=[{"namespace": "merchant", "value": "T-1"}],
    )

    fact = fact_of("concord.event", event)

    assert fact.list_amount == Money(9900, "CNY")
    assert fact.customer == "c-123"
    assert fact.lines == (OrderLine("a", 2, Money(617, "CNY")), OrderLine("b", 1))
    assert fact.more_refs == (OrderRef("merchant", "T-1"),)


def test_a_shop_says_who_moves_the_money_and_where() -> None:
    told = {"provider": "unionpay", "account": "union-main", "payment": "4200"}

    fact = fact_of("concord.event", an_event(type="payment.started", **told))

    assert (fact.provider, fact.account, fact.payment) == ("unionpay", "union-main", "4200")
    assert fact.fact_id == fact_of("concord.event", an_event(type="payment.started")).fact_id


def test_the_account_is_that_of_the_receipt_unless_the_event_names_one() -> None:
    assert fact_of("concord.event", an_event(), account="shop-main").account == "shop-main"
    named = an_event(account="union-main")
    assert fact_of("concord.event", named, account="shop-main").account == "union-main"


@pytest.mark.parametrize(
    ("field", "value"),
    [("provider", "Union Pay"), ("account", "Main"), ("account", "a" * 41), ("payment", 1.5)],
)
def test_where_the_money_is_must_be_named_as_we_name_it(field: str, value: object) -> None:
    assert rejection_of("concord.event", an_event(**{field: value})).field == field


def test_what_the_event_leaves_out_comes_from_the_receipt() -> None:
    event = an_event()
    del event["source"], event["channel"], event["voucher"], event["id"]

    fact = fact_of("concord.event", event, source="warehouse", channel="jd")

    assert (fact.source, fact.channel, fact.voucher) == ("warehouse", "jd", "")


def test_a_body_may_hold_several_events() -> None:
    events = [an_event(type=each) for each in TYPES]

    facts = facts_of("concord.event", {"events": events})

    assert [fact.kind for fact in facts] == list(TYPES.values())


def test_a_body_of_no_events_means_nothing() -> None:
    assert facts_of("concord.event", {"events": []}) == ()
