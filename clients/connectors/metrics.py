"""What the connectors count and measure. Labels are bounded: never an id, never others' words."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A provider answers within 50 to 500 ms; 20 s are both of its addresses timed out.
ASK_BUCKETS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)


class Metrics:
    """The metrics of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.asked = Counter(
            "concord_connector_questions",
            "Questions to providers, by what came of them.",
            ["provider", "result"],
            registry=registry,
        )
        self.ask_duration = Histogram(
            "concord_connector_question_seconds",
            "From sending a question to its whole answer, or to giving it up.",
            ["provider"],
            buckets=ASK_BUCKETS,
            registry=registry,
        )
        self.unproved = Counter(
            "concord_connector_unproved",
            "Answers that were not believed: not signed by the provider, or about another trade.",
            ["provider"],
            registry=registry,
        )
        self.lapsed = Counter(
            "concord_connector_leases_lapsed",
            "Probes that were not reported in time; others ask again.",
            ["provider"],
            registry=registry,
        )
        self.in_flight = Gauge(
            "concord_connector_in_flight",
            "Probes being worked on.",
            ["provider"],
            registry=registry,
        )
        self.paused = Gauge(
            "concord_connector_paused_accounts",
            "Accounts that are left alone for a while, because the provider fails or throttles.",
            ["provider"],
            registry=registry,
        )
        self._measure_feeds(registry)
        self._measure_lines(registry)

    def _measure_feeds(self, registry: CollectorRegistry) -> None:
        self.pulled = Counter(
            "concord_connector_pulls",
            "Reports on runs of feeds, by what came of asking.",
            ["provider", "result"],
            registry=registry,
        )
        self.pulled_rows = Counter(
            "concord_connector_pulled_rows",
            "Rows that platforms answered for windows.",
            ["provider"],
            registry=registry,
        )
        self.astray = Counter(
            "concord_connector_rows_astray",
            "Rows that changed long before the window that was asked for: a zone is misread.",
            ["provider"],
            registry=registry,
        )

    def _measure_lines(self, registry: CollectorRegistry) -> None:
        self.heard = Counter(
            "concord_connector_messages",
            "Messages that platforms told over lines that we hold open, by what became of them.",
            ["provider", "result"],
            registry=registry,
        )
        self.open_lines = Gauge(
            "concord_connector_open_lines",
            "Lines over which platforms tell us what happens.",
            ["provider"],
            registry=registry,
        )
        self.broken_lines = Counter(
            "concord_connector_broken_lines",
            "Lines that broke, or could not be opened; each is opened again after a pause.",
            ["provider"],
            registry=registry,
        )
