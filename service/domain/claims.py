"""What each source holds an order to be, and how that stands to the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from service.domain.contradictions import Discrepancy
from service.domain.facts import PROVES, Circumstance, Fact
from service.domain.lifecycle import ROAD, State
from service.domain.truth import Truth


@unique
class Standing(Enum):
    """How a claim stands to the truth."""

    AGREES = "AGREES"
    BEHIND = "BEHIND"
    CONTRADICTS = "CONTRADICTS"


@unique
class Learnt(Enum):
    """How a claim reached us."""

    TOLD = "TOLD"
    """The source itself told it."""
    ASKED = "ASKED"
    """A probe asked for it."""
    FILE = "FILE"
    """It stood in a file of the day before."""
    COMMAND = "COMMAND"
    """A caller said so."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The latest state that one source holds the order to be in."""

    source: str
    state: State
    occurred_at: datetime
    recorded_at: datetime | None
    voucher: str
    standing: Standing
    learnt: Learnt = Learnt.TOLD


def claims(facts: Sequence[Fact], truth: Truth, found: Sequence[Discrepancy]) -> tuple[Claim, ...]:
    """Return one claim for each source that said something about the state, by name."""
    latest: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda each: (_weight(each), each.when)):
        if fact.kind in PROVES:
            latest[fact.source] = fact
    disputed = frozenset().union(*(each.evidence for each in found)) if found else frozenset()
    return tuple(
        Claim(
            source=source,
            state=PROVES[fact.kind],
            occurred_at=fact.occurred_at,
            recorded_at=fact.recorded_at,
            voucher=fact.voucher,
            standing=_standing(fact, truth, disputed),
            learnt=_learnt(_first_told(fact, facts)),
        )
        for source, fact in sorted(latest.items())
    )


def _first_told(latest: Fact, facts: Sequence[Fact]) -> Fact:
    """Return which of the facts that say the same was here first: that one told us."""
    same = [
        each
        for each in facts
        if (each.source, each.kind, each.voucher) == (latest.source, latest.kind, latest.voucher)
        and each.recorded_at is not None
    ]
    return min(same, key=lambda each: (each.recorded_at, each.fact_id), default=latest)


def _learnt(fact: Fact) -> Learnt:
    if Circumstance.LEARNT_BY_QUERY in fact.circumstances:
        return Learnt.ASKED
    if Circumstance.LEARNT_BY_FILE in fact.circumstances:
        return Learnt.FILE
    # What came in has its receipt; what follows from a command has none.
    return Learnt.TOLD if fact.receipt_id else Learnt.COMMAND


def _weight(fact: Fact) -> int:
    state = PROVES.get(fact.kind)
    return -1 if state is None else len(ROAD) if state is State.CANCELLED else ROAD.index(state)


def _standing(fact: Fact, truth: Truth, disputed: frozenset[str]) -> Standing:
    state = PROVES[fact.kind]
    if fact.fact_id in disputed and state is not truth.state:
        return Standing.CONTRADICTS
    return Standing.AGREES if state is truth.state else Standing.BEHIND
