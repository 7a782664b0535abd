"""What a worker counts and measures. Labels are bounded: never an id, never a name."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

# A chunk takes 5 ms of arithmetic, or a call of 50 ms; 30 s without a commit ends the worker.
CHUNK_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# One record up to a full fetch.
SIZE_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


class Metrics:
    """The metrics of one worker, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._declare_delivery()
        self._declare_results()

    def _declare_delivery(self) -> None:
        self.lag = Gauge(
            "concord_stream_lag",
            "Records between the end of a partition and what is committed.",
            ["topic", "partition"],
            registry=self.registry,
        )
        self.records = Counter(
            "concord_stream_records",
            "Records taken in, repeats included.",
            ["agent"],
            registry=self.registry,
        )
        self.repeats = Counter(
            "concord_stream_repeats",
            "Records dropped because their number was seen before.",
            ["agent"],
            registry=self.registry,
        )
        self.gaps = Counter(
            "concord_stream_gaps",
            "Jumps in a key's numbers, repaired by asking the service.",
            ["agent"],
            registry=self.registry,
        )
        self.retries = Counter(
            "concord_stream_retries",
            "Chunks tried again because something was out of reach.",
            ["agent"],
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "concord_dead_letters",
            "Records set aside, by reason.",
            ["topic", "reason"],
            registry=self.registry,
        )
        self.chunk_duration = Histogram(
            "concord_stream_chunk_seconds",
            "From taking a chunk to its acknowledgement.",
            ["agent"],
            buckets=CHUNK_BUCKETS,
            registry=self.registry,
        )
        self.chunk_size = Histogram(
            "concord_stream_chunk_size",
            "Records in a chunk.",
            ["agent"],
            buckets=SIZE_BUCKETS,
            registry=self.registry,
        )

    def _declare_results(self) -> None:
        self.normalised = Counter(
            "concord_receipts_normalised",
            "Receipts turned into facts, or not, by template and outcome.",
            ["template", "outcome"],
            registry=self.registry,
        )
        self.flags = Counter(
            "concord_flags",
            "Flags raised, by rule.",
            ["rule"],
            registry=self.registry,
        )
        self.sent = Counter(
            "concord_stream_sent",
            "Records sent by agents.",
            ["topic"],
            registry=self.registry,
        )
        self.late = Counter(
            "concord_stream_late",
            "Facts that came after their window closed.",
            ["agent"],
            registry=self.registry,
        )
        self.watermark_age = Gauge(
            "concord_stream_watermark_age_seconds",
            "How far event time is behind the clock.",
            ["agent", "partition"],
            registry=self.registry,
        )
        self.view_rewrites = Counter(
            "concord_view_rewrites",
            "Times a partition's rows were written to Redis anew.",
            ["view"],
            registry=self.registry,
        )
        self.spans_exported = Counter(
            "concord_spans_exported",
            "Spans sent to the collector, or lost because it did not answer.",
            ["result"],
            registry=self.registry,
        )
