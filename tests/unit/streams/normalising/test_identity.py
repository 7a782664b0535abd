"""Fact ids: one happening has one id, whichever notice tells of it; a contradiction has two."""

from dataclasses import replace
from datetime import timedelta

import pytest

from streams.logic.normalising import Fact, read
from tests.unit.streams.normalising.builders import (
    RECEIVED,
    TEMPLATES,
    a_push,
    a_receipt,
    a_transaction,
    an_amazon_order,
    an_event,
    fact_of,
    facts_of,
)


def _id(template: str, body: object, **receipt: str) -> str:
    return fact_of(template, body, **receipt).fact_id


def test_ids_never_change_from_release_to_release() -> None:
    assert _id("concord.event", an_event()) == "be8a980e-069f-5b45-a7cf-5d512a74d4df"


def test_two_notices_of_one_payment_tell_the_same_fact() -> None:
    first = a_push(110, pay_time=1_618_990_587, pay_amount=2990)
    second = [{**first, "msg_id": "m-2", "extra": "other"}]

    assert _id("douyin.push", first) == _id("douyin.push", second)


def test_a_query_that_confirms_a_notice_tells_the_same_fact() -> None:
    notice = fact_of("wechatpay.v3.transaction", a_transaction())
    answer = fact_of("wechatpay.v3.transaction.query", a_transaction())

    assert answer.fact_id == notice.fact_id
    assert (notice.circumstances, answer.circumstances) == ((), ("LEARNT_BY_QUERY",))


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "payment.started"},
        {"source": "alipay"},
        {"order": {"namespace": "jd", "value": "4705288465508532862"}},
        {"order": {"namespace": "douyin", "value": "4705288465508533000"}},
        {"voucher": "42000009"},
        {"occurred_at": "2026-11-22T08:00:00.123457Z"},
        {"amount": {"currency": "CNY", "value": "12.35"}},
        {"amount": {"currency": "USD", "value": "12.34"}},
    ],
)
def test_claims_that_can_disagree_are_facts_of_their_own(changed: dict[str, object]) -> None:
    assert _id("concord.event", an_event(**changed)) != _id("concord.event", an_event())


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "evt-2"},
        {"channel": "jd"},
        {"circumstances": ["learnt_by_query"]},
        {"occurred_at": "2026-11-22T16:00:00.123456+08:00"},
        {"amount": {"currency": "CNY", "value": "12.340"}},
    ],
)
def test_how_it_was_told_is_no_part_of_what_happened(changed: dict[str, object]) -> None:
    assert _id("concord.event", an_event(**changed)) == _id("concord.event", an_event())


def test_a_fuller_telling_of_the_creation_is_a_fact_of_its_own() -> None:
    def created(**fields: object) -> Fact:
        return fact_of("concord.event", an_event(type="order.created", **fields))

    assert (
        len(
            {
                created().fact_id,
                created(customer="c-1").fact_id,
                created(list_amount={"currency": "CNY", "value": "99.00"}).fact_id,
                created(lines=[{"sku": "a", "quantity": 1}]).fact_id,
                created(more_refs=[{"namespace": "merchant", "value": "T-1"}]).fact_id,
            }
        )
        == 5
    )


def test_notes_of_one_moment_are_told_apart_by_their_word() -> None:
    notes = {_id("concord.event", an_event(type="noted", note=each)) for each in ("a", "b")}

    assert len(notes) == 2


def test_a_time_borrowed_from_the_receipt_does_not_make_a_fact_of_every_query() -> None:
    receipt = a_receipt("wechatpay.v3.transaction", a_transaction(trade_state="USERPAYING"))
    later = replace(receipt, receive_time=RECEIVED + timedelta(minutes=5))

    (first,), (second,) = read(receipt, TEMPLATES).facts, read(later, TEMPLATES).facts

    assert first.fact_id == second.fact_id
    assert second.occurred_at - first.occurred_at == timedelta(minutes=5)


QUERIES: list[tuple[str, object]] = [
    ("wechatpay.v3.transaction.query", {"out_trade_no": "T-1", "trade_state": "NOTPAY"}),
    ("wechatpay.v3.transaction.query", {"out_trade_no": "T-1", "trade_state": "USERPAYING"}),
    ("wechatpay.v3.transaction.query", {"out_trade_no": "T-1", "trade_state": "CLOSED"}),
    (
        "alipay.trade.query",
        {
            "alipay_trade_query_response": {
                "code": "10000",
                "out_trade_no": "T-1",
                "trade_status": "WAIT_BUYER_PAY",
            }
        },
    ),
    (
        "alipay.refund.query",
        {
            "alipay_trade_fastpay_refund_query_response": {
                "code": "10000",
                "out_trade_no": "T-1",
                "out_request_no": "R-1",
            }
        },
    ),
    (
        "unionpay.query",
        "respCode=00&origRespCode=05&txnType=01&orderId=T1&txnTime=20260101080000",
    ),
    (
        "stripe.payment_intent.query",
        {"id": "pi", "metadata": {"order": "T-1"}, "status": "requires_payment_method"},
    ),
    (
        "stripe.payment_intent.query",
        {"id": "pi", "metadata": {"order": "T-1"}, "status": "processing"},
    ),
]


@pytest.mark.parametrize(("template", "body"), QUERIES)
def test_a_hundred_queries_that_learn_nothing_are_one_fact(template: str, body: object) -> None:
    receipt = a_receipt(template, body)
    readings = [
        read(replace(receipt, receive_time=RECEIVED + timedelta(minutes=minute)), TEMPLATES)
        for minute in range(100)
    ]

    assert {len(reading.facts) for reading in readings} == {1}
    assert len({reading.facts[0].fact_id for reading in readings}) == 1
    assert not any(reading.rejection for reading in readings)


def test_where_the_money_is_does_not_make_another_fact_of_it() -> None:
    told = an_event(provider="wechatpay", account="wechat-main", payment="4200")

    assert _id("concord.event", told) == _id("concord.event", an_event())
    assert _id("concord.event", an_event(), account="other") == _id("concord.event", an_event())


def test_a_cumulative_snapshot_that_is_read_twice_gives_the_same_ids() -> None:
    pending = facts_of("amazon.orders.v0", an_amazon_order("Pending"))
    shipped = facts_of("amazon.orders.v0", an_amazon_order("Shipped"))
    again = facts_of("amazon.orders.v0", an_amazon_order("Shipped"))

    assert [each.fact_id for each in shipped] == [each.fact_id for each in again]
    assert pending[0].fact_id == shipped[0].fact_id


def test_one_batch_tells_a_happening_once() -> None:
    push = a_push(110, pay_time=1_618_990_587, pay_amount=2990)

    assert len(facts_of("douyin.push", [push, push])) == 1
