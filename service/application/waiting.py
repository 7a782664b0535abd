"""What happens by itself when time passes: deadlines open cases, lost receipts are sent again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.application.intake import republished
from service.application.ports import Clock, DueTimer, Encoder, Storage, Unit
from service.application.recording import Decided, record, record_acts
from service.domain.cases import Case, CaseAct, case_id_for
from service.domain.closing import orphan_case
from service.domain.deciding import expire
from service.domain.expectations import RULES
from service.domain.journal import Origin
from service.domain.terms import USUAL, Terms

# One claim holds row locks on this many orders at most: about a quarter of a second's work.
CLAIM_MOST: Final = 50
# A receipt without outcome is published again after 1, 3, 7, 15 … minutes, ten times in all:
# the last one 17 hours after the first. Then it stays listed as waiting, for a person to retry.
STALE_AFTER: Final = timedelta(seconds=60)
PUBLISHED_MOST: Final = 11

# Ten days longer than the longest time over which a provider repeats a message.
ANSWERS_KEPT: Final = timedelta(days=40)
FORGOTTEN_MOST: Final = 1_000

_SYSTEM: Final = Origin("system", "system")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Works off deadlines and stale receipts, a bounded claim at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms = USUAL

    def expire_due(self) -> int:
        """Open the cases of deadlines that passed; return how many deadlines were dealt with."""

        def work(unit: Unit) -> int:
            now = self.clock()
            due = unit.claim_timers(now, most=CLAIM_MOST)
            dossiers = unit.open_dossiers(sorted({each.order_id for each in due}))
            decided = []
            for timer in due:
                verdict = expire(
                    dossiers[timer.order_id],
                    timer.kind,
                    timer.wait,
                    at=now,
                    terms=self.terms,
                    before=_case_of(unit, timer),
                )
                order = verdict.dossier.order
                if order is not None and verdict.changes:
                    decided.append(
                        Decided(
                            order=order,
                            changes=tuple((each, _SYSTEM) for each in verdict.changes),
                            acts=tuple((each, _SYSTEM) for each in verdict.acts),
                        )
                    )
                unit.finish_timer(timer, at=now)
            for each in decided:
                # One at a time: two deadlines of one order number their rows one after another.
                fresh = unit.open_dossiers([each.order.order_id])[each.order.order_id].order
                if fresh is not None:
                    again = Decided(order=fresh, changes=each.changes, acts=each.acts)
                    record(unit, [again], encoder=self.encoder, at=now)
            return len(due)

        return self.storage.transact(work)

    def report_orphans(self) -> int:
        """Open the cases of money that waits too long for its order; return how many."""

        def work(unit: Unit) -> int:
            now = self.clock()
            found = unit.orphans(now - self.terms.orphaned_after, most=CLAIM_MOST)
            if not found:
                return 0
            # Under the lock that an order's creation takes: it is told of, or it is not.
            owners = unit.lock_refs(found)
            cases = [
                orphan_case(ref, at=now, catalogue=self.terms.catalogue)
                for ref in found
                if owners[ref] is None
            ]
            fresh = [each for each in cases if not unit.case_exists(each.case_id)]
            acts = [
                (CaseAct(each, "OPENED", "system", now, each.subject), _SYSTEM) for each in fresh
            ]
            record_acts(unit, acts, encoder=self.encoder)
            return len(fresh)

        return self.storage.transact(work)

    def republish_stale(self) -> int:
        """Publish receipts again that have no outcome for too long; return how many."""

        def work(unit: Unit) -> int:
            stale = unit.stale_receipts(self.clock(), STALE_AFTER, most=500, times=PUBLISHED_MOST)
            unit.publish([republished(*each) for each in stale])
            return len(stale)

        return self.storage.transact(work)

    def forget_answers(self) -> int:
        """Delete old answers to requests, a bounded number at a time; return how many."""

        def work(unit: Unit) -> int:
            return unit.forget_requests(self.clock() - ANSWERS_KEPT, most=FORGOTTEN_MOST)

        return self.storage.transact(work)


def _case_of(unit: Unit, timer: DueTimer) -> Case | None:
    """Return the case that the same wait had before; its order is locked."""
    case_id = case_id_for(timer.order_id, RULES[timer.kind].case_type, timer.wait)
    return unit.lock_case(case_id) if unit.case_exists(case_id) else None
