"""What each source holds an order to be, and how that stands to the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from service.domain.contradictions import Discrepancy
from service.domain.facts import PROVES, Fact
from service.domain.lifecycle import ROAD, State
from service.domain.truth import Truth


@unique
class Standing(Enum):
    """How a claim stands to the truth."""

    AGREES = "AGREES"
    BEHIND = "BEHIND"
    CONTRADICTS = "CONTRADICTS"


@dataclass(frozen=True, slots=True)
class Claim:
    """The latest state that one source holds the order to be in."""

    source: str
    state: State
    occurred_at: datetime
    recorded_at: datetime | None
    voucher: str
    standing: Standing


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
        )
        for source, fact in sorted(latest.items())
    )


def _weight(fact: Fact) -> int:
    state = PROVES.get(fact.kind)
    return -1 if state is None else len(ROAD) if state is State.CANCELLED else ROAD.index(state)


def _standing(fact: Fact, truth: Truth, disputed: frozenset[str]) -> Standing:
    state = PROVES[fact.kind]
    if fact.fact_id in disputed and state is not truth.state:
        return Standing.CONTRADICTS
    return Standing.AGREES if state is truth.state else Standing.BEHIND
