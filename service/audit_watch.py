"""The background auditor: goes round all invariants again and again, slowly, and tells of it.

One process audits at a time; the others stand by. It reads a page, then rests so long that its
share of the time stays what the settings say. Nothing is mended here: who must act is told by a
metric and by a log line.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

import structlog

from service.application.invariants import Audit
from service.domain.errors import OutageError
from service.domain.invariants import QUERIED, Finding, Tally
from service.telemetry import Metrics

log = structlog.get_logger(__name__)

# Who stands by, or waits for PostgreSQL, asks again after so long.
STANDBY_S: Final = 5.0

Turn = Callable[[], AbstractContextManager[Audit | None]]


class AuditWatch:
    """Looks at everything, round after round, until told to end."""

    def __init__(self, turn: Turn, metrics: Metrics, *, share: float) -> None:
        """Take what gives a turn, what shows the result, and the share of time to spend."""
        self._turn = turn
        self._metrics = metrics
        self._rest = 1 / share - 1
        self._known: Mapping[str, int] = {}
        self._completed: float | None = None
        metrics.audit_round_age.set_function(self._age)

    def run(self, stop: threading.Event) -> None:
        """Go round until told to end."""
        while not stop.is_set():
            try:
                with self._turn() as audit:
                    if audit is not None:
                        self._rounds(audit, stop)
            except OutageError as error:
                log.warning("audit_waits", reason=error.reason)
            self._stand_by()
            stop.wait(STANDBY_S)

    def _rounds(self, audit: Audit, stop: threading.Event) -> None:
        self._completed = time.monotonic()
        self._metrics.audit_active.set(1)
        while not stop.is_set():
            self._round(audit, stop)

    def _round(self, audit: Audit, stop: threading.Event) -> None:
        tally, token = Tally(), ""
        while not stop.is_set():
            began = time.monotonic()
            page = audit.page(token)
            tally.take(page.findings)
            self._tell(tally)
            token = page.next_token
            if not token:
                self._complete(tally)
            stop.wait((time.monotonic() - began) * self._rest)
            if not token:
                return

    def _tell(self, tally: Tally) -> None:
        """Tell of what is violated as soon as it is seen; of what holds only after a round."""
        for found in tally.findings:
            known = self._known.get(found.invariant, 0)
            if found.count and not known:
                _log_violation(found)
            if found.count > known:
                self._show(found.invariant, found.count)

    def _complete(self, tally: Tally) -> None:
        for invariant in QUERIED:
            count = tally.count(invariant)
            if self._known.get(invariant) and not count:
                log.info("invariant_holds_again", invariant=invariant)
            self._show(invariant, count)
        self._completed = time.monotonic()

    def _show(self, invariant: str, count: int) -> None:
        self._known = {**self._known, invariant: count}
        self._metrics.invariant_violations.labels(invariant).set(count)

    def _stand_by(self) -> None:
        """Let whoever has the turn tell."""
        self._metrics.audit_active.set(0)
        self._metrics.invariant_violations.clear()
        self._known, self._completed = {}, None

    def _age(self) -> float:
        return time.monotonic() - self._completed if self._completed is not None else 0.0


def _log_violation(found: Finding) -> None:
    first = found.violations[0]
    log.error(
        "invariant_violated",
        invariant=found.invariant,
        count=found.count,
        subject=first.subject,
        problem=first.problem,
    )
