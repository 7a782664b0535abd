"""What a platform knows of money: its trades and their refunds, by every number they go by."""

from __future__ import annotations

import enum
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.local.platforms.clock import Moment

# A day of one order a second, less than 200 MB.
TRADES_MAX: Final = 90_000


class TradeState(enum.StrEnum):
    """Where a trade is; each platform has words of its own for these."""

    WAITING = "waiting"
    """Created, and nobody has paid."""
    PAYING = "paying"
    """The buyer is typing his password."""
    AUTHORISED = "authorised"
    """The money is reserved, and comes when it is captured."""
    PAID = "paid"
    FINISHED = "finished"
    """Paid, and the time in which it could be refunded is over."""
    CLOSED = "closed"
    """Closed unpaid."""
    FAILED = "failed"
    """The attempt failed."""


class RefundState(enum.StrEnum):
    """Where a refund is."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    """Nothing went back."""
    FAILED = "failed"
    """The money left and the card refused it."""


class Event(enum.StrEnum):
    """What a platform may send a notice about."""

    CREATED = "created"
    BEGUN = "begun"
    AUTHORISED = "authorised"
    PAID = "paid"
    FINISHED = "finished"
    CLOSED = "closed"
    FAILED = "failed"
    REFUND_ASKED = "refund_asked"
    REFUND_SETTLED = "refund_settled"


class RefusedError(Exception):
    """The platform does not do that; the reason is one word that its answer is chosen by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True, eq=False)
class Refund:
    """Money that goes back, or should."""

    trade: Trade
    number: str
    """The merchant's."""
    id: str
    """The platform's."""
    amount_minor: int
    asked: Moment
    state: RefundState = RefundState.PROCESSING
    settled: Moment | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """Return it as the control API tells it."""
        return {
            "number": self.number,
            "id": self.id,
            "amount_minor": self.amount_minor,
            "state": self.state.value,
            "asked_at": self.asked.at.isoformat(),
            "settled_at": self.settled.at.isoformat() if self.settled else None,
        }


@dataclass(slots=True, eq=False)
class Trade:
    """One attempt to be paid."""

    provider: str
    account: str
    number: str
    """The merchant's."""
    handle: str
    """What the platform needs beside that number to find it: UnionPay's txnTime, Stripe's id."""
    id: str
    """The platform's; for most of them it exists from the payment on."""
    amount_minor: int
    currency: str
    created: Moment
    notify_url: str
    subject: str = ""
    dialect: str = ""
    """Which of several generations of a platform it was made with: `v2` for WeChat Pay's."""
    state: TradeState = TradeState.WAITING
    was_authorised: bool = False
    paid: Moment | None = None
    closed: Moment | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded_minor(self) -> int:
        """What went back, or is on its way."""
        gone = (RefundState.PROCESSING, RefundState.SUCCEEDED)
        return sum(each.amount_minor for each in self.refunds.values() if each.state in gone)

    @property
    def is_paid(self) -> bool:
        """Whether the merchant has, or had, the money."""
        return self.state in (TradeState.PAID, TradeState.FINISHED)

    def described(self) -> dict[str, Any]:
        """Return it as the control API tells it."""
        return {
            "provider": self.provider,
            "account": self.account,
            "number": self.number,
            "handle": self.handle,
            "id": self.id,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "state": self.state.value,
            "created_at": self.created.at.isoformat(),
            "paid_at": self.paid.at.isoformat() if self.paid else None,
            "paid_wall": self.paid.stamp.isoformat() if self.paid else None,
            "closed_at": self.closed.at.isoformat() if self.closed else None,
            "refunds": [each.described() for each in self.refunds.values()],
        }


class Book:
    """All trades of all platforms, found by the merchant's number or the platform's.

    A number may be used again where the handle tells trades apart; it then leads to the newest.
    The oldest are forgotten when there are too many.
    """

    def __init__(self) -> None:
        self._trades: deque[Trade] = deque()
        self._by_number: dict[tuple[str, str, str], list[Trade]] = {}
        self._by_name: dict[tuple[str, str, str], Trade] = {}
        self._refunds: dict[tuple[str, str, str], Refund] = {}

    def add(self, trade: Trade) -> None:
        """Take a trade in."""
        if len(self._trades) == TRADES_MAX:
            self._forget(self._trades.popleft())
        self._trades.append(trade)
        owner = (trade.provider, trade.account, trade.number)
        self._by_number.setdefault(owner, []).append(trade)
        for name in (trade.number, trade.id):
            if name:
                self._by_name[trade.provider, trade.account, name] = trade

    def _forget(self, trade: Trade) -> None:
        owner = (trade.provider, trade.account)
        same = self._by_number[(*owner, trade.number)]
        same.remove(trade)
        if not same:
            del self._by_number[(*owner, trade.number)]
        for name in (trade.number, trade.id):
            if self._by_name.get((*owner, name)) is trade:
                del self._by_name[(*owner, name)]
        for refund in trade.refunds.values():
            self._refunds.pop((*owner, refund.number), None)
            self._refunds.pop((*owner, refund.id), None)

    def add_refund(self, refund: Refund) -> None:
        """Take a refund in."""
        refund.trade.refunds[refund.number] = refund
        owner = (refund.trade.provider, refund.trade.account)
        self._refunds[(*owner, refund.number)] = refund
        self._refunds[(*owner, refund.id)] = refund

    def find(self, provider: str, account: str, name: str) -> Trade | None:
        """Return the trade of any of its names."""
        return self._by_name.get((provider, account, name))

    def all_of(self, provider: str, account: str, number: str) -> list[Trade]:
        """Return every trade of a number, the oldest first."""
        return list(self._by_number.get((provider, account, number), ()))

    def find_refund(self, provider: str, account: str, name: str) -> Refund | None:
        """Return the refund of any of its names."""
        return self._refunds.get((provider, account, name))

    def __iter__(self) -> Iterator[Trade]:
        return iter(self._trades)

    def __len__(self) -> int:
        return len(self._trades)


def digits(count: int) -> str:
    """Return random digits that do not begin with 0."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def letters(count: int) -> str:
    """Return random letters and digits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(secrets.choice(alphabet) for _ in range(count))
