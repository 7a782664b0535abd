"""What WeChat Pay's states mean."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import Circumstance, FactKind, Money, OrderRef
from tests.unit.streams.normalising.builders import RECEIVED, a_transaction, fact_of, facts_of

TRANSACTION = "wechatpay.v3.transaction"
REFUND = "wechatpay.v3.refund"
PAID_AT = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)


def _refund(**fields: object) -> dict[str, object]:
    return {
        "out_trade_no": "T-1",
        "out_refund_no": "R-1",
        "refund_id": "50000001",
        "success_time": "2026-01-01T07:30:00+08:00",
        "amount": {"refund": 300, "payer_refund": 250, "total": 2345},
        **fields,
    }


def test_a_paid_transaction_is_the_total_under_its_number_at_its_time() -> None:
    fact = fact_of(TRANSACTION, a_transaction())

    assert fact.kind is FactKind.PAYMENT_SUCCEEDED
    assert fact.ref == OrderRef("merchant", "T-1")
    assert fact.amount == Money(2345, "CNY")
    assert fact.voucher == "42000002"
    assert fact.occurred_at == PAID_AT
    assert (fact.source, fact.channel) == ("wechatpay", "")


@pytest.mark.parametrize(
    ("state", "kind", "note"),
    [
        ("NOTPAY", FactKind.NOTED, "not_paid"),
        ("USERPAYING", FactKind.PAYMENT_STARTED, ""),
        ("ACCEPT", FactKind.PAYMENT_STARTED, ""),
        ("PAYERROR", FactKind.PAYMENT_FAILED, ""),
        ("CLOSED", FactKind.PAYMENT_CLOSED, "trade_closed"),
        ("REVOKED", FactKind.PAYMENT_CLOSED, "trade_revoked"),
    ],
)
def test_a_state_without_a_time_of_its_own_held_when_it_was_received(
    state: str, kind: FactKind, note: str
) -> None:
    fact = fact_of(TRANSACTION, {"out_trade_no": "T-1", "trade_state": state})

    assert (fact.kind, fact.note, fact.occurred_at) == (kind, note, RECEIVED)
    assert fact.amount is None


def test_a_refunded_transaction_was_paid_and_does_not_say_how_much_went_back() -> None:
    paid, refund = facts_of(TRANSACTION, a_transaction(trade_state="REFUND"))

    assert (paid.kind, paid.amount) == (FactKind.PAYMENT_SUCCEEDED, Money(2345, "CNY"))
    assert (refund.kind, refund.amount) == (FactKind.REFUND_REQUESTED, None)


def test_the_global_edition_names_currency_and_number_its_own_way() -> None:
    message = a_transaction(amount={"total": 500, "currency": "JPY"}, id="G-1")
    del message["transaction_id"]

    fact = fact_of(TRANSACTION, message)

    assert (fact.voucher, fact.amount) == ("G-1", Money(500, "JPY"))


def test_an_answer_to_a_query_says_how_it_was_learnt() -> None:
    for template, message in ((TRANSACTION, a_transaction()), (REFUND, _refund(status="SUCCESS"))):
        (fact,) = facts_of(f"{template}.query", message)
        assert fact.circumstances == (Circumstance.LEARNT_BY_QUERY,)


@pytest.mark.parametrize("field", ["refund_status", "status"])
def test_a_refund_is_our_number_and_what_went_back(field: str) -> None:
    fact = fact_of(REFUND, _refund(**{field: "SUCCESS"}))

    assert fact.kind is FactKind.REFUND_SUCCEEDED
    assert (fact.voucher, fact.amount) == ("R-1", Money(300, "CNY"))
    assert fact.occurred_at == PAID_AT


def test_a_refund_names_the_payment_that_it_gives_back() -> None:
    fact = fact_of(REFUND, _refund(status="SUCCESS", transaction_id="42000002"))

    assert (fact.payment, fact_of(REFUND, _refund(status="SUCCESS")).payment) == ("42000002", "")


def test_a_refund_on_its_way_was_asked_for_when_it_was_made() -> None:
    fact = fact_of(REFUND, _refund(status="PROCESSING", create_time="2026-01-01T07:00:00+08:00"))

    assert fact.kind is FactKind.REFUND_REQUESTED
    assert fact.occurred_at == datetime(2025, 12, 31, 23, 0, tzinfo=UTC)


def test_a_refund_that_the_card_refused_is_still_owed_and_failed() -> None:
    owed, failed = facts_of(REFUND, _refund(refund_status="ABNORMAL"))

    assert (owed.kind, owed.amount) == (FactKind.REFUND_REQUESTED, Money(300, "CNY"))
    assert (failed.kind, failed.note) == (FactKind.REFUND_FAILED, "refund_abnormal")
    assert owed.voucher == failed.voucher == "R-1"


def test_a_refund_that_was_closed_moves_no_money() -> None:
    fact = fact_of(REFUND, _refund(refund_status="CLOSED"))

    assert (fact.kind, fact.voucher) == (FactKind.REFUND_CLOSED, "R-1")


def test_the_payer_does_not_reach_a_fact() -> None:
    payer = {"payer": {"openid": "oUpF8"}, "user_received_account": "oUpF8"}

    assert "oUpF8" not in repr(facts_of(TRANSACTION, a_transaction(**payer)))
    assert "oUpF8" not in repr(facts_of(REFUND, _refund(status="SUCCESS", **payer)))
