"""One shop before the whole stack and its platforms: it tells, its buyers pay, and we look."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg2
from google.type.money_pb2 import Money

from clients.sdk import Concord, money
from clients.sdk.errors import OrderNotFoundError
from concord.cases.v1.case_service_pb2 import Case
from concord.intake.v1.receipt_pb2 import Receipt
from concord.orders.v1.order_pb2 import Order, OrderRef
from tests.storm import telling
from tests.storm.stack import Stormy
from tests.system.whole_stack import until

# Far longer than anything takes: the slowest is a refund that is asked for, told and asked after.
COMES_WITHIN_S: Final = 90.0
TOTAL_MINOR: Final = 3000

Trade = dict[str, Any]


@dataclass
class Shop:
    """A stack with platforms, and the shop and the buyers in front of it."""

    stormy: Stormy
    concord: Concord
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def number(self) -> str:
        """Return a fresh number, as providers are given."""
        return f"CONTRA{next(self._numbers):010d}"

    def begin(self, *providers: str, number: str = "") -> list[Trade]:
        """Let a buyer begin to pay one order at each of these; return the trades."""
        number = number or self.number()
        trades = [
            self.stormy.control.create(provider, number, TOTAL_MINOR) for provider in providers
        ]
        currency = trades[0]["currency"]
        self.tell(
            telling.created(number, TOTAL_MINOR, currency=currency),
            *(telling.started(each) for each in trades),
        )
        self.until(number, lambda order: order.state == Order.STATE_PAYING, "payment began")
        return trades

    def tell(self, *receipts: Receipt) -> None:
        """Let the shop tell that."""
        self.concord.intake.submit(receipts)

    def pay(self, trade: Trade, **how: Any) -> Trade:  # noqa: ANN401  # As JSON has it.
        """Let the buyer pay; return the trade as it is then."""
        paid: Trade = self.stormy.control.pay(trade["provider"], trade["number"], **how)
        return paid

    def order(self, number: str) -> Order | None:
        """Return the order of that number, if there is one."""
        try:
            found = self.concord.orders.get(ref=OrderRef(namespace="merchant", value=number))
        except OrderNotFoundError:
            return None
        return found

    def until(self, number: str, holds: Callable[[Order], object], what: str) -> Order:
        """Return the order once that holds of it."""

        def found() -> bool:
            order = self.order(number)
            return order is not None and bool(holds(order))

        until(found, what, COMES_WITHIN_S)
        order = self.order(number)
        assert order is not None
        return order

    def cases(self, number: str) -> list[Case]:
        """Return all cases of an order, those that have ended too."""
        order = self.order(number)
        assert order is not None
        return list(self.concord.cases.list(order=order.name, include_resolved=True))

    def only_case(self, number: str, type_: str, state: Case.State.ValueType) -> Case:
        """Return the one case of an order, once it is in that state."""
        until(
            lambda: [each.state for each in self.cases(number)] == [state],
            f"there is a case {type_} in state {Case.State.Name(state)}",
            COMES_WITHIN_S,
        )
        [case] = self.cases(number)
        assert case.type == type_
        return case

    def let_pass(self, number: str, kind: str) -> None:
        """Let the time be over that is given for something to come."""
        order = self.order(number)
        assert order is not None
        url = self.stormy.stack.variables()["CONCORD_DATABASE_URL"]
        with (
            contextlib.closing(psycopg2.connect(url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "UPDATE timers SET due_at = clock_timestamp() WHERE order_id = %s AND kind = %s",
                [order.name.removeprefix("orders/"), kind],
            )
            assert cursor.rowcount == 1

    def check_calls(self, number: str) -> None:
        """Assert that the platforms got their success for all they told about the number."""
        calls = until(
            lambda: self.stormy.control.calls(number=number), "something is told", COMES_WITHIN_S
        )
        assert {each["verdict"] for each in calls} == {"taken"}, calls
        assert all(each["is_right"] for each in calls)

    def check_walk(self, number: str) -> None:
        """Assert that the order entered no state twice, nor any that lies before."""
        order = self.order(number)
        assert order is not None
        walk = [
            each.new_value
            for each in self.concord.orders.list_journal(order.name)
            # An approval moves it to where it is.
            if each.kind in ("PLACED", "MOVED") and each.old_value != each.new_value
        ]
        places = [Order.State.Value(f"STATE_{each}") for each in walk]
        assert places == sorted(set(places)), walk
        assert places[-1] == order.state


def sum_of(minor: int, currency: str = "CNY") -> Money:
    """Return so many cents as a message."""
    return money(f"{minor // 100}.{minor % 100:02d}", currency)
