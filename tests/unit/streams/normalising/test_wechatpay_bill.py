"""What rows of WeChat Pay's bill mean: payments as their notices tell them, refunds by number."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import Circumstance, Fact, FactKind, Money, OrderRef
from tests.unit.streams.normalising.builders import a_transaction, fact_of, facts_of, rejection_of

BILL = "wechatpay.bill.file"


def a_row(state: str = "SUCCESS", **also: str) -> dict[str, str]:
    return {
        "交易时间": "2026-01-01 07:30:00",
        "商户号": "1900000001",
        "微信订单号": "42000002",
        "商户订单号": "T-1",
        "交易状态": state,
        "货币种类": "CNY",
        "应结订单金额": "20.00",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "退款状态": "",
        "订单金额": "23.45",
        "申请退款金额": "0.00",
        **also,
    }


def a_refund(state: str = "SUCCESS", **also: str) -> dict[str, str]:
    sums = {"订单金额": "0.00", "申请退款金额": "10.00", "退款金额": "8.00"}
    told = {"商户退款单号": "R-1", "微信退款单号": "50000001", "退款状态": state}
    return a_row("REFUND", **{"交易时间": "2026-01-01 23:59:59"} | sums | told | also)


def of(*rows: dict[str, str]) -> tuple[Fact, ...]:
    return facts_of(BILL, {"day": "2026-01-01", "rows": list(rows)})


def test_a_payment_is_the_very_fact_that_its_notice_tells() -> None:
    (paid,) = of(a_row())

    assert paid.kind is FactKind.PAYMENT_SUCCEEDED
    assert paid.ref == OrderRef("merchant", "T-1")
    assert (paid.voucher, paid.amount) == ("42000002", Money(2345, "CNY"))
    assert paid.occurred_at == datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    assert Circumstance.LEARNT_BY_FILE in paid.circumstances
    # Sold somewhere else: the provider is no channel.
    assert (paid.source, paid.channel) == ("wechatpay", "")
    assert paid.fact_id == fact_of("wechatpay.v3.transaction", a_transaction()).fact_id


def test_a_payment_and_its_refund_of_one_day_are_two_facts() -> None:
    paid, back = of(a_row(), a_refund())

    assert (paid.kind, back.kind) == (FactKind.PAYMENT_SUCCEEDED, FactKind.REFUND_SUCCEEDED)
    # What was asked back counts, not what was left of it after coupons.
    assert (back.voucher, back.payment, back.amount) == ("R-1", "42000002", Money(1000, "CNY"))
    assert back.occurred_at == datetime(2026, 1, 1, 15, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        ("PROCESSING", ["REFUND_REQUESTED"]),
        ("CHANGE", ["REFUND_REQUESTED", "REFUND_FAILED"]),
        ("FAIL", ["REFUND_REQUESTED", "REFUND_FAILED"]),
    ],
)
def test_a_refund_that_has_not_arrived_is_not_said_to_have(state: str, kinds: list[str]) -> None:
    assert [each.kind.value for each in of(a_refund(state))] == kinds


def test_a_bill_of_refunds_says_when_each_arrived() -> None:
    (back,) = of(a_refund(退款申请时间="2026-01-02 00:00:01", 退款成功时间="2026-01-02 00:00:09"))

    assert back.occurred_at == datetime(2026, 1, 1, 16, 0, 9, tzinfo=UTC)


@pytest.mark.parametrize("row", [a_row("REVOKED"), a_refund("SOMEHOW")])
def test_what_is_not_known_to_mean_something_refuses_its_row(row: dict[str, str]) -> None:
    rejection = rejection_of(BILL, {"day": "2026-01-01", "rows": [row]})

    assert rejection.reason.value == "FIELD_INVALID"
