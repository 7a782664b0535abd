"""How long each stage took, and why it took long: from evidence, never from a guess."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from service.domain.expectations import STAGE_LIMITS, Limits
from service.domain.facts import Circumstance, Fact
from service.domain.lifecycle import STAGES, State
from service.domain.truth import Truth

Stage = tuple[State, State]

# The first that applies, in this order, is the cause that is counted.
CAUSES: Final[Mapping[Circumstance, str]] = MappingProxyType(
    {
        Circumstance.LEARNT_BY_QUERY: "CALLBACK_FAILED",
        Circumstance.NETWORK_RETRY: "NETWORK_JITTER",
        Circumstance.STOCK_LOCK_RETRY: "STOCK_LOCK_CONFLICT",
        Circumstance.MANUAL_PICKING: "MANUAL_PICKING",
        Circumstance.LEARNT_BY_FILE: "FILE_LATE",
    }
)
OVERDUE: Final = "OVERDUE"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured stage of one order; `cause` is empty where it was normal."""

    duration: timedelta
    ended_at: datetime
    cause: str
    channel: str


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """A measure that became known, changed or was withdrawn: subtract `old`, add `new`."""

    stage: Stage
    old: Measure | None
    new: Measure | None


def measures(truth: Truth, limits: Limits = STAGE_LIMITS) -> dict[Stage, Measure]:
    """Return the stages whose both ends are proven and not inverted."""
    found: dict[Stage, Measure] = {}
    entered = truth.entered
    for begin, end in STAGES:
        if begin not in entered or end not in entered:
            continue
        first, last = entered[begin], entered[end]
        if last.occurred_at < first.occurred_at:
            continue
        duration = last.occurred_at - first.occurred_at
        cause = _told_cause(last) or (OVERDUE if duration > limits[begin] else "")
        found[begin, end] = Measure(duration, last.occurred_at, cause, truth.channel)
    return found


def _told_cause(fact: Fact) -> str:
    told = fact.circumstances
    return next((cause for each, cause in CAUSES.items() if each in told), "") if told else ""


def changed(
    old: Mapping[Stage, Measure], new: Mapping[Stage, Measure]
) -> tuple[MeasureChange, ...]:
    """Return what to subtract and add to get from the old measures to the new."""
    if old == new:
        return ()
    return tuple(
        MeasureChange(stage, old.get(stage), new.get(stage))
        for stage in STAGES
        if (stage in old or stage in new) and old.get(stage) != new.get(stage)
    )
