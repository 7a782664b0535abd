"""Whole transactions: the only place that commits, and the only one that retries.

A lost race (serialization, deadlock, lock time-out) or a lost connection before COMMIT is tried
again from the start of the work. A connection lost *at* COMMIT may or may not have committed:
work that knows itself again, by a request id or by the facts that it brings, is tried again too.
Other work is not: the caller is told that nobody knows, and decides.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import sqlalchemy as sa

from service.application.ports import Envelopes, Writes
from service.domain.errors import ContentionError, DeadlineExceededError, OutageError
from service.failpoints import Failpoints
from service.postgres.translating import translated
from service.postgres.unit import PostgresUnit

T = TypeVar("T")

TRIES: Final = 5
# Full jitter between 0 and 20, 40, 80, 160 ms: at most 0.3 s of a 10 s deadline is spent waiting.
BACKOFF_S: Final = 0.02


def always() -> bool:
    """Return True: nobody waits with a deadline."""
    return True


class CommitLostError(OutageError):
    """The connection was lost at COMMIT: what was asked for is done, or it is not."""


@dataclass(frozen=True, slots=True)
class Observer:
    """Is told what was committed, and when a transaction begins again; counts, never decides."""

    committed: Callable[[Sequence[Writes]], None] = lambda _writes: None
    retried: Callable[[], None] = lambda: None


class PostgresStorage:
    """Runs work in transactions on one engine."""

    def __init__(
        self,
        engine: sa.Engine,
        envelopes: Envelopes,
        observer: Observer | None = None,
        failpoints: Failpoints | None = None,
    ) -> None:
        """Take the engine, what addresses messages, and who wants to know."""
        self._engine = engine
        self._envelopes = envelopes
        self._observer = observer or Observer()
        self._failpoints = failpoints or Failpoints()

    def transact(
        self,
        work: Callable[[PostgresUnit], T],
        *,
        still_wanted: Callable[[], bool] = always,
        is_repeatable: bool = True,
    ) -> T:
        """Run `work` in one transaction; see `service.application.ports.Storage`."""
        for attempt in range(TRIES):
            try:
                return self._once(work, still_wanted)
            except (ContentionError, OutageError) as error:
                last = attempt == TRIES - 1 or isinstance(error, DeadlineExceededError)
                unknown = isinstance(error, CommitLostError) and not is_repeatable
                if last or unknown or not still_wanted():
                    raise
                self._observer.retried()
                time.sleep(random.uniform(0, BACKOFF_S * 2**attempt))  # noqa: S311  # jitter
        raise AssertionError("unreachable")  # the last try returns or raises

    def _once(self, work: Callable[[PostgresUnit], T], still_wanted: Callable[[], bool]) -> T:
        self._failpoints.reach("storage:before_begin")
        with translated(), self._engine.connect() as connection:
            unit = PostgresUnit(connection, self._envelopes, self._failpoints)
            result = work(unit)
            self._failpoints.reach("storage:before_commit")
            if not still_wanted():
                raise DeadlineExceededError
            self._commit(connection)
            self._observer.committed(unit.saved)
            return result

    def _commit(self, connection: sa.Connection) -> None:
        try:
            with translated():
                connection.commit()
                self._failpoints.reach("storage:after_commit")
        except ContentionError:
            raise
        except OutageError as error:
            raise CommitLostError from error
