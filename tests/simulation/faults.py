"""Storage that loses races, connections and whole processes, as the seed has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from service.application.ports import Clock
from service.domain.errors import ContentionError, OutageError
from tests.fakes import FakeStorage, FakeUnit
from tests.simulation.chance import Chance, Weighted

T = TypeVar("T")

# As often as storage tries (`service/postgres/storage.py`).
TRIES: Final = 5


class ProcessDiedError(BaseException):
    """The process at work is gone, and nobody was told what it had done."""


# What becomes of a transaction, in a hundred.
FATES: Final = Weighted(
    {
        "commit": 84.0,
        "conflict": 7.0,
        "unknown": 3.0,
        "dies before": 3.0,
        "dies after": 2.0,
        "outage": 1.0,
    }
)


DOOMED: Final = frozenset({"conflict", "dies before"})


class FaultyStorage(FakeStorage):
    """Storage in memory, whose transactions may come to nothing, or be done and not be known.

    `meanwhile` is what others do between two tries; `committed` is told of every commit.
    """

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        *,
        meanwhile: Callable[[], None],
        committed: Callable[[], None],
        noted: Callable[[str], None],
    ) -> None:
        super().__init__(clock)
        self.is_faulty = True
        self._chance = chance
        self._meanwhile = meanwhile
        self._committed = committed
        self._noted = noted

    def transact(
        self,
        work: Callable[[FakeUnit], T],
        *,
        still_wanted: Callable[[], bool] = lambda: True,
        is_repeatable: bool = True,
    ) -> T:
        for _ in range(TRIES):
            fate = FATES.draw(self._chance) if self.is_faulty else "commit"
            if fate != "commit":
                self._noted(fate)
            if fate == "outage":
                raise OutageError
            try:
                result = self._once(_doomed(work, fate) if fate in DOOMED else work, still_wanted)
            except ContentionError:
                self._meanwhile()
                continue
            self._committed()
            if fate == "dies after":
                raise ProcessDiedError
            if fate != "unknown":
                return result
            # The link was lost at COMMIT: what is done already may be tried again.
            if not is_repeatable:
                raise OutageError
            self._meanwhile()
        raise ContentionError


def _doomed(work: Callable[[FakeUnit], T], fate: str) -> Callable[[FakeUnit], T]:
    def doomed(unit: FakeUnit) -> T:
        work(unit)
        raise ContentionError if fate == "conflict" else ProcessDiedError

    return doomed
