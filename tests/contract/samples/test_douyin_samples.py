"""The platform's own examples of pushes become the facts that its tables say.

Money is 分, times are epoch seconds (1618990587 is 2021-04-21 15:36:27 in Beijing), the tag
decides. The examples' `order_status` contradicts their tags and is not read.
"""

from collections.abc import Callable

import pytest

from streams.logic.normalising import Fact, FactKind, Money, OrderRef, RejectionReason
from tests.contract.samples.conformance import facts_of, reading_of, utc

Sample = Callable[[str], bytes]
BIG = OrderRef("douyin", "4705288465508532862")


def _fact(kind: FactKind, ref: OrderRef, at: str, **fields: object) -> Fact:
    return Fact(  # type: ignore[arg-type]  # a builder
        fact_id="",
        kind=kind,
        ref=ref,
        source="douyin",
        channel="douyin",
        occurred_at=utc(at),
        **fields,
    )


EXPECTED = {
    "push_100_trade_create.json": _fact(
        FactKind.ORDER_CREATED, OrderRef("douyin", "12345"), "2021-04-21 07:36:27"
    ),
    "push_106_trade_canceled.json": _fact(
        FactKind.ORDER_CANCELLED, OrderRef("douyin", "12345"), "2021-04-21 07:42:05"
    ),
    # p_id has all its digits although the s_ids beside it are rounded to …533000.
    "push_108_trade_partly_ship.json": _fact(
        FactKind.PARCEL_SHIPPED,
        BIG,
        "2020-09-09 09:40:08",
        voucher="111111111111111",
        note="partial",
    ),
    "push_110_trade_paid.json": _fact(
        FactKind.PAYMENT_SUCCEEDED,
        OrderRef("douyin", "xxxxxxx"),
        "2021-04-21 07:36:27",
        amount=Money(2990, "CNY"),
    ),
    "push_200_refund_created.json": _fact(
        FactKind.REFUND_REQUESTED,
        BIG,
        "2021-04-21 07:36:27",
        amount=Money(0, "CNY"),
        voucher="xxxxxx",
    ),
    "push_206_refund_success.json": _fact(
        FactKind.REFUND_SUCCEEDED,
        BIG,
        "2021-04-21 07:59:19",
        amount=Money(13200, "CNY"),
        voucher="xxxxxx",
    ),
    "push_trade_address_change.json": _fact(
        FactKind.NOTED, BIG, "2020-09-09 09:40:08", note="address_changed"
    ),
    "push_trade_memo_modify.json": _fact(
        FactKind.NOTED,
        OrderRef("douyin", "4805961163201956922"),
        "2021-06-08 02:34:18",
        note="memo_changed",
    ),
}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_a_push_is_the_fact_of_its_tag(sample: Sample, name: str, expected: Fact) -> None:
    assert facts_of("douyin.push", sample(f"douyin/{name}")) == (expected,)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_push_in_the_envelope_of_the_platform_is_the_same_fact(sample: Sample, name: str) -> None:
    push = sample(f"douyin/{name}")
    alone = reading_of("douyin.push", push)

    assert reading_of("douyin.push", b"[" + push + b"]").facts == alone.facts
    assert reading_of("douyin.push", b"[" + push + b"," + push + b"]").facts == alone.facts


@pytest.mark.parametrize("name", EXPECTED)
def test_nobody_is_named_in_a_fact(sample: Sample, name: str) -> None:
    told = repr(reading_of("douyin.push", sample(f"douyin/{name}")))

    for person in ("周一", "13678643212", "松岭路", "滨江区", "19103926902"):
        assert person not in told


@pytest.mark.parametrize(
    "name",
    [
        "life_open_webhook.json",
        "miniapp_pay_callback_signed_vector.json",
        "order_searchList_request.json",
        "order_searchList_response.json",
        "afterSale_List_response.json",
    ],
)
def test_a_message_of_another_product_is_refused(sample: Sample, name: str) -> None:
    reading = reading_of("douyin.push", sample(f"douyin/{name}"))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.FIELD_MISSING
    assert reading.rejection.field == "tag"
