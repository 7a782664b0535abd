"""What Alipay's notices and answers mean."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.logic.normalising import Circumstance, Fact, FactKind, Money, OrderRef
from tests.unit.streams.normalising.builders import RECEIVED, a_form, fact_of, facts_of

BY_QUERY = (Circumstance.LEARNT_BY_QUERY,)
CREATED_AT = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
PAID_AT = CREATED_AT + timedelta(minutes=1)
REFUNDED_AT = datetime(2026, 1, 2, 0, 0, 0, 320_000, tzinfo=UTC)
CLOSED_AT = CREATED_AT + timedelta(minutes=15)

TRADE = {
    "charset": "utf-8",
    "out_trade_no": "T-1",
    "trade_no": "2026",
    "total_amount": "23.45",
    "gmt_create": "2026-01-01 08:00:00",
    "buyer_logon_id": "abc@example.com",
}
PAID = TRADE | {"trade_status": "TRADE_SUCCESS", "gmt_payment": "2026-01-01 08:01:00"}
REFUND = {"refund_fee": "3.00", "gmt_refund": "2026-01-02 08:00:00.320", "out_biz_no": "R-1"}


def _told(fields: dict[str, str]) -> list[tuple[FactKind, datetime, Money | None, str]]:
    facts = facts_of("alipay.notice", a_form(fields))
    assert {fact.ref for fact in facts} == {OrderRef("merchant", "T-1")}
    return [(fact.kind, fact.occurred_at, fact.amount, fact.voucher) for fact in facts]


PAYMENT = (FactKind.PAYMENT_SUCCEEDED, PAID_AT, Money(2345, "CNY"), "2026")


@pytest.mark.parametrize("state", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_a_trade_that_was_paid_is_its_total_at_its_time_in_beijing(state: str) -> None:
    assert _told(PAID | {"trade_status": state}) == [PAYMENT]


def test_a_trade_in_which_money_went_back_was_paid_and_refunded() -> None:
    assert _told(PAID | REFUND) == [
        PAYMENT,
        (FactKind.REFUND_SUCCEEDED, REFUNDED_AT, Money(300, "CNY"), "R-1"),
    ]


def test_a_refund_says_that_it_tells_the_sum_of_all_and_what_it_gives_back() -> None:
    _, refund = facts_of("alipay.notice", a_form(PAID | REFUND))

    assert (refund.note, refund.payment) == ("total_so_far", "2026")


def test_a_trade_that_waits_for_the_buyer_has_begun() -> None:
    assert _told(TRADE | {"trade_status": "WAIT_BUYER_PAY"}) == [
        (FactKind.PAYMENT_STARTED, CREATED_AT, None, "")
    ]


def test_a_trade_closed_unpaid_brings_no_money() -> None:
    closed = TRADE | {"trade_status": "TRADE_CLOSED", "gmt_close": "2026-01-01 08:15:00"}

    assert _told(closed) == [(FactKind.PAYMENT_CLOSED, CLOSED_AT, None, "2026")]


def test_a_trade_closed_by_a_full_refund_was_paid_and_given_back() -> None:
    closed = PAID | REFUND | {"trade_status": "TRADE_CLOSED", "refund_fee": "23.45"}
    given_back = (FactKind.REFUND_SUCCEEDED, REFUNDED_AT, Money(2345, "CNY"), "R-1")

    assert _told(closed) == [PAYMENT, given_back]
    del closed["gmt_payment"]
    # The notice does not say when it was paid: not before the trade was there.
    assert _told(closed) == [
        (FactKind.PAYMENT_SUCCEEDED, CREATED_AT, Money(2345, "CNY"), "2026"),
        given_back,
    ]


def test_a_trade_closed_after_payment_owes_what_it_does_not_name() -> None:
    paid, owed = facts_of("alipay.notice", a_form(PAID | {"trade_status": "TRADE_CLOSED"}))

    assert (paid.kind, paid.voucher) == (FactKind.PAYMENT_SUCCEEDED, "2026")
    assert (owed.kind, owed.amount, owed.note) == (
        FactKind.REFUND_REQUESTED,
        None,
        "amount_unknown",
    )


def test_a_notice_in_gbk_is_the_same() -> None:
    fields = PAID | {"charset": "GBK", "subject": "红米"}

    assert facts_of("alipay.notice", a_form(fields, "gbk")) == facts_of(
        "alipay.notice", a_form(PAID)
    )


def test_no_refund_fee_is_none_in_any_spelling() -> None:
    assert _told(PAID | {"refund_fee": ""}) == [PAYMENT]


def _asked(name: str, **fields: object) -> dict[str, object]:
    return {f"alipay_trade_{name}_response": {"code": "10000", **fields}, "sign": "AAAA"}


ANSWER = {
    "out_trade_no": "T-1",
    "trade_no": "2026",
    "total_amount": "23.45",
    "send_pay_date": "2026-01-01 08:01:00",
}


def _query(**fields: object) -> tuple[Fact, ...]:
    return facts_of("alipay.trade.query", _asked("query", **ANSWER | fields))


@pytest.mark.parametrize("state", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_a_query_finds_the_payment_that_a_notice_would_have_told(state: str) -> None:
    (fact,) = _query(trade_status=state)
    (noticed,) = facts_of("alipay.notice", a_form(PAID))

    assert (fact.fact_id, fact.circumstances) == (noticed.fact_id, BY_QUERY)


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"trade_status": "WAIT_BUYER_PAY"}, [FactKind.PAYMENT_STARTED]),
        ({"trade_status": "TRADE_CLOSED", "send_pay_date": None}, [FactKind.PAYMENT_CLOSED]),
        (
            {"trade_status": "TRADE_CLOSED"},
            [FactKind.PAYMENT_SUCCEEDED, FactKind.REFUND_REQUESTED],
        ),
        ({"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}, []),
        ({"code": "20000", "sub_code": "isp.unknow-error"}, []),
    ],
)
def test_an_answer_is_what_it_proves(fields: dict[str, object], kinds: list[FactKind]) -> None:
    assert [fact.kind for fact in _query(**fields)] == kinds


def test_an_answer_that_is_an_error_of_the_gateway_proves_nothing() -> None:
    error = {"error_response": {"code": "20000", "msg": "Service Currently Unavailable"}}

    for template in ("alipay.trade.query", "alipay.refund", "alipay.refund.query"):
        assert facts_of(template, error) == ()


def test_the_answer_to_a_refund_counts_no_money() -> None:
    answer = _asked("refund", **ANSWER, refund_fee="5.00", fund_change="Y")

    fact = fact_of("alipay.refund", answer)

    assert (fact.kind, fact.note, fact.payment) == (FactKind.NOTED, "refund_accepted", "2026")
    assert facts_of("alipay.refund", _asked("refund", code="40004")) == ()


REFUND_ANSWER = {
    "out_trade_no": "T-1",
    "trade_no": "2026",
    "out_request_no": "R-1",
    "refund_amount": "3.00",
    "total_amount": "23.45",
}


def _refund_query(**fields: object) -> dict[str, object]:
    return _asked("fastpay_refund_query", **REFUND_ANSWER | fields)


def test_a_refund_that_succeeded_is_its_own_amount_under_our_number() -> None:
    done = _refund_query(refund_status="REFUND_SUCCESS", gmt_refund_pay="2026-01-02 08:00:00.320")

    fact = fact_of("alipay.refund.query", done)

    assert (fact.kind, fact.amount) == (FactKind.REFUND_SUCCEEDED, Money(300, "CNY"))
    assert (fact.voucher, fact.payment, fact.occurred_at) == ("R-1", "2026", REFUNDED_AT)
    assert fact.circumstances == BY_QUERY


def test_a_refund_without_a_time_held_when_it_was_asked_for() -> None:
    fact = fact_of("alipay.refund.query", _refund_query(refund_status="REFUND_SUCCESS"))

    assert fact.occurred_at == RECEIVED


@pytest.mark.parametrize("fields", [{}, {"refund_status": ""}, {"refund_status": "REFUND_FAIL"}])
def test_a_refund_of_any_other_state_did_not_succeed(fields: dict[str, str]) -> None:
    fact = fact_of("alipay.refund.query", _refund_query(**fields))

    assert (fact.kind, fact.note, fact.voucher) == (FactKind.NOTED, "not_refunded", "R-1")


def test_a_refund_on_its_way_was_asked_for() -> None:
    fact = fact_of("alipay.refund.query", _refund_query(refund_status="REFUND_PROCESSING"))

    assert (fact.kind, fact.voucher) == (FactKind.REFUND_REQUESTED, "R-1")


def test_a_refund_that_is_not_there_means_nothing() -> None:
    assert facts_of("alipay.refund.query", _asked("fastpay_refund_query")) == ()


def test_the_buyer_does_not_reach_a_fact() -> None:
    assert "example.com" not in repr(facts_of("alipay.notice", a_form(PAID | REFUND)))
