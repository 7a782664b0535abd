"""Who handles cases, and what happens around them: orders, money, stock, and time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from google.type.money_pb2 import Money

from clients.sdk import Concord
from clients.sdk.metadata import Identity
from concord.intake.v1.fact_pb2 import Fact
from concord.intake.v1.intake_service_pb2 import Reading
from concord.intake.v1.receipt_pb2 import Receipt
from concord.orders.v1.order_pb2 import Order, OrderLine, OrderRef
from tests.fakes import FakeClock

# A Monday, ten o'clock in Shanghai: everybody works, and orders paid now leave at 18:00.
MONDAY: Final = datetime(2026, 11, 23, 2, tzinfo=UTC)
WEEK: Final = timedelta(days=7)
WAREHOUSE: Final = "bj1"
# Each round takes twenty orders or more: so many are enough for a thousand of them.
ROUNDS_MAX: Final = 1_000
# A machine that does other things besides answers late.
WITHIN_S: Final = 60.0

PEOPLE: Final = {
    "customer_service": "li.lei",
    "finance": "zhao.min",
    "warehouse": "wang.fang",
    "purchasing": "chen.jie",
    "logistics": "sun.tao",
    "quality": "zhou.hua",
    "operations": "wu.di",
    "engineering": "ma.ke",
    "manager": "qian.yu",
}


def yuan(units: int) -> Money:
    """Return so many yuan."""
    return Money(currency_code="CNY", units=units)


class World:
    """The service as people of every role call it, and its clockwork."""

    def __init__(self, address: str, clock: FakeClock, works: Sequence[Callable[[], int]]) -> None:
        """Take where the service listens, the clock that it goes by, and what it does by it."""
        self._address, self.clock, self._works = address, clock, works
        self._numbers = itertools.count(1)
        self._week = 0
        self._closing = ExitStack()
        self._people: dict[str, Concord] = {}

    def __enter__(self) -> Self:
        shared = self._closing.enter_context(Concord(self._address, timeout_s=WITHIN_S))
        self._people = {
            role: shared.with_options(identity=Identity(actor=name, role=role))
            for role, name in PEOPLE.items()
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.close()

    def by(self, role: str) -> Concord:
        """Return the service as somebody of the role calls it."""
        return self._people[role]

    def settle(self) -> None:
        """Let the clockwork do what is due, and what comes of it."""
        for _ in range(ROUNDS_MAX):
            if not sum(work() for work in self._works):
                return
        message = "the clockwork finds no end"
        raise AssertionError(message)

    def pass_time(self, span: timedelta) -> None:
        """Let time pass, and the clockwork do what is due then."""
        self.clock.pass_time(span)
        self.settle()

    def until(self, moment: datetime) -> None:
        """Let time pass until then."""
        self.pass_time(moment - self.clock())

    def an_order(
        self, *, sku: str = "", units: int = 199, customer: str = "", tags: Sequence[str] = ()
    ) -> Order:
        """Place an order of one article."""
        number = next(self._numbers)
        lines = [OrderLine(sku=sku, quantity=1, unit_price=yuan(units))] if sku else []
        order = self.by("operations").orders.create(
            Order(
                channel="tmall",
                refs=[OrderRef(namespace="tmall", value=f"TM2026{number:06}")],
                total=yuan(units),
                customer=customer or f"buyer-{number}",
                lines=lines,
            )
        )
        for tag in tags:
            self.by("operations").orders.tag(tag, names=[order.name])
        return order

    def paid(self, **given: object) -> Order:
        """Place an order and have it paid through Alipay."""
        order = self.an_order(**given)  # type: ignore[arg-type]  # as `an_order` takes them
        orders = self.by("operations").orders
        orders.start_payment(order.name)
        voucher = f"pay-{order.refs[0].value}"
        paid = orders.confirm_payment(
            order.name, voucher=voucher, amount=order.total, provider="alipay"
        )
        self.settle()
        return paid

    def pay_again(self, order: Order) -> None:
        """Let Alipay say that the buyer paid, whatever was known before."""
        self.tell([self._paid_fact(order.refs[0], order.total)])

    def many_paid(self, count: int, tag: str, units: int = 99) -> None:
        """Let a channel tell of paid orders, and put a tag on them."""
        run = next(self._numbers)
        refs = [OrderRef(namespace="tmall", value=f"TM{run:04}{each:06}") for each in range(count)]
        for part in (refs[at : at + 200] for at in range(0, count, 200)):
            self.tell(
                [fact for ref in part for fact in (self._new_fact(ref, yuan(units)),
                                                   self._paid_fact(ref, yuan(units)))]
            )  # fmt: skip
            self.by("operations").orders.tag(tag, refs=part)
        self.settle()

    def tell(self, facts: Sequence[Fact]) -> None:
        """Tell facts, each as the meaning of a message of its own."""
        intake = self.by("operations").intake
        messages = [
            Receipt(source="alipay", template="t", body=fact.fact_id.encode(), channel="tmall")
            for fact in facts
        ]
        kept = intake.submit(messages).submitted
        intake.apply_facts(
            [
                Reading(receipt=each.receipt, facts=[fact])
                for each, fact in zip(kept, facts, strict=True)
            ]
        )
        self.settle()

    def _new_fact(self, ref: OrderRef, amount: Money) -> Fact:
        fact = self._fact(Fact.KIND_ORDER_CREATED, ref, amount)
        fact.channel, fact.source = "tmall", "tmall"
        fact.customer = f"buyer-{ref.value}"
        return fact

    def _paid_fact(self, ref: OrderRef, amount: Money) -> Fact:
        fact = self._fact(Fact.KIND_PAYMENT_SUCCEEDED, ref, amount)
        fact.voucher = f"2026{fact.fact_id}"
        return fact

    def _fact(self, kind: Fact.Kind.ValueType, ref: OrderRef, amount: Money) -> Fact:
        fact = Fact(
            fact_id=f"fact-{next(self._numbers)}", kind=kind, ref=ref, source="alipay",
            amount=amount,
        )  # fmt: skip
        fact.occurred_time.FromDatetime(self.clock())
        return fact

    def shipped(self, **given: object) -> Order:
        """Have an order paid, set aside, approved and sent."""
        order = self.paid(**given)
        orders = self.by("warehouse").orders
        orders.allocate(order.name, voucher=f"set-{order.refs[0].value}")
        orders.approve_outbound(order.name)
        sent = orders.ship(order.name, voucher=f"SF{order.refs[0].value}")
        self.settle()
        return sent

    def delivered(self, **given: object) -> Order:
        """Have an order sent, and delivered a day later."""
        order = self.shipped(**given)
        self.pass_time(timedelta(days=1))
        there = self.by("logistics").orders.confirm_delivery(order.name)
        self.settle()
        return there

    def order(self, order: Order) -> Order:
        """Return an order as it is now."""
        return self.by("operations").orders.get(order.name)

    def stock(self, sku: str, pieces: int) -> None:
        """Count an article."""
        self.by("warehouse").inventory.set_stock(sku, WAREHOUSE, pieces)
        self.settle()

    def refund_comes(self, order: Order, voucher: str, amount: Money) -> None:
        """Let the provider say that the money that was asked back is there."""
        self.by("finance").orders.confirm_refund(order.name, voucher=voucher, amount=amount)
        self.settle()

    def next_monday(self) -> None:
        """Let it be Monday, ten o'clock in Shanghai: each story begins so."""
        while self.clock() > MONDAY + self._week * WEEK:
            self._week += 1
        self.until(MONDAY + self._week * WEEK)
