"""What a shop sold, whatever the platform: orders, how they change, and since when.

Times are aware; each platform writes them its own way. An order is found by when it last changed,
as on all these platforms.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

Clock = Callable[[], datetime]


class State(enum.StrEnum):
    """How far an order is."""

    WAITING = "waiting"
    """For its payment."""
    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    """Before it was paid."""
    REFUNDED = "refunded"
    """All of it, after it was paid."""


@dataclass(frozen=True, slots=True)
class Line:
    """Some pieces of one thing."""

    sku: str
    title: str
    quantity: int
    price_minor: int
    """Of one piece."""


@dataclass(slots=True)
class Refund:
    """Money that a buyer wants back."""

    number: str
    amount_minor: int
    asked: datetime
    changed: datetime
    is_done: bool = False


@dataclass(slots=True, kw_only=True)
class Order:
    """What one buyer bought at once."""

    number: str
    lines: tuple[Line, ...]
    created: datetime
    changed: datetime
    state: State = State.WAITING
    paid: datetime | None = None
    shipped: datetime | None = None
    ended: datetime | None = None
    waybill: str = ""
    buyer: str = "buyer-1"
    receiver: Mapping[str, str] = field(default_factory=lambda: RECEIVER)
    discount_minor: int = 0
    freight_minor: int = 0
    refunds: list[Refund] = field(default_factory=list)

    @property
    def goods_minor(self) -> int:
        """What the goods cost without any discount."""
        return sum(each.price_minor * each.quantity for each in self.lines)

    @property
    def total_minor(self) -> int:
        """What the buyer pays."""
        return self.goods_minor + self.freight_minor - self.discount_minor


RECEIVER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "王芳",
        "phone": "13800138000",
        "province": "浙江省",
        "city": "杭州市",
        "district": "西湖区",
        "address": "文三路1号",
    }
)
# What may be done to an order from outside: from which states, and what it becomes.
MOVES: Final[Mapping[str, tuple[frozenset[State], State]]] = MappingProxyType(
    {
        "pay": (frozenset({State.WAITING}), State.PAID),
        "ship": (frozenset({State.PAID}), State.SHIPPED),
        "complete": (frozenset({State.SHIPPED}), State.COMPLETED),
        "cancel": (frozenset({State.WAITING}), State.CANCELLED),
    }
)
PIECE: Final = Line("SKU-1", "棉质T恤 白色 L", 1, 9900)


class RefusedError(Exception):
    """That cannot be done to an order in its state, or there is no such order."""


class Shop:
    """One shop on one platform."""

    def __init__(self, platform: str, clock: Clock) -> None:
        self.platform = platform
        self._clock = clock
        self._count = itertools.count(1)
        self.orders: dict[str, Order] = {}
        self.listener: Callable[[str, Order], None] | None = None
        """Is told what happens: `create`, `pay` …"""

    def sell(
        self,
        number: str = "",
        *,
        lines: tuple[Line, ...] = (PIECE,),
        is_paid: bool = True,
        at: datetime | None = None,
        **more: Any,  # noqa: ANN401  # The other fields of an order.
    ) -> Order:
        """Take an order, now or as if it had been at some time; a taken number is refused."""
        at = at or self._clock()
        number = number or number_of(self.platform, next(self._count), at)
        if number in self.orders:
            raise RefusedError(f"there is an order {number}")
        order = Order(number=number, lines=lines, created=at, changed=at, **more)
        if is_paid:
            order.state, order.paid = State.PAID, at
        self.orders[number] = order
        self._tell("create", order)
        if is_paid:
            self._tell("pay", order)
        return order

    def move(self, number: str, name: str, at: datetime | None = None) -> Order:
        """Do to an order what `MOVES` names."""
        order = self.order(number)
        states, becomes = MOVES[name]
        if order.state not in states:
            raise RefusedError(f"cannot {name} an order that is {order.state}")
        at = at or self._clock()
        order.state, order.changed = becomes, at
        if becomes is State.PAID:
            order.paid = at
        elif becomes is State.SHIPPED:
            order.shipped, order.waybill = at, f"SF{order.number[-10:]}"
        else:
            order.ended = at
        self._tell(name, order)
        return order

    def touch(self, number: str, at: datetime | None = None) -> Order:
        """Change an order in a way that nobody cares about: a memo."""
        order = self.order(number)
        order.changed = at or self._clock()
        return order

    def refund(self, number: str, *, is_done: bool = True, at: datetime | None = None) -> Refund:
        """Let the buyer ask for all of the money, and get it."""
        order = self.order(number)
        if order.paid is None:
            raise RefusedError("it is not paid")
        at = at or self._clock()
        refund = Refund(f"7{order.number[-11:]}", order.total_minor, at, at, is_done)
        order.refunds.append(refund)
        order.changed = at
        if is_done:
            order.state, order.ended = State.REFUNDED, at
        self._tell("refund", order)
        return refund

    def order(self, number: str) -> Order:
        """Return an order by its number."""
        if number not in self.orders:
            raise RefusedError(f"there is no order {number}")
        return self.orders[number]

    def changed(self, start: datetime, end: datetime) -> list[Order]:
        """Return the orders whose last change is in a window, both ends included, oldest first."""
        return sorted(
            (each for each in self.orders.values() if start <= cut(each.changed) <= end),
            key=lambda order: (order.changed, order.number),
        )

    def refunds(self, start: datetime, end: datetime) -> list[tuple[Order, Refund]]:
        """Return refunds that changed in a window, oldest first."""
        return sorted(
            (
                (order, refund)
                for order in self.orders.values()
                for refund in order.refunds
                if start <= cut(refund.changed) <= end
            ),
            key=lambda pair: (pair[1].changed, pair[1].number),
        )

    def _tell(self, event: str, order: Order) -> None:
        if self.listener is not None:
            self.listener(event, order)

    def __iter__(self) -> Iterator[Order]:
        """Go over all orders, in the order of their taking."""
        return iter(self.orders.values())


def cut(at: datetime) -> datetime:
    """Return a time in whole seconds, as all these platforms keep it."""
    return at.replace(microsecond=0)


class Changed(Protocol):
    """What lists page through: orders, and refunds."""

    number: str
    changed: datetime


ChangedT = TypeVar("ChangedT", bound=Changed)


def page_behind(
    found: list[ChangedT],
    mark: str,
    size: int,
    by: Callable[[ChangedT], datetime] | None = None,
) -> tuple[list[ChangedT], str]:
    """Return a page of what lies behind a mark, and the mark behind it; none on the last page.

    Cursors remember what was told last, not how many there were: what changes meanwhile goes to
    the end, and moves no other.
    """

    def place(each: ChangedT) -> str:
        at = each.changed if by is None else by(each)
        return f"{at.timestamp():018.6f}-{each.number}"

    left = sorted((each for each in found if not mark or place(each) > mark), key=place)
    shown = left[:size]
    return shown, place(shown[-1]) if len(left) > size else ""


def number_of(platform: str, count: int, at: datetime) -> str:
    """Return an order number of the platform's shape; most pass 2^53."""
    if platform == "pdd":
        return f"{at:%y%m%d}-{count:015d}"
    if platform == "amazon":
        return f"{702:03d}-{count // 10_000_000:07d}-{count % 10_000_000:07d}"
    digits = {"douyin": 19, "jd": 12, "taobao": 19, "wechat_channels": 19}.get(platform, 10)
    return str(6 * 10 ** (digits - 1) + count)


def yuan(minor: int) -> str:
    """Return an amount as decimal text of two places."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
