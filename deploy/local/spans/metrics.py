"""What the keeper counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.process_collector import ProcessCollector


class Metrics:
    """The metrics of the keeper, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.received = Counter(
            "concord_spans_received", "Spans that arrived.", registry=self.registry
        )
        self.kept = Counter("concord_spans_kept", "Spans stored.", registry=self.registry)
        self.dropped = Counter(
            "concord_spans_dropped",
            "Spans lost here, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.forwarded = Counter(
            "concord_spans_forwarded",
            "Spans passed on to another collector, or lost on the way.",
            ["result"],
            registry=self.registry,
        )
        self.stored_bytes = Gauge(
            "concord_spans_stored_bytes", "Size of the store.", registry=self.registry
        )
