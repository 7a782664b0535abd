"""Probes: inquiries that wait for their time. What each attempt to ask does to one.

A probe is armed when its inquiry comes to stand, disarmed when the inquiry falls, and exhausted
when its schedule ends without evidence. It keeps its schedule however often facts are weighed.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.errors import LeaseLostError
from service.domain.inquiries import Inquiry, InquiryKind
from service.domain.lifecycle import State
from service.domain.naming import named
from service.domain.schedules import (
    Schedule,
    Schedules,
    after_missed,
    is_exhausted,
    next_due,
)
from service.domain.truth import Truth

PROBE_NAMESPACE: Final = uuid.UUID("c5b9d5b0-3a0f-5f0e-8d53-9a1f0b7e6c21")

# A provider that refuses the question three times running will refuse it a fourth time: key,
# signature or right is wrong, which waiting does not mend.
REFUSALS_MOST: Final = 3

# Never asked, or to be asked at once: these are asked before all others (`claim_probes`).
FRESH: Final = 0


@unique
class ProbeState(Enum):
    """Whether it is still asked; the names are those of `concord.probes.v1.Probe.State`."""

    ARMED = "ARMED"
    DISARMED = "DISARMED"
    EXHAUSTED = "EXHAUSTED"


@unique
class Result(Enum):
    """What an attempt brought; the names are those of `ReportProbeRequest.Result`."""

    ANSWERED = "ANSWERED"
    NOT_FOUND = "NOT_FOUND"
    UNREACHABLE = "UNREACHABLE"
    THROTTLED = "THROTTLED"
    REFUSED = "REFUSED"
    SUBMITTED = "SUBMITTED"


ANSWERS: Final = frozenset({Result.ANSWERED, Result.NOT_FOUND, Result.SUBMITTED})


@dataclass(frozen=True, slots=True)
class Probe:
    """One inquiry with its schedule."""

    probe_id: str
    order_id: str
    inquiry: Inquiry
    state: ProbeState
    armed_at: datetime
    due_at: datetime
    give_up_at: datetime
    # Which of the queues it stands in: FRESH, or its present interval in milliseconds.
    lane: int = FRESH
    asked: int = 0
    missed: int = 0
    refused: int = 0
    # The provider took the order to give money back; the rest is asking.
    submitted: bool = False
    last_ask_at: datetime | None = None
    last_result: Result | None = None
    last_code: str = ""
    # Under which it is, or was last, asked; `lease_until` is None when it was told what came.
    lease: str = ""
    lease_until: datetime | None = None

    @property
    def wake_at(self) -> datetime:
        """From when it may be claimed: when it is due, or its lease has ended."""
        return max(self.due_at, self.lease_until) if self.lease_until else self.due_at

    @property
    def submits(self) -> bool:
        """The provider must first be asked to give the money back."""
        return self.inquiry.submit and not self.submitted


@dataclass(frozen=True, slots=True)
class Report:
    """What came of asking."""

    lease: str
    result: Result
    code: str = ""
    retry_after: timedelta = timedelta()


def probe_id_for(order_id: str, key: str) -> str:
    """Return the id of the one probe of an inquiry."""
    return f"prb-{named(PROBE_NAMESPACE, f'{order_id}|{key}')}"


def armed(order_id: str, inquiry: Inquiry, schedules: Schedules, *, at: datetime) -> Probe:
    """Return a fresh probe."""
    schedule = schedules.of(inquiry.provider, inquiry.kind.value)
    return Probe(
        probe_id=probe_id_for(order_id, inquiry.key),
        order_id=order_id,
        inquiry=inquiry,
        state=ProbeState.ARMED,
        armed_at=at,
        due_at=_first_due(inquiry, schedule, at),
        give_up_at=at + schedule.give_up_after,
    )


def synced(
    order_id: str,
    known: Sequence[Probe],
    standing: Sequence[Inquiry],
    schedules: Schedules,
    *,
    at: datetime,
) -> Iterator[Probe]:
    """Yield the probes that differ now that these inquiries stand, and no others."""
    by_key = {each.inquiry.key: each for each in known}
    wanted = {each.key: each for each in standing}
    for key, inquiry in wanted.items():
        probe = by_key.get(key)
        if probe is None:
            yield armed(order_id, inquiry, schedules, at=at)
        elif (after := _standing(probe, inquiry, schedules, at)) != probe:
            yield after
    for key, probe in by_key.items():
        if key not in wanted and probe.state is not ProbeState.DISARMED:
            yield replace(probe, state=ProbeState.DISARMED)


def reported(probe: Probe, report: Report, schedules: Schedules, *, at: datetime) -> Probe:
    """Return the probe after an attempt; the same report again changes nothing.

    A lease that ran out counts as long as nobody else took the probe. What is learnt of a probe
    that was disarmed meanwhile is written down; it is not asked again.

    Raises:
        LeaseLostError: it is not claimed under this lease.
    """
    if probe.lease != report.lease:
        raise LeaseLostError(probe=probe.probe_id)
    if probe.lease_until is None:
        return probe
    answered = report.result in ANSWERS
    probe = replace(
        probe,
        asked=probe.asked + answered,
        missed=0 if answered else probe.missed + 1,
        refused=probe.refused + 1 if report.result is Result.REFUSED else 0,
        submitted=_is_submitted(probe, report.result),
        last_ask_at=at,
        last_result=report.result,
        last_code=report.code,
        lease_until=None,
    )
    if probe.state is not ProbeState.ARMED:
        return probe
    schedule = schedules.of(probe.inquiry.provider, probe.inquiry.kind.value)
    slow = probe.inquiry.slow
    due = (
        next_due(schedule, probe.asked, at, probe.give_up_at, slow=slow)
        if answered
        else after_missed(schedule, probe.missed, at, report.retry_after)
    )
    over = is_exhausted(at, probe.give_up_at, answered=answered)
    declined = probe.submits and probe.refused >= REFUSALS_MOST
    return replace(
        probe,
        due_at=due,
        lane=milliseconds(schedule.interval(probe.asked, slow=slow)),
        state=ProbeState.EXHAUSTED if over or declined else ProbeState.ARMED,
    )


def run_now(probe: Probe, *, at: datetime) -> Probe:
    """Return the probe as due now; one that is exhausted is asked once more."""
    return replace(
        probe,
        state=ProbeState.ARMED,
        due_at=min(at, probe.due_at) if probe.state is ProbeState.ARMED else at,
        lane=FRESH,
        refused=0,
    )


def case_type_of(before: Probe, after: Probe, truth: Truth) -> str:
    """Return which case the attempt calls for; none where nobody needs to act."""
    if after.state is ProbeState.EXHAUSTED and before.state is ProbeState.ARMED:
        if after.inquiry.kind is InquiryKind.REFUND:
            return "REFUND_NOT_ACCEPTED" if after.submits else "REFUND_UNCONFIRMED"
        # Paid by another trade; or called off, and the provider said that nothing came.
        called_off = truth.state is State.CANCELLED and after.last_result in ANSWERS
        return "" if truth.is_paid or called_off else "PAYMENT_UNCONFIRMED"
    if after.state is ProbeState.ARMED and before.refused < REFUSALS_MOST <= after.refused:
        return "PROBE_REFUSED"
    return ""


def milliseconds(span: timedelta) -> int:
    """Return a time span in whole milliseconds, at least one."""
    return max(1, span // timedelta(milliseconds=1))


def _standing(probe: Probe, inquiry: Inquiry, schedules: Schedules, at: datetime) -> Probe:
    fresh = armed(probe.order_id, inquiry, schedules, at=at)
    # The buyer began to pay once more, or there is something to order that was not before.
    begins_anew = inquiry.since > probe.inquiry.since or (inquiry.submit > probe.inquiry.submit)
    hurries = inquiry.urgent > probe.inquiry.urgent
    if probe.state is ProbeState.DISARMED or (
        probe.state is ProbeState.EXHAUSTED and (begins_anew or hurries)
    ):
        return replace(fresh, lease=probe.lease, lease_until=probe.lease_until)
    after = replace(probe, inquiry=inquiry)
    if probe.state is ProbeState.ARMED and (begins_anew or hurries):
        return replace(
            after,
            due_at=min(probe.due_at, fresh.due_at),
            give_up_at=max(probe.give_up_at, fresh.give_up_at),
            lane=FRESH,
        )
    return after


def _first_due(inquiry: Inquiry, schedule: Schedule, at: datetime) -> datetime:
    if inquiry.submit or inquiry.urgent:
        return at + inquiry.settles
    # News of the day before is late already; a source's clock that runs ahead puts nothing off.
    return max(at, min(inquiry.since, at) + schedule.interval(0))


def _is_submitted(probe: Probe, result: Result) -> bool:
    if result is Result.SUBMITTED:
        return True
    # It knows no such refund: it has to be asked for again, under the same number.
    return probe.submitted and result is not Result.NOT_FOUND
