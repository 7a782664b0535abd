"""Gives probes to those who ask, takes what came of it, and finds orders that nobody asks about.

A report touches the probe's own row only, unless it ends the schedule or calls for a person:

1. read the probe, and see what the report makes of it;
2. if that needs a case, lock the order first, as everybody does who decides about one;
3. lock the probe, apply the report, and open the case with it.

If we crash before the commit, the lease ends by itself and the provider is asked once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.probe_ports import Claim
from service.application.recording import Decided, record
from service.domain.cases import case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.closing import raised
from service.domain.deciding import Dossier
from service.domain.errors import ContentionError, OrderNotFoundError, ProbeNotFoundError
from service.domain.inquiries import inquiries
from service.domain.journal import Origin
from service.domain.probing import (
    Probe,
    ProbeState,
    Report,
    case_type_of,
    reported,
    run_now,
)
from service.domain.terms import USUAL, Terms
from service.domain.truth import derive

# Each locks a row: 200 orders are locked and weighed in about a second.
SWEPT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Probing:
    """The use cases of probes."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms = USUAL

    def claim(
        self, lease: str, *, most: int, lease_for: timedelta, providers: Sequence[str] = ()
    ) -> list[Probe]:
        """Lease probes that are due."""

        def work(unit: Unit) -> list[Probe]:
            now = self.clock()
            wanted = Claim(lease, now + lease_for, most, tuple(providers))
            return unit.claim_probes(wanted, now)

        # Run again, it would lease others beside those of which nobody is told.
        return self.storage.transact(work, is_repeatable=False)

    def report(self, probe_id: str, report: Report, origin: Origin) -> tuple[Probe, Probe]:
        """Take what came of asking; return the probe before and after.

        Raises:
            ProbeNotFoundError: there is no such probe.
            LeaseLostError: it is not claimed under this lease.
        """

        def work(unit: Unit) -> tuple[Probe, Probe]:
            now, schedules = self.clock(), self.terms.schedules
            seen = unit.find_probe(probe_id)
            foreseen = reported(seen, report, schedules, at=now)
            dossier = None
            if _may_need_case(seen, foreseen):
                dossier = unit.open_dossiers([seen.order_id])[seen.order_id]
            before = unit.lock_probe(probe_id)
            after = reported(before, report, schedules, at=now)
            if _may_need_case(before, after):
                if dossier is None:
                    # Somebody changed it in between: begin again, and lock the order first.
                    raise ContentionError
                self._open_case(unit, dossier, before, after, origin)
            if after != before:
                unit.keep_probes([after])
            return before, after

        return self.storage.transact(work)

    def run(self, order_id: str) -> list[Probe]:
        """Make every armed or exhausted probe of an order due now.

        Raises:
            OrderNotFoundError: there is no such order.
            ProbeNotFoundError: there is nothing to ask.
        """

        def work(unit: Unit) -> list[Probe]:
            now = self.clock()
            if unit.open_dossiers([order_id])[order_id].order is None:
                raise OrderNotFoundError(order=order_id)
            known = unit.lock_probes([order_id]).get(order_id, ())
            due = [run_now(each, at=now) for each in known if each.state is not ProbeState.DISARMED]
            if not due:
                raise ProbeNotFoundError(probe=f"of {order_id}")
            unit.keep_probes(due)
            return due

        return self.storage.transact(work)

    def sweep(self, after: str) -> tuple[int, str]:
        """Arm what is missing, of the orders behind `after`; return how many, and how far it came.

        An order that waits for money has its probes since its facts were weighed. The sweep is
        the net below that: for orders of before there were probes, or of before a channel's
        money had a route. What it finds it weighs as it is, and so arms what stands.
        """

        def work(unit: Unit) -> tuple[int, str]:
            now = self.clock()
            found = unit.unprobed_orders(after, most=SWEPT_MOST)
            dossiers = unit.open_dossiers(found)
            decided = [each for order_id in found if (each := self._rearmed(dossiers[order_id]))]
            record(unit, decided, encoder=self.encoder, at=now)
            return len(decided), found[-1] if len(found) == SWEPT_MOST else ""

        return self.storage.transact(work)

    def _rearmed(self, dossier: Dossier) -> Decided | None:
        truth = derive(dossier.facts)
        if dossier.order is None or truth is None:
            return None
        asked = inquiries(dossier.facts, truth, self.terms)
        if not asked:
            return None
        return Decided(order=dossier.order, inquiries=asked, schedules=self.terms.schedules)

    def _open_case(
        self, unit: Unit, dossier: Dossier, before: Probe, after: Probe, origin: Origin
    ) -> None:
        truth = derive(dossier.facts)
        case_type = case_type_of(before, after, truth) if truth else ""
        if dossier.order is None or not case_type:
            return
        inquiry = after.inquiry
        case_id = case_id_for(dossier.order_id, case_type, inquiry.key)
        # A wrong key refuses every question of its account: one case tells of it.
        if case_type == "PROBE_REFUSED" and unit.has_open_refusal(
            inquiry.provider, inquiry.account
        ):
            return
        at = self.clock()
        known = unit.lock_case(case_id) if unit.case_exists(case_id) else None
        fresh = open_case(
            case_id, dossier.order_id, case_type, at=at, catalogue=self.terms.catalogue
        )
        act = raised(fresh, known, at=at, text=_told(after))
        if act is None:
            return
        change = Change(
            kind=ChangeKind.CASE_CHANGED,
            detail=Named(case_id, act.act),
            occurred_at=at,
            source="system",
            new=case_type,
            reason=f"asked {inquiry.provider} in vain",
            voucher=inquiry.refund,
        )
        decided = Decided(order=dossier.order, changes=((change, origin),), acts=((act, origin),))
        record(unit, [decided], encoder=self.encoder, at=at)


def _may_need_case(before: Probe, after: Probe) -> bool:
    """Tell whether a person may have to act, before anybody looks at the order."""
    ends = after.state is ProbeState.EXHAUSTED and before.state is ProbeState.ARMED
    return ends or after.refused > before.refused


def _told(probe: Probe) -> str:
    inquiry = probe.inquiry
    result = probe.last_result.value if probe.last_result else "nothing"
    code = f" ({probe.last_code})" if probe.last_code else ""
    about = f"refund {inquiry.refund}" if inquiry.refund else f"trade {inquiry.trade}"
    since = probe.armed_at.isoformat(timespec="seconds")
    return (
        f"{inquiry.provider}, {about}: asked {probe.asked} times since {since}; last {result}{code}"
    )
