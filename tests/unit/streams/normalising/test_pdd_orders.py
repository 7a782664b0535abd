"""What Pinduoduo's orders and refunds mean where its answers differ in shape, units or counting."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, RejectionReason
from tests.unit.streams.normalising.builders import facts_of, rejection_of

CREATED = FactKind.ORDER_CREATED
PAID = FactKind.PAYMENT_SUCCEEDED
ASKED = FactKind.REFUND_REQUESTED
BACK = FactKind.REFUND_SUCCEEDED


def an_order(**fields: object) -> dict[str, object]:
    """One paid order of 1.10 yuan, as its detail answers."""
    order = {
        "order_sn": "260101-000000000000001",
        "created_time": "2026-01-01 08:00:00",
        "confirm_time": "2026-01-01 08:00:05",
        "pay_time": None,
        "updated_at": "2026-01-01 09:00:00",
        "confirm_status": 1,
        "group_status": 1,
        "order_status": 1,
        "refund_status": 1,
        "pay_amount": 1.1,
        "goods_amount": 5.1,
        "postage": 0,
        "step_order_info": None,
        **fields,
    }
    return {"order_info_get_response": {"order_info": order}}


def a_refund(**fields: object) -> dict[str, object]:
    """One refund in detail, as it is answered: without an envelope, 18.47 yuan in 分."""
    return {
        "id": 9007199254740993,
        "order_sn": "260101-000000000000001",
        "after_sales_status": 10,
        "after_sales_type": 2,
        "refund_amount": 1847,
        "updated_time": "2026-01-02 08:00:00",
        **fields,
    }


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        (0, [CREATED]),
        (1, [CREATED, FactKind.PAYMENT_STARTED, FactKind.NOTED]),
        (2, [CREATED, PAID, FactKind.STOCK_ALLOCATED]),
    ],
)
def test_a_deposit_is_not_the_payment(step: int, kinds: list[FactKind]) -> None:
    order = an_order(step_order_info={"step_trade_status": step, "step_paid_fee": 1.1})

    assert [fact.kind for fact in facts_of("pdd.orders", order)] == kinds


def test_freight_and_services_are_part_of_what_it_would_have_cost() -> None:
    order = an_order(
        postage="8.00",
        service_fee_detail=[{"service_fee": "2.50", "service_name": "sf_express_fee"}],
        delivery_home_value="",
        home_install_value="30",
    )

    created = facts_of("pdd.orders", order)[0]

    # 5.10 + 8.00 + 2.50 + 30.00
    assert created.list_amount == Money(4560, "CNY")
    assert created.amount == Money(110, "CNY")


def test_the_basic_list_tells_of_paid_orders_without_people() -> None:
    row = {
        "order_sn": "260101-000000000000001",
        "confirm_time": "2026-01-01 08:00:05",
        "order_status": 1,
        "refund_status": 1,
        "pay_amount": "1.10",
    }

    created, paid, _ = facts_of(
        "pdd.orders", {"order_basic_list_get_response": {"order_list": [row]}}
    )

    assert (paid.kind, paid.amount) == (PAID, Money(110, "CNY"))
    assert created.occurred_at == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)


def test_the_detail_of_a_refund_has_no_envelope_and_counts_in_cents() -> None:
    asked, back = facts_of("pdd.refund", a_refund())

    assert (asked.kind, back.kind) == (ASKED, BACK)
    assert asked.amount == back.amount == Money(1847, "CNY")
    assert asked.voucher == back.voucher == "9007199254740993"
    assert back.occurred_at == datetime(2026, 1, 2, tzinfo=UTC)


def test_three_is_an_exchange_in_the_detail_and_a_return_in_the_list() -> None:
    row = a_refund(after_sales_type=3, refund_amount="18.47", created_time="2026-01-01 10:00:00")

    assert facts_of("pdd.refund", a_refund(after_sales_type=3)) == ()
    listed = facts_of("pdd.refunds", {"refund_increment_get_response": {"refund_list": [row]}})
    assert [(fact.kind, fact.amount) for fact in listed] == [
        (ASKED, Money(1847, "CNY")),
        (BACK, Money(1847, "CNY")),
    ]


@pytest.mark.parametrize("amount", ["18.47", 18.47])
def test_yuan_in_a_detail_are_refused_not_read_as_cents(amount: object) -> None:
    rejection = rejection_of("pdd.refund", a_refund(refund_amount=amount))

    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_INVALID, "refund_amount")
