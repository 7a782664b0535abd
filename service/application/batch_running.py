"""Works batches off: a few orders at a time, all that happens to them in one transaction.

1. Claim orders that are due of a running batch; who holds the batch's row waits for us, and who
   changes it is not waited for. So once a pause is answered, nothing more happens.
2. Pass over orders that somebody has locked; they come again in a second.
3. Bring about each step that is left, and write down that it was done, by its key.

Killed anywhere, all of it is taken back, and done anew by whoever comes next: what orders got,
what is queued to be sent and the list itself are one transaction. A step that is refused leaves
its order FAILED with the reason; the steps before it stay done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.batch_effects import BatchEffects
from service.application.batch_ports import Brought
from service.application.ports import Clock, Encoder, Storage, Unit
from service.domain.desk.batch_errors import OrderMovedOnError
from service.domain.desk.batches import Batch, BatchAct, BatchStep, Member
from service.domain.desk.catalogue import CouponKind
from service.domain.errors import OrderError
from service.domain.order import Order
from service.domain.terms import USUAL, Terms

# Three steps of 20 orders are a third of a second's work: for so long a pause waits, and so much
# is done anew after a kill.
CLAIM_MOST: Final = 20
FINISH_MOST: Final = 10
# Until an order is looked at again that somebody has locked.
LOOK_AGAIN: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class BatchRunning:
    """Works off running batches, a bounded claim at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    coupons: Mapping[str, CouponKind]
    terms: Terms = USUAL

    def work_off(self) -> int:
        """Do what is due of one batch; return for how many orders."""

        def work(unit: Unit) -> int:
            now = self.clock()
            claimed = unit.claim_members(now, most=CLAIM_MOST)
            if claimed is None:
                return 0
            batch, members = claimed
            free = unit.free_dossiers([each.order_id for each in members])
            brought: list[Brought] = []
            after = []
            for each in members:
                order = free[each.order_id].order if each.order_id in free else None
                if order is None:
                    after.append(replace(each, due_at=now + LOOK_AGAIN))
                    continue
                effects = BatchEffects(unit, self.encoder, batch, self.coupons, now, self.terms)
                after.append(_worked(each, order, batch, effects.bring, brought, now))
            unit.bring(brought)
            unit.save_members(after)
            return len(members)

        return self.storage.transact(work)

    def finish(self) -> int:
        """End batches of which no order waits any more; return how many."""

        def work(unit: Unit) -> int:
            now = self.clock()
            found = unit.finished_batches(most=FINISH_MOST)
            for each in found:
                unit.save_batch(each.acted(BatchAct.FINISH, at=now))
            return len(found)

        return self.storage.transact(work)


def _worked(
    member: Member,
    order: Order,
    batch: Batch,
    bring: Callable[[Order, BatchStep], str],
    brought: list[Brought],
    now: datetime,
) -> Member:
    """Do the steps that are left for one order; return what became of it."""
    steps = batch.template.steps
    done = member.next_step
    try:
        _refuse_moved_on(order, batch)
        for step in steps[done:]:
            what = bring(order, step)
            brought.append(Brought(batch.batch_id, order.order_id, step.name, what, now))
            done += 1
    except OrderError as error:
        return replace(member, next_step=done).failed(error.reason, str(error), at=now)
    return member.after(done, of=len(steps), at=now)


def _refuse_moved_on(order: Order, batch: Batch) -> None:
    if order.state not in batch.template.states:
        states = tuple(each.value for each in batch.template.states)
        raise OrderMovedOnError(order=order.order_id, state=order.state.value, states=states)
