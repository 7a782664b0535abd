"""Money that contradicts, told by real platforms through the whole stack.

Each contradiction opens exactly one case, does what the terms say, and takes no order back; the
platform gets its success all the same, for it has told the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from clients.sdk.errors import RefundExceedsPaymentError
from concord.cases.v1.case_service_pb2 import Case
from concord.orders.v1.order_pb2 import Order
from tests.invariants import assert_clean
from tests.storm import telling
from tests.storm.shopping import COMES_WITHIN_S, TOTAL_MINOR, Shop, Trade, sum_of
from tests.storm.stack import stormy_stack
from tests.system.whole_stack import until

SPEED: Final = 10.0

PROVIDERS: Final = ("wechatpay", "alipay", "unionpay", "stripe")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    terms = {"CONCORD_PAID_AFTER_CANCEL": "refund", "CONCORD_UNKNOWN_ORDER_GRACE": "2s"}
    folder = tmp_path_factory.mktemp("stack")
    with (
        stormy_stack(folder, speed=SPEED, variables=terms) as stormy,
        stormy.stack.client() as concord,
    ):
        yield Shop(stormy, concord)


def test_money_that_comes_after_the_cancel_goes_back_through_the_connector(shop: Shop) -> None:
    [trade] = shop.begin("wechatpay")
    number = trade["number"]
    # Two clocks: the shop's is told to the microsecond, the platform's to the second.
    shop.tell(telling.event(number, "order.cancelled", ago_s=3))
    shop.until(number, lambda order: order.state == Order.STATE_CANCELLED, "it is cancelled")

    shop.pay(trade)
    order = shop.until(number, lambda order: order.paid.units, "the money is known")
    shop.only_case(number, "PAID_AFTER_CANCEL", Case.STATE_OPEN)
    # Later evidence has five minutes to take it back; an operator need not wait for it.
    shop.concord.probes.run(order.name)
    case = shop.only_case(number, "PAID_AFTER_CANCEL", Case.STATE_RESOLVED)

    order = shop.until(
        number, lambda order: order.refund_state == Order.REFUND_STATE_FULL, "it went back"
    )
    [refund] = shop.stormy.control.trade("wechatpay", number)["refunds"]
    assert (refund["state"], refund["amount_minor"]) == ("succeeded", TOTAL_MINOR)
    assert case.outcome == "SETTLED"
    assert order.state == Order.STATE_CANCELLED
    shop.check_walk(number)
    shop.check_calls(number)


def test_a_second_payment_is_a_case_until_it_is_given_back(shop: Shop) -> None:
    first, second = shop.begin("alipay", "wechatpay")
    number = first["number"]

    shop.pay(first)
    shop.until(number, lambda order: order.state == Order.STATE_PAID, "it is paid")
    paid = shop.pay(second)
    order = shop.until(number, lambda order: order.paid.units == 60, "it is paid twice")
    shop.only_case(number, "DUPLICATE_CHARGE", Case.STATE_OPEN)
    shop.concord.orders.refund(
        order.name, amount=sum_of(TOTAL_MINOR), payment=paid["id"], reason="paid twice"
    )
    case = shop.only_case(number, "DUPLICATE_CHARGE", Case.STATE_RESOLVED)

    assert case.outcome == "SETTLED"
    [refund] = shop.stormy.control.trade("wechatpay", number)["refunds"]
    assert refund["amount_minor"] == TOTAL_MINOR
    assert shop.stormy.control.trade("alipay", number)["refunds"] == []
    shop.check_walk(number)
    shop.check_calls(number)


@pytest.mark.parametrize(
    ("provider", "came_minor", "state"),
    [
        ("stripe", TOTAL_MINOR - 1, Order.STATE_PAYING),
        ("alipay", TOTAL_MINOR + 1, Order.STATE_PAID),
    ],
)
def test_money_of_another_amount_is_a_case(
    shop: Shop, provider: str, came_minor: int, state: Order.State.ValueType
) -> None:
    [trade] = shop.begin(provider)
    number = trade["number"]

    shop.pay(trade, amount_minor=came_minor)
    shop.only_case(number, "AMOUNT_DIFFERS", Case.STATE_OPEN)

    order = shop.until(number, lambda order: order.state == state, "it stands where it should")
    assert order.paid == sum_of(came_minor, trade["currency"])
    assert list(order.discrepancies) == ["AMOUNT_DIFFERS"]
    shop.check_walk(number)
    shop.check_calls(number)


def test_money_for_an_unknown_order_waits_becomes_a_case_and_finds_its_order(shop: Shop) -> None:
    number = shop.number()
    trade = shop.stormy.control.create("unionpay", number, TOTAL_MINOR)

    shop.pay(trade)
    [case] = until(
        lambda: [
            each
            for each in shop.concord.cases.list(type="PAYMENT_WITHOUT_ORDER")
            if number in each.subject
        ],
        "somebody must look for the order",
        COMES_WITHIN_S,
    )
    assert shop.order(number) is None
    shop.tell(telling.created(number, TOTAL_MINOR), telling.started(trade))

    shop.until(number, lambda order: order.state == Order.STATE_PAID, "it has found its order")
    adopted = shop.only_case(number, "PAYMENT_WITHOUT_ORDER", Case.STATE_RESOLVED)
    assert adopted.name == case.name
    shop.check_walk(number)
    shop.check_calls(number)


def test_a_closed_trade_of_an_order_that_the_channel_calls_paid_is_a_case(shop: Shop) -> None:
    [trade] = shop.begin("alipay")
    number = trade["number"]
    road = ("stock.allocated", "outbound.approved", "parcel.shipped")
    paid = telling.event(number, "payment.succeeded", amount=telling.money(TOTAL_MINOR))
    shop.tell(paid, *(telling.event(number, each) for each in road))
    shop.until(number, lambda order: order.state == Order.STATE_SHIPPING, "it has left")

    shop.stormy.control.move("alipay", number, "close")
    shop.until(number, lambda order: awaits_proof(shop, order), "proof is awaited")
    # A quarter of an hour is given for it.
    shop.let_pass(number, "PAYMENT_PROOF")
    shop.only_case(number, "CLAIMED_BUT_CLOSED", Case.STATE_OPEN)

    shop.until(number, lambda order: order.state == Order.STATE_SHIPPING, "it is not taken back")
    shop.check_walk(number)
    shop.check_calls(number)


def awaits_proof(shop: Shop, order: Order) -> bool:
    expected = shop.concord.orders.explain(order.name).expectations
    return "PAYMENT_PROOF" in [each.kind for each in expected]


def test_parts_given_back_at_every_provider_add_up(shop: Shop) -> None:
    trades = [shop.begin(provider)[0] for provider in PROVIDERS]
    for each in trades:
        shop.pay(each)
    for each in trades:
        shop.until(each["number"], lambda order: order.state == Order.STATE_PAID, "it is paid")

    for part, (minor, gone) in enumerate([(1000, 10), (500, 15), (1500, 30)]):
        for each in trades:
            give_back(shop, each, minor, f"PART{part}{each['number']}")
        for each in trades:
            until_gone(shop, each, gone)

    for each in trades:
        check_parts(shop, each)


def test_every_invariant_that_a_database_can_tell_holds(shop: Shop) -> None:
    assert_clean(shop.stormy.stack.database_url)


def until_gone(shop: Shop, trade: Trade, units: int) -> None:
    name = f"{units} in all went back at {trade['provider']}"
    shop.until(trade["number"], lambda order: order.refunded.units == units, name)


def give_back(shop: Shop, trade: Trade, minor: int, voucher: str) -> None:
    """Ask for a refund, twice: under one number it is one."""
    order = shop.order(trade["number"])
    assert order is not None
    amount = sum_of(minor, trade["currency"])
    for _ in range(2):
        shop.concord.orders.refund(order.name, amount=amount, voucher=voucher, reason="a part")


def check_parts(shop: Shop, trade: Trade) -> None:
    """Assert that both sides have the same three refunds, and that no more may follow."""
    order = shop.order(trade["number"])
    assert order is not None
    known = shop.stormy.control.trade(trade["provider"], trade["number"])
    assert sorted(each["amount_minor"] for each in known["refunds"]) == [500, 1000, 1500]
    assert order.refunded == sum_of(TOTAL_MINOR, trade["currency"])
    assert (order.state, order.refund_state) == (Order.STATE_PAID, Order.REFUND_STATE_FULL)
    assert shop.cases(trade["number"]) == []
    with pytest.raises(RefundExceedsPaymentError):
        shop.concord.orders.refund(order.name, amount=sum_of(1, trade["currency"]), reason="more")
    shop.check_walk(trade["number"])
    shop.check_calls(trade["number"])
