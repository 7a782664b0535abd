"""One order with its stock, while it is looked at: reserves, gives back, takes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.application.ports import Unit
from service.domain.cases import Case, case_id_for
from service.domain.facts import OrderRef
from service.domain.journal import Origin
from service.domain.lifecycle import State
from service.domain.order import Order
from service.domain.picking import void_reason
from service.domain.stock import (
    Part,
    Reservation,
    Spread,
    Step,
    Stock,
    left_at,
    number_for,
    spread,
    standing,
)
from service.domain.stock_names import OWN_NAMES, Demand, Names, demand
from service.domain.stock_shares import lacking
from service.domain.truth import Truth

SOURCE: Final = "inventory"

# Whoever brings stock wakes those who wait for it; this finds what that may have missed.
LOOK_AGAIN: Final = timedelta(minutes=10)


@unique
class Settled(Enum):
    """What came of looking at the stock of an order."""

    RESERVED = "reserved"
    RELEASED = "released"
    TAKEN = "taken"
    SHORT = "short"
    UNMAPPED = "unmapped"
    BUSY = "busy"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class StockDesk:
    """One order with its stock, while it is looked at."""

    unit: Unit
    # The name under which the order was locked.
    ref: OrderRef
    order: Order
    open_cases: Sequence[Case]
    truth: Truth
    made: Sequence[Reservation]
    at: datetime
    # What the channel calls things.
    names: Names = OWN_NAMES
    # How long the order had been paid when we could know of it.
    late: timedelta = timedelta()

    @property
    def origin(self) -> Origin:
        """The clockwork, in the trace that paid the order."""
        paid = self.truth.entered.get(State.PAID)
        return Origin(SOURCE, "system", "", paid.traceparent if paid else "")

    @property
    def demand(self) -> Demand:
        """What the order asks of the stock."""
        return demand(self.order.lines, self.names)

    @property
    def before(self) -> tuple[Part, ...]:
        """From where the pieces came the last time."""
        return self.made[-1].parts if self.made else ()

    @property
    def case_id(self) -> str:
        """One case for each time that the order asks for stock."""
        return case_id_for(self.order.order_id, "OUT_OF_STOCK", str(len(self.made)))

    @property
    def open_case(self) -> Case | None:
        """The case that tells of want of stock, while nobody has ended it."""
        return next((each for each in self.open_cases if each.case_id == self.case_id), None)

    def with_names_locked(self) -> "StockDesk":
        """Return the desk with what is known of names by now, and nobody else changes them.

        Whoever maps an item waits for us, or has mapped it: no order begins to wait unseen.
        """
        self.unit.lock_names(self.order.channel)
        items = [each.sku for each in self.order.lines]
        return replace(self, names=self.unit.sku_names(self.order.channel, items))

    def wait_for(self, skus: Sequence[str]) -> None:
        """Look at the order again when stock comes."""
        until = self.at + LOOK_AGAIN
        self.unit.put_off_stock_work(self.order.order_id, until=until, skus=skus)

    def set_aside(self, parts: Sequence[Part], stocks: Sequence[Stock]) -> Reservation:
        """Reserve pieces of locked stock."""
        number = number_for("rsv", self.order.order_id, str(len(self.made)))
        reservation = Reservation(number, self.order.order_id, tuple(parts), self.at)
        self._move(reservation.parts, stocks, reserved=1)
        self._share(reservation.parts, had=1)
        self.unit.save_reservation(reservation)
        return reservation

    def end(self, step: Step) -> Settled:
        """Give back what is held, or take it; nothing of it is to be picked any more."""
        held = standing(self.made)
        assert held is not None, "the step says that something is held"  # noqa: S101
        skus = sorted({each.sku for each in held.parts})
        stocks = self.unit.lock_stock(skus, wait=False)
        is_taken = step is Step.TAKE
        self._move(held.parts, stocks, reserved=-1, on_hand=-1 if is_taken else 0)
        if is_taken:
            self.unit.save_reservation(replace(held, taken_at=self.at))
            self._share(held.parts, gone=1)
        else:
            self._share(held.parts, had=-1)
            self.unit.save_reservation(replace(held, released_at=self.at))
            self.unit.wake_stock_work(skus, at=self.at)
        self._void_lists()
        return Settled.TAKEN if is_taken else Settled.RELEASED

    def take_unreserved(self) -> Settled:
        """Take what left before we could reserve it; a later count knows of it already."""
        asked = self.demand.pieces
        left = left_at(self.truth)
        stocks = [
            each
            for each in self.unit.lock_stock(list(asked), wait=False)
            if left is not None and each.counted_at <= left
        ]
        if {each.sku for each in stocks} != set(asked):
            return Settled.NOTHING
        found = spread(asked, stocks, self.before)
        if found.missing:
            # More left than the books have: they catch up when what came is written down.
            self.wait_for(list(found.missing))
            return Settled.SHORT
        reservation = self.set_aside(found.parts, stocks)
        stocks = self.unit.lock_stock(list(asked), wait=False)
        self._move(reservation.parts, stocks, reserved=-1, on_hand=-1)
        self._share(reservation.parts, gone=1)
        self.unit.save_reservation(replace(reservation, taken_at=self.at))
        return Settled.TAKEN

    def missing(self, stocks: Sequence[Stock], found: Spread) -> dict[str, int]:
        """Return what locked stock does not suffice for, or the channel's share of it."""
        on_hand = Counter[str]()
        for each in stocks:
            on_hand[each.sku] += each.on_hand
        asked = self.demand.pieces
        divided = self.unit.lock_allocations(list(asked))
        of_share = lacking(asked, on_hand, divided, self.order.channel)
        return {
            sku: max(of_share.get(sku, 0), found.missing.get(sku, 0))
            for sku in sorted({*of_share, *found.missing})
        }

    def _share(self, parts: Sequence[Part], *, had: int = 0, gone: int = 0) -> None:
        """Count pieces of locked stock for whoever has shares of it."""
        pieces = Counter[str]()
        for each in parts:
            pieces[each.sku] += each.quantity
        self.unit.keep_allocations(
            [
                each.having(self.order.channel, had * pieces[each.sku]).taken(
                    gone * pieces[each.sku]
                )
                for each in self.unit.lock_allocations(sorted(pieces))
            ]
        )

    def _void_lists(self) -> None:
        reason = void_reason(self.order)
        self.unit.save_pick_lists(
            [
                each.void(reason, at=self.at)
                for each in self.unit.lock_pick_lists(self.order.order_id)
                if not each.is_closed
            ]
        )

    def _move(
        self,
        parts: Sequence[Part],
        stocks: Sequence[Stock],
        *,
        reserved: int,
        on_hand: int = 0,
    ) -> None:
        there = {(each.sku, each.warehouse): each for each in stocks}
        moved = [
            there[part.sku, part.warehouse].moved(
                reserved=reserved * part.quantity, on_hand=on_hand * part.quantity, at=self.at
            )
            for part in parts
        ]
        self.unit.save_stock(moved)
