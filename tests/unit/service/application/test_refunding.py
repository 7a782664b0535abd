"""Giving money back through the provider that took it, and letting a cancelled order go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.application.commands import Ask, Commands, Details
from service.application.intake import Intake, Reading
from service.application.ports import NewReceipt
from service.domain.errors import (
    IllegalTransitionError,
    InvalidRequestError,
    PaymentMissingError,
    ProviderUnknownError,
    RefundExceedsPaymentError,
)
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.lifecycle import Action, State
from service.domain.money import Money
from service.domain.order import Order
from service.domain.truth import RefundState
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING, NOON, REF, TOTAL, a_fact, an_origin
from tests.fake_reader import FakeReader
from tests.fakes import FakeClock, FakeIds, FakeStorage

TRADE = OrderRef("merchant", "2026112200017")
CREATED = a_fact(more_refs=(TRADE,))
PAID = a_fact(
    FactKind.PAYMENT_SUCCEEDED, minute=2, ref=TRADE, source="alipay", account="alipay-main"
)


class Shop:
    """One order, told of by facts, in memory."""

    def __init__(self, *facts: Fact) -> None:
        self.storage, self.ids = FakeStorage(), FakeIds()
        self.tell(*facts)

    def tell(self, *facts: Fact) -> None:
        intake = Intake(self.storage, ProtobufEncoder(), FakeClock())
        for fact in facts:
            receipt = NewReceipt("x", self.ids(), "t", "", b"{}", "", NOON, "", "", "")
            (stored,) = intake.submit([receipt])
            intake.apply([Reading(stored.receipt_id, (fact,))])

    @property
    def order(self) -> Order:
        return FakeReader(self.storage).order_by_ref(REF)

    def ask(self) -> Ask:
        return Ask(self.order.order_id, an_origin(), self.ids())

    def refund(self, minor: int, voucher: str, payment: str = "", currency: str = "CNY") -> Order:
        details = Details(voucher, Money(minor, currency), payment=payment)
        return self.run(lambda commands: commands.refund(self.ask(), details))

    def advance(self, action: Action) -> Order:
        return self.run(lambda commands: commands.advance(self.ask(), action, Details()))

    def run(self, act: object) -> Order:
        return self.storage.transact(
            lambda unit: act(Commands(unit, ProtobufEncoder(), EVENING))  # type: ignore[operator]
        )

    def requests(self) -> list[Fact]:
        kept = self.storage.tables.facts.values()
        return [each.fact for each in kept if each.fact.kind is FactKind.REFUND_REQUESTED]


def test_a_refund_is_asked_of_the_provider_that_took_the_money() -> None:
    shop = Shop(CREATED, PAID)

    order = shop.refund(1_000, "R0000001")

    (asked,) = shop.requests()
    assert order.refund_state is RefundState.REQUESTED
    assert (asked.provider, asked.account, asked.payment, asked.ref) == (
        "alipay", "alipay-main", "pay-1", TRADE,
    )  # fmt: skip


def test_partial_refunds_add_up_to_what_was_paid_and_no_further() -> None:
    shop = Shop(CREATED, PAID)
    shop.refund(9_000, "R0000001")
    shop.refund(990, "R0000002")

    with pytest.raises(RefundExceedsPaymentError):
        shop.refund(1, "R0000003")


def test_the_same_refund_number_twice_is_one_refund() -> None:
    shop = Shop(CREATED, PAID)
    shop.refund(5_000, "R0000001")
    shop.refund(5_000, "R0000001")

    assert shop.refund(4_990, "R0000002").refund_state is RefundState.REQUESTED


def test_another_amount_under_a_refund_number_is_refused() -> None:
    shop = Shop(CREATED, PAID)
    shop.refund(5_000, "R0000001")

    with pytest.raises(InvalidRequestError) as refused:
        shop.refund(4_000, "R0000001")

    assert "take another one" in refused.value.violations[0][1]


def test_asking_again_under_a_refund_number_is_no_second_refund_even_when_nothing_is_left() -> None:
    shop = Shop(CREATED, PAID)
    order = shop.refund(TOTAL.minor, "R0000001")

    again = shop.refund(TOTAL.minor, "R0000001")

    assert (again.refund_state, again.refunded) == (order.refund_state, order.refunded)
    assert {(each.payment, each.provider) for each in shop.requests()} == {("pay-1", "alipay")}
    with pytest.raises(RefundExceedsPaymentError):
        shop.refund(1, "R0000002")


def test_a_closed_refund_frees_what_it_asked_for() -> None:
    shop = Shop(CREATED, PAID)
    shop.refund(TOTAL.minor, "R0000001")
    shop.tell(a_fact(FactKind.REFUND_CLOSED, minute=9, voucher="R0000001", ref=TRADE))

    assert shop.order.refund_state is RefundState.NONE
    assert shop.refund(TOTAL.minor, "R0000002").refund_state is RefundState.REQUESTED


def test_of_two_payments_the_named_one_gives_back() -> None:
    second = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=5, voucher="pay-2", source="wechatpay")
    shop = Shop(CREATED, PAID, second)

    shop.refund(TOTAL.minor, "R0000001", "pay-2")

    assert [each.payment for each in shop.requests()] == ["pay-2"]
    with pytest.raises(ProviderUnknownError):
        shop.refund(1, "R0000002", "pay-2")
    assert shop.refund(TOTAL.minor, "R0000003").paid.minor == 2 * TOTAL.minor


@pytest.mark.parametrize(
    "payment",
    [
        a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="douyin", voucher="", amount=None),
        a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="adyen"),
    ],
    ids=["only the channel claims it", "its provider cannot be asked"],
)
def test_a_payment_that_no_provider_can_give_back_is_refused(payment: Fact) -> None:
    with pytest.raises(ProviderUnknownError):
        Shop(CREATED, payment).refund(1, "R0000001")


def test_a_cancelled_order_whose_money_came_goes_on() -> None:
    shop = Shop(CREATED, a_fact(FactKind.ORDER_CANCELLED, minute=1), PAID)
    assert shop.order.state is State.CANCELLED

    assert shop.advance(Action.REINSTATE).state is State.PAID
    assert shop.advance(Action.CANCEL).state is State.CANCELLED
    assert shop.advance(Action.REINSTATE).state is State.PAID


def test_a_cancel_from_the_future_does_not_outlive_a_reinstatement() -> None:
    ahead = a_fact(FactKind.ORDER_CANCELLED, occurred_at=EVENING + timedelta(hours=2))
    shop = Shop(CREATED, PAID, ahead)

    assert shop.advance(Action.REINSTATE).state is State.PAID


def test_a_cancelled_order_without_money_does_not_go_on() -> None:
    shop = Shop(CREATED, a_fact(FactKind.ORDER_CANCELLED, minute=1))

    with pytest.raises(PaymentMissingError):
        shop.advance(Action.REINSTATE)


def test_an_order_that_goes_on_anyway_is_not_reinstated() -> None:
    with pytest.raises(IllegalTransitionError):
        Shop(CREATED, PAID).advance(Action.REINSTATE)
