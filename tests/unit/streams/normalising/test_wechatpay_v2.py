"""What the XML of WeChat Pay's version 2 means."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, OrderRef, RejectionReason
from tests.unit.streams.normalising.builders import (
    RECEIVED,
    as_xml,
    fact_of,
    facts_of,
    rejection_of,
)

TRANSACTION = "wechatpay.v2.transaction"
REFUND = "wechatpay.v2.refund"
PAID = {
    "return_code": "SUCCESS",
    "result_code": "SUCCESS",
    "out_trade_no": "T-1",
    "transaction_id": "4200",
    "total_fee": "2345",
    "cash_fee": "2000",
    "coupon_fee_0": "345",
    "time_end": "20260101073000",
}
REFUNDED = {
    "out_trade_no": "T-1",
    "transaction_id": "4200",
    "out_refund_no": "R-1",
    "refund_fee": "300",
    "settlement_refund_fee": "250",
    "refund_status": "SUCCESS",
    "success_time": "2026-01-01 07:30:00",
}
AT = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)


def test_a_notice_is_the_total_at_its_time_in_beijing() -> None:
    fact = fact_of(TRANSACTION, as_xml(PAID))

    assert (fact.kind, fact.ref) == (FactKind.PAYMENT_SUCCEEDED, OrderRef("merchant", "T-1"))
    assert (fact.amount, fact.voucher) == (Money(2345, "CNY"), "4200")
    assert (fact.occurred_at, fact.source) == (AT, "wechatpay")


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"trade_state": "SUCCESS"}, [FactKind.PAYMENT_SUCCEEDED]),
        ({"trade_state": "REFUND"}, [FactKind.PAYMENT_SUCCEEDED, FactKind.REFUND_REQUESTED]),
        ({"trade_state": "NOTPAY"}, [FactKind.NOTED]),
        ({"trade_state": "USERPAYING"}, [FactKind.PAYMENT_STARTED]),
        ({"trade_state": "ACCEPT"}, [FactKind.PAYMENT_STARTED]),
        ({"trade_state": "PAYERROR"}, [FactKind.PAYMENT_FAILED]),
        ({"trade_state": "CLOSED"}, [FactKind.PAYMENT_CLOSED]),
        ({"trade_state": "REVOKED"}, [FactKind.PAYMENT_CLOSED]),
        ({"result_code": "FAIL"}, [FactKind.PAYMENT_FAILED]),
        ({"return_code": "FAIL"}, []),
    ],
)
def test_each_state_is_what_it_proves(fields: dict[str, str], kinds: list[FactKind]) -> None:
    assert [fact.kind for fact in facts_of(TRANSACTION, as_xml(PAID | fields))] == kinds


def test_a_trade_that_was_closed_names_itself_and_no_money() -> None:
    fact = fact_of(TRANSACTION, as_xml(PAID | {"trade_state": "CLOSED"}))

    assert (fact.voucher, fact.amount, fact.occurred_at) == ("4200", None, RECEIVED)


def test_an_unknown_state_is_refused() -> None:
    rejection = rejection_of(TRANSACTION, as_xml(PAID | {"trade_state": "PAID"}))

    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_INVALID, "trade_state")


def test_a_refund_is_our_number_and_what_was_asked_for() -> None:
    fact = fact_of(REFUND, as_xml(REFUNDED, "root"))

    assert (fact.kind, fact.amount) == (FactKind.REFUND_SUCCEEDED, Money(300, "CNY"))
    assert (fact.voucher, fact.payment, fact.occurred_at) == ("R-1", "4200", AT)


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        ("PROCESSING", [FactKind.REFUND_REQUESTED]),
        ("CHANGE", [FactKind.REFUND_REQUESTED, FactKind.REFUND_FAILED]),
        ("REFUNDCLOSE", [FactKind.REFUND_CLOSED]),
    ],
)
def test_each_state_of_a_refund_is_what_it_proves(state: str, kinds: list[FactKind]) -> None:
    facts = facts_of(REFUND, as_xml(REFUNDED | {"refund_status": state}, "root"))

    assert [fact.kind for fact in facts] == kinds
    assert {fact.voucher for fact in facts} == {"R-1"}


def test_a_sealed_refund_notice_is_refused_with_the_remedy() -> None:
    rejection = rejection_of(REFUND, as_xml({"return_code": "SUCCESS", "req_info": "AAAA"}))

    assert rejection.field == "req_info"
