"""Lets the stock follow the orders: reserves for those that are paid, takes what left, gives back.

Runs in the clockwork, not in the transaction that moved the order, so that no payment or cancel
ever waits for a row that a thousand orders want (ADR 0012). For each order that is due:

1. Lease it, in a transaction of its own: nobody else looks at it until the lease is over.
2. Lock the order as everybody does, references first, then decide by where it is *then*.
3. Lock the stock rows of its articles, sorted, without waiting. Where one is taken, count that,
   commit, and begin at 2 again after a pause; after some tries the order is left for later.
4. Reserve, write the pick lists, and weigh the fact STOCK_ALLOCATED; take the order off the queue.
   All in the one transaction: if we crash before it commits, nothing happened, and the lease ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.stock_cases import StockCases
from service.application.stock_desk import SOURCE, Settled, StockDesk
from service.application.stock_ports import StockBusyError, StockWork
from service.application.stocking import adopt
from service.application.weighing import weigh_facts
from service.domain.facts import Circumstance, Fact, FactKind
from service.domain.picking import lists_for
from service.domain.stock import (
    Reservation,
    Step,
    Wanted,
    next_step,
    number_for,
    spread,
    wanted,
)
from service.domain.stock_late import lateness
from service.domain.stock_names import waits_for_mapping
from service.domain.terms import USUAL, Terms
from service.domain.truth import derive

# One order takes about 20 ms, so that deadlines wait for half a second at most.
CLAIM_MOST: Final = 20
# A transaction ends within 10 s, and a claim holds 20: whoever has not come back has died.
LEASE: Final = timedelta(seconds=60)
TRIES: Final = 5
# Full jitter between 0 and 20, 40, 80, 160 ms, as for every lost race.
BACKOFF_S: Final = 0.02
# After that many tries something holds the rows for long: a count, or a migration.
AGAIN_AFTER: Final = timedelta(seconds=1)
# No transaction is older, so none can have paid an order unseen while stock began to be kept.
SWEEP_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Allocating:
    """Works off the queue of orders whose stock must be looked at."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    # A number from 0 to 1, and how to wait so many seconds.
    chance: Callable[[], float]
    pause: Callable[[float], None]
    told: Callable[[Settled], None] = lambda _settled: None
    terms: Terms = USUAL

    def settle_due(self) -> int:
        """Look at the stock of orders that are due; return how many there were."""
        now = self.clock()
        due = self.storage.transact(
            lambda unit: unit.claim_stock_work(now, until=now + LEASE, most=CLAIM_MOST)
        )
        for each in due:
            self._settle(each)
        return len(due)

    def sweep(self) -> int:
        """Look once more for orders that were paid while stock began to be kept."""

        def work(unit: Unit) -> int:
            now = self.clock()
            skus = unit.claim_unswept(now - SWEEP_AFTER, most=CLAIM_MOST)
            for each in skus:
                adopt(unit, each, at=now)
            return len(skus)

        return self.storage.transact(work)

    def _settle(self, work: StockWork) -> None:
        for attempt in range(TRIES):
            settled = self.storage.transact(lambda unit: self._look_at(unit, work))
            self.told(settled)
            if settled is not Settled.BUSY:
                return
            self.pause(self.chance() * BACKOFF_S * 2**attempt)

    def _look_at(self, unit: Unit, claimed: StockWork) -> Settled:
        unit.lock_refs([claimed.ref])
        dossier = unit.open_dossiers([claimed.order_id])[claimed.order_id]
        work = unit.stock_work(claimed.order_id)
        truth = derive(dossier.facts)
        if work is None or dossier.order is None or truth is None:
            return Settled.NOTHING
        made = unit.reservations(work.order_id)
        order = dossier.order
        desk = StockDesk(
            unit,
            claimed.ref,
            order,
            dossier.open_cases,
            truth,
            made,
            self.clock(),
            unit.sku_names(order.channel, [each.sku for each in order.lines]),
            lateness(dossier.facts),
        )
        try:
            return self._follow(desk, work)
        except StockBusyError:
            again_at = desk.at + AGAIN_AFTER * (1 + self.chance())
            unit.put_off_stock_work(work.order_id, until=again_at, conflicts=1)
            return Settled.BUSY

    def _follow(self, desk: StockDesk, work: StockWork) -> Settled:
        step = next_step(desk.order, desk.made)
        if step is Step.RESERVE:
            return self._reserve(desk, work)
        settled = Settled.NOTHING
        if step in {Step.RELEASE, Step.TAKE}:
            settled = desk.end(step)
        elif step is Step.TAKE_UNRESERVED:
            settled = desk.take_unreserved()
        if settled is Settled.SHORT:
            return settled
        if wanted(desk.order) is not Wanted.RESERVED:
            self._cases(desk).close_all("NOT_NEEDED")
        desk.unit.finish_stock_work(work.order_id)
        return settled

    def _reserve(self, desk: StockDesk, work: StockWork) -> Settled:
        if desk.demand.unmapped:
            desk = desk.with_names_locked()
        if unmapped := desk.demand.unmapped:
            self._cases(desk).tell_unmapped(unmapped)
            desk.wait_for([waits_for_mapping(desk.order.channel, each) for each in unmapped])
            return Settled.UNMAPPED
        order = self._cases(desk).close_unmapped("MAPPED")
        return self._reserve_mapped(replace(desk, order=order), work)

    def _reserve_mapped(self, desk: StockDesk, work: StockWork) -> Settled:
        asked = desk.demand.pieces
        stocks = desk.unit.lock_stock(list(asked), wait=False)
        if {each.sku for each in stocks} != set(asked):
            # Of some article no stock is kept: the warehouse says when it is allocated.
            desk.unit.finish_stock_work(work.order_id)
            return Settled.NOTHING
        found = spread(asked, stocks, desk.before)
        if missing := desk.missing(stocks, found):
            self._cases(desk).tell_missing(missing)
            desk.wait_for(list(missing))
            return Settled.SHORT
        reservation = desk.set_aside(found.parts, stocks)
        # Where another's word approved outbound before we reserved, another also picks.
        if desk.made or not desk.order.outbound_approved:
            lists = lists_for(desk.order, reservation, at=desk.at)
            desk.unit.save_pick_lists(lists)
        fact = _allocation(desk, reservation, had_conflicts=work.conflicts > 0)
        weighed = weigh_facts(
            desk.unit,
            [fact],
            encoder=self.encoder,
            at=desk.at,
            origins={fact.fact_id: desk.origin},
            terms=self.terms,
        )
        self._cases(desk).close_short(weighed.orders[work.order_id], "STOCK_CAME")
        desk.unit.finish_stock_work(work.order_id)
        return Settled.RESERVED

    def _cases(self, desk: StockDesk) -> StockCases:
        return StockCases(desk, self.encoder, self.terms)


def _allocation(desk: StockDesk, reservation: Reservation, *, had_conflicts: bool) -> Fact:
    order = desk.order
    return Fact(
        fact_id=number_for("stk", reservation.reservation_id),
        kind=FactKind.STOCK_ALLOCATED,
        ref=desk.ref,
        source=SOURCE,
        channel=order.channel,
        occurred_at=desk.at,
        recorded_at=desk.at,
        voucher=reservation.reservation_id,
        circumstances=frozenset({Circumstance.STOCK_LOCK_RETRY} if had_conflicts else ()),
        traceparent=desk.origin.traceparent,
    )
