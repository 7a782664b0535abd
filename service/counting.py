"""Counts what was committed; decisions know nothing of it."""

from collections.abc import Sequence

from service.application.ports import Writes
from service.application.stock_desk import Settled
from service.domain.changes import Moved
from service.telemetry import Metrics


class Counting:
    """Turns committed writes into metrics."""

    def __init__(self, metrics: Metrics) -> None:
        """Take the metrics of this process."""
        self._metrics = metrics

    def committed(self, writes: Sequence[Writes]) -> None:
        """Count transitions, outcomes of facts, and cases."""
        for each in writes:
            for row in each.rows:
                if isinstance(row.change.detail, Moved):
                    moved = row.change.detail
                    self._metrics.transitions.labels(moved.begin.value, moved.end.value).inc()
            for outcome in each.outcomes.values():
                self._metrics.facts.labels(outcome.value).inc()
            for act in each.acts:
                if act.act == "OPENED":
                    self._metrics.cases_opened.labels(act.case.type).inc()

    def settled(self, settled: Settled) -> None:
        """Count what came of looking at an order's stock."""
        if settled is not Settled.NOTHING:
            self._metrics.stock_settled.labels(settled.value).inc()

    def retried(self) -> None:
        """Count a transaction that begins again."""
        self._metrics.transaction_retries.inc()
