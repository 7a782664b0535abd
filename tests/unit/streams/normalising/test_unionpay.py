"""What UnionPay's notices and answers mean. A query that worked is not a payment."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import Circumstance, FactKind, Money, OrderRef, RejectionReason
from tests.unit.streams.normalising.builders import (
    a_form,
    as_pairs,
    fact_of,
    facts_of,
    rejection_of,
)

AT = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
TRADE = {
    "encoding": "UTF-8",
    "txnType": "01",
    "orderId": "T20260101",
    "txnTime": "20260101073000",
    "traceTime": "0101073000",
    "txnAmt": "2345",
    "currencyCode": "156",
    "queryId": "7822",
    "respCode": "00",
}
REFUND = TRADE | {
    "txnType": "04",
    "orderId": "R20260102",
    "reqReserved": "T20260101",
    "origQryId": "7822",
    "queryId": "7833",
}


def test_a_notice_of_success_is_the_amount_at_the_trades_own_time() -> None:
    fact = fact_of("unionpay.notice", a_form(TRADE))

    assert (fact.kind, fact.ref) == (FactKind.PAYMENT_SUCCEEDED, OrderRef("merchant", "T20260101"))
    assert (fact.amount, fact.voucher, fact.occurred_at) == (Money(2345, "CNY"), "7822", AT)


def test_a_query_finds_the_payment_that_a_notice_would_have_told() -> None:
    fact = fact_of("unionpay.query", as_pairs(TRADE | {"origRespCode": "00"}))

    assert fact.fact_id == fact_of("unionpay.notice", a_form(TRADE)).fact_id
    assert fact.circumstances == (Circumstance.LEARNT_BY_QUERY,)


STATES = [
    ("03", [FactKind.PAYMENT_STARTED]),
    ("04", [FactKind.PAYMENT_STARTED]),
    ("05", [FactKind.PAYMENT_STARTED]),
    ("A6", [FactKind.PAYMENT_STARTED, FactKind.NOTED]),
    ("01", [FactKind.PAYMENT_FAILED]),
    ("61", [FactKind.PAYMENT_FAILED]),
]


@pytest.mark.parametrize(("code", "kinds"), STATES)
def test_every_other_code_is_no_money(code: str, kinds: list[FactKind]) -> None:
    noticed = facts_of("unionpay.notice", a_form(TRADE | {"respCode": code}))
    asked = facts_of("unionpay.query", as_pairs(TRADE | {"origRespCode": code}))

    assert [fact.kind for fact in noticed] == [fact.kind for fact in asked] == kinds


def test_a_trade_on_its_way_carries_the_time_that_it_can_be_asked_for_by() -> None:
    fact = fact_of("unionpay.query", as_pairs(TRADE | {"origRespCode": "05"}))

    assert fact.voucher == "20260101073000"


@pytest.mark.parametrize("code", ["34", "10", "98", "06"])
def test_a_query_that_did_not_work_proves_nothing(code: str) -> None:
    answer = TRADE | {"respCode": code, "origRespCode": "00"}

    assert facts_of("unionpay.query", as_pairs(answer)) == ()


def test_a_query_that_worked_and_says_nothing_of_the_trade_is_refused() -> None:
    rejection = rejection_of("unionpay.query", as_pairs(TRADE))

    assert (rejection.reason, rejection.field) == (RejectionReason.FIELD_MISSING, "origRespCode")


@pytest.mark.parametrize("kind", ["02", "31", "00"])
def test_a_trade_of_a_kind_that_we_do_not_follow_means_nothing(kind: str) -> None:
    assert facts_of("unionpay.notice", a_form(TRADE | {"txnType": kind})) == ()
    answer = TRADE | {"txnType": kind, "origRespCode": "00"}
    assert facts_of("unionpay.query", as_pairs(answer)) == ()


@pytest.mark.parametrize("own", ["reqReserved", "origOrderId"])
def test_a_refund_is_told_under_our_number_for_the_payment_that_it_gives_back(own: str) -> None:
    notice = {key: value for key, value in REFUND.items() if key != "reqReserved"}

    fact = fact_of("unionpay.notice", a_form(notice | {own: "T20260101"}))

    assert (fact.kind, fact.ref) == (FactKind.REFUND_SUCCEEDED, OrderRef("merchant", "T20260101"))
    assert (fact.voucher, fact.payment, fact.amount) == ("R20260102", "7822", Money(2345, "CNY"))


def test_a_refund_that_names_no_order_of_ours_is_refused() -> None:
    notice = {key: value for key, value in REFUND.items() if key != "reqReserved"}

    assert rejection_of("unionpay.notice", a_form(notice)).field == "origOrderId"


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("00", [FactKind.REFUND_SUCCEEDED]),
        ("03", [FactKind.REFUND_REQUESTED]),
        ("04", [FactKind.REFUND_REQUESTED]),
        ("05", [FactKind.REFUND_REQUESTED]),
        ("A6", [FactKind.REFUND_REQUESTED, FactKind.NOTED]),
        ("61", [FactKind.REFUND_FAILED]),
    ],
)
def test_each_code_of_a_refund_is_what_it_proves(code: str, kinds: list[FactKind]) -> None:
    noticed = facts_of("unionpay.notice", a_form(REFUND | {"respCode": code}))
    asked = facts_of("unionpay.query", as_pairs(REFUND | {"origRespCode": code}))

    assert [fact.kind for fact in noticed] == [fact.kind for fact in asked] == kinds
    assert [fact.fact_id for fact in noticed] == [fact.fact_id for fact in asked]


def test_a_refund_that_was_accepted_was_asked_for_and_has_not_gone_back() -> None:
    fact = fact_of("unionpay.refund", as_pairs(REFUND))

    assert (fact.kind, fact.voucher) == (FactKind.REFUND_REQUESTED, "R20260102")
    assert (fact.payment, fact.occurred_at) == ("7822", AT)


@pytest.mark.parametrize("code", ["03", "12", "61"])
def test_a_refund_that_was_not_accepted_proves_nothing(code: str) -> None:
    assert facts_of("unionpay.refund", as_pairs(REFUND | {"respCode": code})) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("currencyCode", "157"), ("txnAmt", "23.45"), ("txnTime", "2026010107300"), ("queryId", "")],
)
def test_a_payment_that_cannot_be_read_whole_is_refused(field: str, value: str) -> None:
    assert rejection_of("unionpay.notice", a_form(TRADE | {field: value})).field == field
