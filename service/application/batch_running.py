"""Works batches off: a few orders at a time, all that happens to them in one transaction.

1. Claim orders that are due of a running batch; who holds the batch's row waits for us, and who
   changes it is not waited for. So once a pause is answered, nothing more happens.
2. Pass over orders that somebody has locked; they come again in a second.
3. Bring about each step that is left, and write down that it was done, by its key.

Killed anywhere, all of it is taken back, and done anew by whoever comes next: what orders got,
what is queued to be sent and the list itself are one transaction. A step that is refused leaves
its order FAILED with the reason; the steps before it stay done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.batch_effects import BatchEffects
from service.application.batch_ports import Brought
from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.recording import Decided, record
from service.domain.changes import Change, ChangeKind, Named
from service.domain.desk.batch_errors import OrderMovedOnError
from service.domain.desk.batches import Batch, BatchAct, BatchStep, Member, MemberState
from service.domain.errors import OrderError, OutageError
from service.domain.journal import Origin
from service.domain.order import Order
from service.domain.terms import Terms

SOURCE: Final = "batch"
# Three steps of 20 orders are a third of a second's work: for so long a pause waits, and so much
# is done anew after a kill.
CLAIM_MOST: Final = 20
FINISH_MOST: Final = 10
# Until an order is looked at again that somebody has locked.
LOOK_AGAIN: Final = timedelta(seconds=1)
# A list is confirmed by the next day, or what is on it is not true any more.
FROZEN_FOR: Final = timedelta(hours=24)
DEFECT: Final = "INTERNAL_ERROR"
ADVICE: Final = "a defect of ours; the service's log has it"


@dataclass(frozen=True, slots=True)
class BatchRunning:
    """Works off running batches, a bounded claim at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms
    # Is told of what failed by a defect of ours.
    parted: Callable[[Exception], None] = lambda _error: None

    def work_off(self) -> int:
        """Do what is due of one batch; return for how many orders.

        Where that fails by a defect of ours, orders are taken one by one, so that the others go
        on: the one at which it fails again is FAILED, for people to see.
        """
        try:
            return self.storage.transact(lambda unit: len(self._claimed(unit, CLAIM_MOST)))
        except OutageError:
            raise
        except Exception as error:  # noqa: BLE001  # each is done alone, and fails by itself
            self.parted(error)
        return self._alone()

    def _alone(self) -> int:
        taken: list[Member] = []

        def work(unit: Unit) -> int:
            taken.clear()
            return len(self._claimed(unit, 1, taken))

        def give_up(unit: Unit) -> int:
            claimed = unit.claim_members(self.clock(), most=1)
            # Somebody else may have taken it meanwhile.
            if claimed is not None and claimed[1] == taken:
                broken = [each.failed(DEFECT, ADVICE, at=self.clock()) for each in taken]
                unit.save_members(broken)
            return 1

        try:
            return self.storage.transact(work)
        except OutageError:
            raise
        except Exception as error:  # noqa: BLE001  # it is kept as failed, and told
            self.parted(error)
        return self.storage.transact(give_up)

    def _claimed(
        self, unit: Unit, most: int, taken: list[Member] | None = None
    ) -> Sequence[Member]:
        """Work off members of one batch; `taken` is told of them before anything is done."""
        now = self.clock()
        claimed = unit.claim_members(now, most=most)
        if claimed is None:
            return ()
        batch, members = claimed
        if taken is not None:
            taken[:] = members
        free = unit.free_dossiers([each.order_id for each in members])
        brought: list[Brought] = []
        after = []
        for each in members:
            order = free[each.order_id].order if each.order_id in free else None
            if order is None:
                after.append(replace(each, due_at=now + LOOK_AGAIN))
                continue
            effects = BatchEffects(unit, self.encoder, batch, now, self.terms)
            after.append(_worked(each, order, batch, effects.bring, brought, now))
        unit.bring(brought)
        unit.save_members(after)
        self._note(unit, batch, [each for each in after if each.state is MemberState.DONE], now)
        return members

    def _note(self, unit: Unit, batch: Batch, done: Sequence[Member], now: datetime) -> None:
        """Write into the journals of orders that all was done: coupons and notices leave no row."""
        dossiers = unit.open_dossiers([each.order_id for each in done])
        steps = ", ".join(each.name for each in batch.template.steps)
        row = Change(
            kind=ChangeKind.NOTED,
            detail=Named("batch"),
            occurred_at=now,
            source=SOURCE,
            new=batch.template.key,
            reason=f"{batch.batch_id}: {steps}",
        )
        origin = Origin(batch.confirmer, batch.role)
        decided = [
            Decided(order=replace(each.order, updated_at=now), changes=((row, origin),))
            for each in dossiers.values()
            if each.order is not None
        ]
        record(unit, decided, encoder=self.encoder, at=now)

    def finish(self) -> int:
        """End batches of which no order waits any more, or that nobody confirmed; return how many.

        A list that waits for ever would keep its orders from every other batch.
        """

        def work(unit: Unit) -> int:
            now = self.clock()
            found = unit.finished_batches(most=FINISH_MOST)
            for each in found:
                unit.save_batch(each.acted(BatchAct.FINISH, at=now))
            stale = unit.stale_batches(now - FROZEN_FOR, most=FINISH_MOST)
            for each in stale:
                unit.save_batch(each.acted(BatchAct.CANCEL, at=now))
            return len(found) + len(stale)

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
