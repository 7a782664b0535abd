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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.recording import Decided, record
from service.application.stock_desk import SOURCE, Settled, StockDesk
from service.application.stock_ports import StockBusyError, StockWork
from service.application.weighing import weigh_facts
from service.domain.cases import CaseAct, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.desk.awaited import ALLOCATED
from service.domain.desk.workflows import Awaited
from service.domain.facts import Circumstance, Fact, FactKind
from service.domain.order import Order
from service.domain.picking import lists_for
from service.domain.stock import (
    Reservation,
    Step,
    Wanted,
    needs,
    next_step,
    number_for,
    spread,
    wanted,
)
from service.domain.terms import USUAL, Terms
from service.domain.truth import derive

# One order takes about 20 ms, so that deadlines wait for half a second at most.
CLAIM_MOST: Final = 20
# What a person reads in a case; an order may have a thousand lines.
MISSING_TOLD: Final = 20
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
                unit.adopt_orders(each, at=now)
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
        desk = StockDesk(
            unit, claimed.ref, dossier.order, dossier.open_cases, truth, made, self.clock()
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
            self._close_case(desk, desk.order, "NOT_NEEDED")
        desk.unit.finish_stock_work(work.order_id)
        return settled

    def _reserve(self, desk: StockDesk, work: StockWork) -> Settled:
        asked = needs(desk.order.lines)
        stocks = desk.unit.lock_stock(list(asked), wait=False)
        if {each.sku for each in stocks} != set(asked):
            # Of some article no stock is kept: the warehouse says when it is allocated.
            desk.unit.finish_stock_work(work.order_id)
            return Settled.NOTHING
        found = spread(asked, stocks, desk.before)
        if found.missing:
            self._open_case(desk, found.missing)
            desk.wait_for(list(found.missing))
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
        self._close_case(desk, weighed.orders[work.order_id], "STOCK_CAME")
        desk.unit.finish_stock_work(work.order_id)
        return Settled.RESERVED

    def _open_case(self, desk: StockDesk, missing: Mapping[str, int]) -> None:
        if desk.unit.case_exists(desk.case_id):
            return
        case = open_case(
            desk.case_id,
            desk.order.order_id,
            "OUT_OF_STOCK",
            at=desk.at,
            catalogue=self.terms.catalogue,
        )
        told = [f"{sku}: {count} missing" for sku, count in missing.items()]
        text = ", ".join(told[:MISSING_TOLD])
        self._record(desk, desk.order, CaseAct(case, "OPENED", "system", desk.at, text), old="")

    def _close_case(self, desk: StockDesk, order: Order, outcome: str) -> None:
        case = desk.open_case
        # A workflow that waits for stock goes on by itself, to whatever it does then.
        goes_on = case is not None and Awaited.STOCK.value in case.awaits
        if case is not None and not (goes_on and order.state in ALLOCATED):
            ended = case.resolve(outcome, at=desk.at)
            act = CaseAct(ended, "RESOLVED", "system", desk.at)
            self._record(desk, order, act, old=case.type)

    def _record(self, desk: StockDesk, order: Order, act: CaseAct, *, old: str) -> None:
        change = Change(
            kind=ChangeKind.CASE_CHANGED,
            detail=Named(act.case.case_id, act.act),
            occurred_at=desk.at,
            source="system",
            old=old,
            new="RESOLVED" if old else act.case.type,
            reason=act.case.outcome,
        )
        decided = Decided(order=order, changes=((change, desk.origin),), acts=((act, desk.origin),))
        record(desk.unit, [decided], encoder=self.encoder, at=desk.at)


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
