"""What merchants, buyers and the platforms' own staff can do with trades, whatever the platform.

Everything that changes a trade goes through here; whoever must be told is told by `tell`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from deploy.local.platforms.behaviour import Behaviours
from deploy.local.platforms.clock import Clock
from deploy.local.platforms.timeline import Timeline
from deploy.local.platforms.trades import (
    Book,
    Event,
    Refund,
    RefundState,
    RefusedError,
    Trade,
    TradeState,
)

Tell = Callable[[Event, Trade, Refund | None], None]

OPEN: Final = frozenset({TradeState.WAITING, TradeState.PAYING, TradeState.FAILED})

# What may be done to a trade from outside, from which states, and what it becomes.
MOVES: Final[Mapping[str, tuple[frozenset[TradeState], TradeState, Event]]] = {
    "begin": (OPEN, TradeState.PAYING, Event.BEGUN),
    "pay": (OPEN | {TradeState.AUTHORISED}, TradeState.PAID, Event.PAID),
    "authorise": (OPEN, TradeState.AUTHORISED, Event.AUTHORISED),
    "fail": (OPEN, TradeState.FAILED, Event.FAILED),
    "close": (OPEN | {TradeState.AUTHORISED}, TradeState.CLOSED, Event.CLOSED),
    "finish": (frozenset({TradeState.PAID}), TradeState.FINISHED, Event.FINISHED),
}


class Desk:
    """The money of all platforms."""

    def __init__(
        self, clock: Clock, book: Book, behaviours: Behaviours, timeline: Timeline, tell: Tell
    ) -> None:
        self.clock = clock
        self.book = book
        self.behaviours = behaviours
        self._timeline = timeline
        self._tell = tell

    def create(self, trade: Trade) -> None:
        """Take a trade in.

        Raises:
            RefusedError: `exists`: its number or handle is taken.
        """
        same = self.book.all_of(trade.provider, trade.account, trade.number)
        if any(each.handle == trade.handle for each in same):
            raise RefusedError("exists", f"there is a trade {trade.handle or trade.number}")
        self.book.add(trade)
        self._tell(Event.CREATED, trade, None)

    def move(self, trade: Trade, name: str, *, in_s: float = 0.0) -> None:
        """Do to a trade what `MOVES` names, at once or after so much provider time.

        Raises:
            RefusedError: `state`: that cannot be done to a trade in its state. Later it does
                nothing instead: the buyer came too late.
        """
        if in_s > 0:
            self._timeline.after(in_s, lambda: self._move_late(trade, name))
            return
        states, becomes, event = MOVES[name]
        if trade.state not in states:
            raise RefusedError("state", f"cannot {name} a trade that is {trade.state}")
        trade.state = becomes
        trade.was_authorised |= becomes is TradeState.AUTHORISED
        if becomes is TradeState.PAID:
            trade.paid = self.clock.moment()
        if becomes is TradeState.CLOSED:
            trade.closed = self.clock.moment()
        self._tell(event, trade, None)

    def refund(
        self,
        trade: Trade,
        *,
        number: str,
        id: str,  # The platform's own word, as of trades.
        amount_minor: int,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[Refund, bool]:
        """Return the refund of that number, and whether it was asked for just now.

        Raises:
            RefusedError: `reused`: the number belongs to another refund. `state`: the trade is
                not paid, or no longer refundable. `amount`: there is not so much left of it.
        """
        known = self.book.find_refund(trade.provider, trade.account, number)
        if known is not None:
            if known.trade is not trade or known.amount_minor != amount_minor:
                raise RefusedError("reused", f"refund {number} is another one")
            return known, False
        if trade.state is not TradeState.PAID:
            raise RefusedError("state", f"the trade is {trade.state}")
        if not 0 < amount_minor <= trade.amount_minor - trade.refunded_minor:
            raise RefusedError("amount", "there is not so much left of the trade")
        asked = self.clock.moment()
        refund = Refund(trade, number, id, amount_minor, asked, metadata=dict(metadata or {}))
        self.book.add_refund(refund)
        self._tell(Event.REFUND_ASKED, trade, refund)
        behaviour = self.behaviours.of(trade.provider, trade.number)
        self._settle(refund, behaviour.refund_ends, behaviour.refund_takes_s)
        return refund, True

    def settle(self, refund: Refund, state: RefundState) -> None:
        """End a refund; nothing happens to one that has ended."""
        if refund.state is RefundState.PROCESSING:
            refund.state = state
            refund.settled = self.clock.moment()
            self._tell(Event.REFUND_SETTLED, refund.trade, refund)

    def _settle(self, refund: Refund, state: RefundState, in_s: float) -> None:
        if in_s <= 0:
            self.settle(refund, state)
        else:
            self._timeline.after(in_s, lambda: self.settle(refund, state))

    def _move_late(self, trade: Trade, name: str) -> None:
        if trade.state in MOVES[name][0]:
            self.move(trade, name)
