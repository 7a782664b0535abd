"""Worlds in which one rule is broken: if their seeds end well, the simulation sees nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from service.application.ports import Answer, DueTimer
from service.domain.deciding import Dossier
from tests.fakes import FakeUnit
from tests.simulation.faults import FaultyStorage
from tests.simulation.world import Broken

T = TypeVar("T")


class BrokenStorage(FaultyStorage):
    """Runs work on units that break a rule."""

    def transact(
        self,
        work: Callable[[FakeUnit], T],
        *,
        still_wanted: Callable[[], bool] = lambda: True,
        is_repeatable: bool = True,
    ) -> T:
        return super().transact(
            lambda unit: work(self.broken(unit)),
            still_wanted=still_wanted,
            is_repeatable=is_repeatable,
        )

    def broken(self, unit: FakeUnit) -> FakeUnit:
        """Return what the work gets."""
        raise NotImplementedError


class UnkeyedUnit(FakeUnit):
    """Takes every request for a new one."""

    def claim_request(self, request_id: str, fingerprint: bytes) -> Answer | None:
        self.tables.requests.pop(request_id)
        return super().claim_request(request_id, fingerprint)


class UnkeyedStorage(BrokenStorage):
    """The unique key of requests was dropped."""

    def broken(self, unit: FakeUnit) -> FakeUnit:
        return UnkeyedUnit(unit.tables, self._clock)


class UnlockedUnit(FakeUnit):
    """Reads without a lock: others write before this one does."""

    meanwhile: Callable[[], None]

    def open_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        found = super().open_dossiers(order_ids)
        self.meanwhile()
        return found


class UnlockedStorage(BrokenStorage):
    """The row lock of orders was dropped."""

    def broken(self, unit: FakeUnit) -> FakeUnit:
        unlocked = UnlockedUnit(unit.tables, self._clock)
        unlocked.meanwhile = self._meanwhile
        return unlocked


class TimelessUnit(FakeUnit):
    """Marks deadlines as dealt with before anybody has dealt with them."""

    def claim_timers(self, now: datetime, *, most: int) -> list[DueTimer]:
        for each in super().claim_timers(now, most=most):
            self.finish_timer(each, at=now)
        return []


class TimelessStorage(BrokenStorage):
    """Deadlines pass, and nobody deals with them."""

    def broken(self, unit: FakeUnit) -> FakeUnit:
        return TimelessUnit(unit.tables, self._clock)


VARIANTS: Final[Mapping[str, Broken]] = {
    "a request's key is dropped": Broken(storage=UnkeyedStorage),
    "the row lock is dropped": Broken(storage=UnlockedStorage),
    "a deadline is forgotten": Broken(storage=TimelessStorage),
    "rows are marked before they are sent": Broken(marks_first=True),
    "rows behind a failure are marked": Broken(ignores_prefix=True),
    "consumers have no guard": Broken(unguarded=True),
    "a repeat has another request id": Broken(forgets_ids=True),
}
