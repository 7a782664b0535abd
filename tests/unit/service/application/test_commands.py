"""What may be asked of an order, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.application.commands import Ask, Commands, CreateOrder, Details, allowed_actions
from service.application.explaining import explain
from service.application.flags import act_on_flag
from service.application.outbox import Stream
from service.application.ports import StoredFlag
from service.domain.errors import (
    AmountMismatchError,
    FlagNotFoundError,
    HoldNotFoundError,
    IllegalTransitionError,
    OrderError,
    OrderNotFoundError,
    OrderOnHoldError,
    OutboundNotApprovedError,
    PaymentMissingError,
    ReferenceTakenError,
    RefundExceedsPaymentError,
    RefundNotRequestedError,
    VersionConflictError,
)
from service.domain.facts import OrderRef
from service.domain.lifecycle import Action, State
from service.domain.money import Money
from service.domain.order import Order
from service.domain.truth import RefundState
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING, NOON, REF, TOTAL, an_origin
from tests.fake_reader import FakeReader
from tests.fakes import FakeIds, FakeStorage, FakeUnit

PAYMENT = Details("pay-1", TOTAL)
WAY: dict[State, tuple[Action, ...]] = {
    State.PENDING_PAYMENT: (),
    State.PAYING: (Action.START_PAYMENT,),
    State.PAID: (Action.START_PAYMENT, Action.CONFIRM_PAYMENT),
}
WAY[State.AWAITING_OUTBOUND] = (*WAY[State.PAID], Action.ALLOCATE)
WAY[State.SHIPPING] = (*WAY[State.AWAITING_OUTBOUND], Action.APPROVE_OUTBOUND, Action.SHIP)
WAY[State.DELIVERED] = (*WAY[State.SHIPPING], Action.CONFIRM_DELIVERY)
WAY[State.COMPLETED] = (*WAY[State.DELIVERED], Action.COMPLETE)
WAY[State.CANCELLED] = (Action.CANCEL,)


class Shop:
    """An order and everything that may be asked of it, in memory."""

    def __init__(self, state: State = State.PENDING_PAYMENT) -> None:
        self.storage, self.ids = FakeStorage(), FakeIds()
        self.reader = FakeReader(self.storage)
        self.order_id = self.create(REF).order_id
        for action in WAY[state]:
            self.advance(action)

    @property
    def order(self) -> Order:
        return self.reader.order(self.order_id)

    def create(self, *refs: OrderRef) -> Order:
        command = CreateOrder(an_origin(), self.ids(), refs, "douyin", TOTAL, NOON)
        return self.run(lambda commands: commands.create(command))

    def run(self, act: Callable[[Commands], Order]) -> Order:
        return self.storage.transact(lambda unit: act(Commands(unit, ProtobufEncoder(), EVENING)))

    def ask(self, **given: str) -> Ask:
        values = {"order_id": self.order_id, "origin": an_origin(), "fresh_id": self.ids()}
        return Ask(**values | given)  # type: ignore[arg-type]

    def advance(self, action: Action, details: Details = PAYMENT, **given: str) -> Order:
        return self.run(lambda commands: commands.advance(self.ask(**given), action, details))

    def refund(self, minor: int, voucher: str = "r-1", *, is_confirmed: bool = False) -> Order:
        details = Details(voucher, Money(minor, "CNY"))
        return self.run(
            lambda commands: (
                commands.confirm_refund(self.ask(), details)
                if is_confirmed
                else commands.request_refund(self.ask(), details)
            )
        )

    def flag(self, action: str, order_id: str | None = None, flag_id: str = "flg-1") -> StoredFlag:
        flag = StoredFlag(
            flag_id, order_id or self.order_id, "c-1", "discount", 1, action, (), NOON
        )
        return self.storage.transact(
            lambda unit: act_on_flag(
                unit, flag, action, origin=an_origin(), encoder=ProtobufEncoder(), at=EVENING
            )
        )


@pytest.mark.parametrize("state", WAY, ids=lambda each: each.value)
def test_commands_lead_to_every_state(state: State) -> None:
    assert Shop(state).order.state is state


@pytest.mark.parametrize("state", WAY, ids=lambda each: each.value)
def test_what_is_said_to_be_allowed_is_allowed_and_nothing_else(state: State) -> None:
    allowed = allowed_actions(Shop(state).order)

    for action in Action:
        shop = Shop(state)
        if action.value in allowed:
            shop.advance(action)
        else:
            with pytest.raises(
                (IllegalTransitionError, OutboundNotApprovedError, PaymentMissingError)
            ):
                shop.advance(action)


REFUSED: dict[str, tuple[State, Callable[[Shop], object], type[OrderError]]] = {
    "a reference that is taken": (
        State.PENDING_PAYMENT, lambda shop: shop.create(OrderRef("jd", "1"), REF),
        ReferenceTakenError),
    "an order that does not exist": (
        State.PENDING_PAYMENT, lambda shop: shop.advance(Action.CANCEL, order_id="ord-x"),
        OrderNotFoundError),
    "an etag from before": (
        State.PAID, lambda shop: shop.advance(Action.CANCEL, etag="1"), VersionConflictError),
    "a payment of another amount": (
        State.PAYING,
        lambda shop: shop.advance(Action.CONFIRM_PAYMENT, Details("p", Money(1, "CNY"))),
        AmountMismatchError),
    "a payment in another currency": (
        State.PAYING,
        lambda shop: shop.advance(Action.CONFIRM_PAYMENT, Details("p", Money(9_990, "USD"))),
        AmountMismatchError),
    "shipping without approval": (
        State.AWAITING_OUTBOUND, lambda shop: shop.advance(Action.SHIP), OutboundNotApprovedError),
    "a refund of more than was paid": (
        State.PAID, lambda shop: shop.refund(9_991), RefundExceedsPaymentError),
    "a refund before any payment": (
        State.PAYING, lambda shop: shop.refund(1), RefundExceedsPaymentError),
    "refunds that together exceed the payment": (
        State.PAID, lambda shop: (shop.refund(9_000), shop.refund(991, "r-2")),
        RefundExceedsPaymentError),
    "a confirmation without a request": (
        State.PAID, lambda shop: shop.refund(1, is_confirmed=True), RefundNotRequestedError),
    "a confirmation of more than was asked": (
        State.PAID, lambda shop: (shop.refund(10), shop.refund(11, is_confirmed=True)),
        RefundExceedsPaymentError),
    "a confirmation twice": (
        State.PAID,
        lambda shop: (shop.refund(10), shop.refund(10, is_confirmed=True),
                      shop.refund(10, is_confirmed=True)),
        RefundNotRequestedError),
    "a release of a hold that is not there": (
        State.PAID, lambda shop: shop.run(lambda each: each.release_hold(shop.ask(), "hold-x")),
        HoldNotFoundError),
    "a flag that nobody raised": (
        State.PAID, lambda shop: shop.flag("DISMISS"), FlagNotFoundError),
    "a flag of an order that does not exist": (
        State.PAID, lambda shop: shop.flag("HOLD", "ord-x"), OrderNotFoundError),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name: str) -> None:
    state, act, refusal = REFUSED[name]

    with pytest.raises(refusal):
        act(Shop(state))


def test_a_refusal_writes_nothing() -> None:
    shop = Shop(State.PAID)
    before = shop.storage.commits

    for act in (
        lambda: shop.advance(Action.SHIP),
        lambda: shop.refund(9_991),
        lambda: shop.advance(Action.CANCEL, etag="1"),
    ):
        with pytest.raises(OrderError):
            act()

    assert shop.storage.commits == before


def test_a_hold_stops_outbound_until_it_is_released() -> None:
    shop = Shop(State.AWAITING_OUTBOUND)
    held = shop.run(lambda each: each.place_hold(shop.ask(), "ADDRESS"))

    with pytest.raises(OrderOnHoldError) as refused:
        shop.advance(Action.APPROVE_OUTBOUND)
    shop.run(lambda each: each.release_hold(shop.ask(), held.holds[0].hold_id))

    assert refused.value.metadata()["holds"] == "ADDRESS"
    assert shop.advance(Action.APPROVE_OUTBOUND).outbound_approved


def test_a_refund_goes_from_asked_for_to_part_to_all() -> None:
    shop = Shop(State.PAID)

    states = [
        shop.refund(4_000, "r-1").refund_state,
        shop.refund(4_000, "r-1", is_confirmed=True).refund_state,
        shop.refund(5_990, "r-2").refund_state,
        shop.refund(5_990, "r-2", is_confirmed=True).refund_state,
    ]

    assert states == [
        RefundState.REQUESTED, RefundState.PARTIAL, RefundState.PARTIAL, RefundState.FULL,
    ]  # fmt: skip


def test_every_accepted_command_is_told_once() -> None:
    shop = Shop(State.COMPLETED)

    told = [each.n for each in shop.storage.tables.outbox if each.stream is Stream.ORDERS]

    assert told == list(range(1, shop.order.sequence + 1))


def test_a_risk_flag_holds_once_and_its_dismissal_releases() -> None:
    shop = Shop(State.PAID)

    shop.flag("HOLD")
    sequence = shop.order.sequence
    again = shop.flag("HOLD")
    held = [each.reason for each in shop.order.holds]
    dismissed = shop.flag("DISMISS")

    assert (held, again.act, shop.order.sequence > sequence) == (["RISK"], "HELD", True)
    assert dismissed.act == "DISMISSED"
    assert not shop.order.holds


def test_a_refused_flag_leaves_nothing_that_a_kept_refusal_would_commit() -> None:
    shop = Shop()

    def work(unit: FakeUnit) -> None:
        flag = StoredFlag("flg-1", "ord-x", "c", "r", 1, "HOLD", (), NOON)
        with pytest.raises(OrderNotFoundError):
            act_on_flag(
                unit, flag, "HOLD", origin=an_origin(), encoder=ProtobufEncoder(), at=EVENING
            )

    shop.storage.transact(work)

    assert not shop.storage.tables.flags


def test_an_explanation_tells_evidence_deadline_and_what_may_be_done() -> None:
    shop = Shop(State.PAID)

    told = explain(shop.reader, shop.order_id)

    assert told.order == shop.order
    assert len(told.evidence) == 1
    assert [each.waits_for for each in told.awaited] == ["operations"]
    assert told.allowed_actions == ("ALLOCATE", "CANCEL")
    assert told.trace_ids == (an_origin().trace_id,)
    with pytest.raises(OrderNotFoundError):
        explain(shop.reader, "ord-x")
