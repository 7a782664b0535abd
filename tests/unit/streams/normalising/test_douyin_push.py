"""What Douyin's pushes mean, tag by tag and in every shape."""

import json
from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, OrderRef
from tests.unit.streams.normalising.builders import RECEIVED, a_push, fact_of, facts_of

AT = 1_618_990_587
WHEN = datetime(2021, 4, 21, 7, 36, 27, tzinfo=UTC)
WAYBILL = {"logistics_msg": {"logistics_code": "SF1"}}


@pytest.mark.parametrize(
    ("tag", "data", "kind", "note"),
    [
        (100, {"create_time": AT}, FactKind.ORDER_CREATED, ""),
        (101, {"update_time": AT}, FactKind.NOTED, "payment_confirmed"),
        (110, {"pay_time": AT, "pay_amount": 2990}, FactKind.PAYMENT_SUCCEEDED, ""),
        (108, {"update_time": AT, **WAYBILL}, FactKind.PARCEL_SHIPPED, "partial"),
        (102, {"update_time": AT, **WAYBILL}, FactKind.PARCEL_SHIPPED, ""),
        (103, {"complete_time": AT}, FactKind.ORDER_COMPLETED, ""),
        (106, {"cancel_time": AT}, FactKind.ORDER_CANCELLED, ""),
        (109, {"modify_time": AT, "total_amount": 2990}, FactKind.NOTED, "amount_changed"),
        (105, {"apply_time": AT}, FactKind.NOTED, "address_changed"),
        (111, {"apply_time": AT}, FactKind.NOTED, "address_changed"),
        (112, {"update_time": AT}, FactKind.NOTED, "memo_changed"),
        (
            112,
            {"update_time": AT, "exp_delivery_time": "2021-05-16"},
            FactKind.NOTED,
            "delivery_appointed",
        ),
        (113, {"update_time": AT}, FactKind.NOTED, "memo_changed"),
        (
            200,
            {"apply_time": AT, "refund_amount": 2990, "aftersale_id": "A-1"},
            FactKind.REFUND_REQUESTED,
            "",
        ),
        (
            206,
            {"success_time": AT, "refund_amount": 2990, "aftersale_id": "A-1"},
            FactKind.REFUND_SUCCEEDED,
            "",
        ),
        (201, {"agree_time": AT, "aftersale_id": "A-1"}, FactKind.NOTED, "refund_agreed"),
        (202, {"agree_time": AT, "aftersale_id": "A-1"}, FactKind.NOTED, "refund_agreed"),
        (203, {"return_time": AT, "aftersale_id": "A-1"}, FactKind.NOTED, "goods_returned"),
        (204, {"refuse_time": AT, "aftersale_id": "A-1"}, FactKind.NOTED, "refund_refused"),
        (205, {"refuse_time": AT, "aftersale_id": "A-1"}, FactKind.NOTED, "refund_refused"),
        (207, {"close_time": AT, "aftersale_id": "A-1"}, FactKind.REFUND_CLOSED, ""),
        (
            208,
            {"modify_time": AT, "refund_amount": 2990, "aftersale_id": "A-1"},
            FactKind.NOTED,
            "refund_changed",
        ),
    ],
)
def test_each_tag_is_one_fact(tag: int, data: dict[str, object], kind: FactKind, note: str) -> None:
    fact = fact_of("douyin.push", a_push(tag, **data))

    has_money = "2990" in json.dumps(data)
    assert (fact.kind, fact.note, fact.occurred_at) == (kind, note, WHEN)
    assert fact.amount == (Money(2990, "CNY") if has_money else None)
    assert fact.ref == OrderRef("douyin", "7001")
    assert (fact.source, fact.channel) == ("douyin", "douyin")


def test_the_papers_behind_a_parcel_and_a_refund_are_vouchers() -> None:
    shipped = a_push(102, update_time=AT, **WAYBILL)
    refunded = a_push(206, success_time=AT, refund_amount=1, aftersale_id=7_000_000_000_000_000_001)

    assert fact_of("douyin.push", shipped).voucher == "SF1"
    assert fact_of("douyin.push", refunded).voucher == "7000000000000000001"


def test_what_is_paid_for_at_the_door_is_not_paid_yet() -> None:
    # 0 is cash on delivery; the push comes when the order is confirmed.
    for tag in (101, 110):
        push = a_push(tag, pay_type=0, pay_time=0, pay_amount=2990, update_time=AT)
        fact = fact_of("douyin.push", push)
        assert (fact.kind, fact.note) == (FactKind.NOTED, "cash_on_delivery")
        assert (fact.amount, fact.occurred_at) == (None, WHEN)


def test_a_confirmation_with_time_and_amount_is_the_payment_itself() -> None:
    told = {"pay_type": 1, "pay_time": AT, "pay_amount": 2990}

    confirmed = fact_of("douyin.push", a_push(101, **told))

    assert confirmed == fact_of("douyin.push", a_push(110, **told))
    assert (confirmed.kind, confirmed.amount) == (
        FactKind.PAYMENT_SUCCEEDED,
        Money(2990, "CNY"),
    )


@pytest.mark.parametrize("tag", [0, "0", 777, "doudian_new"])
def test_a_probe_and_an_unknown_tag_mean_nothing_for_any_order(tag: object) -> None:
    assert facts_of("douyin.push", a_push(tag)) == ()
    assert facts_of("douyin.push", {"tag": tag}) == ()


def test_every_shape_of_the_same_push_is_the_same_fact() -> None:
    push = a_push(110, pay_time=AT, pay_amount=2990)
    data = {"p_id": 7001, "pay_time": AT, "pay_amount": 2990}
    shapes = [
        push,
        [push],
        {"tag": "110", "msgId": "m-9", "data": data},
        {"tag": 110, "data": json.dumps(data)},
        [{"tag": 110, "data": json.dumps({**data, "p_id": "7001"})}],
    ]

    assert len({facts_of("douyin.push", shape) for shape in shapes}) == 1


def test_an_order_number_beyond_a_float_keeps_every_digit() -> None:
    push = b'{"tag":100,"data":{"p_id":4705288465508532862,"create_time":1618990587}}'

    assert fact_of("douyin.push", push).ref.value == "4705288465508532862"


def test_what_names_a_person_does_not_reach_a_fact() -> None:
    person = {"name": "周一", "tel": "13678643212", "addr": [{"detail": "松岭路888号"}]}
    data = {"update_time": AT, "receiver_msg": person, "remark": "13678643212", **WAYBILL}

    for tag in (102, 105, 108, 111, 112, 113):
        told = repr(facts_of("douyin.push", a_push(tag, **data)))
        assert not any(each in told for each in ("周一", "13678643212", "松岭路"))


def test_a_note_without_a_time_happened_when_it_was_received() -> None:
    assert fact_of("douyin.push", a_push(105)).occurred_at == RECEIVED


def test_the_channel_of_the_receipt_comes_before_that_of_the_template() -> None:
    push = a_push(100, create_time=AT)

    assert fact_of("douyin.push", push, channel="douyin_mall").channel == "douyin_mall"
