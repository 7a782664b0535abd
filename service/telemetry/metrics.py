"""What a service process counts and measures. Labels are bounded: never an id, never a name."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

# An append takes about 2 ms, a decision 5 to 20 ms; the default deadline is 10 s.
CALL_BUCKETS: Final = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
# One fact up to the largest request.
BATCH_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class Metrics:
    """The metrics of one process, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._declare_calls()
        self._declare_work()
        self._declare_outbox()
        self._declare_probes()
        self._declare_audit()
        self._declare_notices()
        self._declare_feeds()

    def _declare_calls(self) -> None:
        self.call_duration = Histogram(
            "rpc_server_call_duration_seconds",
            "How long calls took, by method and final code.",
            ["rpc_method", "rpc_response_status_code"],
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
        self.calls_active = Gauge(
            "concord_rpc_active",
            "Calls being served.",
            ["rpc_method"],
            registry=self.registry,
        )
        self.stream_messages = Counter(
            "concord_rpc_stream_messages",
            "Messages sent on response streams.",
            ["rpc_method"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "concord_refusals",
            "Calls understood and declined, by reason.",
            ["reason"],
            registry=self.registry,
        )

    def _declare_work(self) -> None:
        self.receipts = Counter(
            "concord_receipts",
            "Receipts taken in, by channel and whether they were new.",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.facts = Counter(
            "concord_facts",
            "Facts weighed, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.fact_batch_size = Histogram(
            "concord_fact_batch_size",
            "Facts in one ApplyFacts call.",
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        )
        self.transitions = Counter(
            "concord_transitions",
            "State changes of orders.",
            ["from", "to"],
            registry=self.registry,
        )
        self.cases_opened = Counter(
            "concord_cases_opened",
            "Cases opened, by type.",
            ["type"],
            registry=self.registry,
        )
        self.stock_settled = Counter(
            "concord_stock_settled",
            "Orders whose stock was looked at, by what came of it.",
            ["outcome"],
            registry=self.registry,
        )
        self.transaction_retries = Counter(
            "concord_transaction_retries",
            "Transactions begun again after a conflict.",
            registry=self.registry,
        )

    def _declare_probes(self) -> None:
        self.probes_due = Gauge(
            "concord_probes_due",
            "Probes whose time has come and that nobody has claimed.",
            ["provider"],
            registry=self.registry,
        )
        self.probes_oldest = Gauge(
            "concord_probes_oldest_seconds",
            "For how long the oldest of them has been due.",
            ["provider"],
            registry=self.registry,
        )
        self.probes_asked = Counter(
            "concord_probes_asked",
            "Attempts to ask, by what they brought.",
            ["provider", "result"],
            registry=self.registry,
        )
        self.probes_exhausted = Counter(
            "concord_probes_exhausted",
            "Probes whose schedule ended without evidence.",
            ["provider", "kind"],
            registry=self.registry,
        )
        self.probes_swept = Counter(
            "concord_probes_swept",
            "Orders that waited for money and had no probe, until the sweep found them.",
            registry=self.registry,
        )

    def _declare_audit(self) -> None:
        self.invariant_violations = Gauge(
            "concord_invariant_violations",
            "What violates each invariant, as the auditor that is active found it.",
            ["invariant"],
            registry=self.registry,
        )
        self.audit_active = Gauge(
            "concord_audit_active",
            "1 where this process audits.",
            registry=self.registry,
        )
        self.audit_round_age = Gauge(
            "concord_audit_round_age_seconds",
            "Since the auditor last looked at everything, or began to; 0 where another audits.",
            registry=self.registry,
        )

    def _declare_notices(self) -> None:
        self.notices = Gauge(
            "concord_notices",
            "Notices that are not sent yet, or that a person must look at, by state.",
            ["state"],
            registry=self.registry,
        )
        self.notice_sendings = Counter(
            "concord_notice_sendings",
            "Attempts to send that were reported, by what they brought.",
            ["channel", "result"],
            registry=self.registry,
        )

    def _declare_feeds(self) -> None:
        self.feeds = Gauge(
            "concord_feeds", "Feeds, by how they are.", ["state"], registry=self.registry
        )
        self.feed_runs = Counter(
            "concord_feed_runs",
            "Reports on runs of feeds, by why they were asked and what it brought.",
            ["purpose", "result"],
            registry=self.registry,
        )
        self.feed_missed = Counter(
            "concord_feed_missed_orders",
            "Orders that polls should have brought, and that only a wider look found.",
            registry=self.registry,
        )

    def _declare_outbox(self) -> None:
        self.outbox_age = Gauge(
            "concord_outbox_age_seconds",
            "Age of the oldest row that waits to be published.",
            registry=self.registry,
        )
        self.outbox_backlog = Gauge(
            "concord_outbox_backlog",
            "Rows that wait to be published.",
            registry=self.registry,
        )
        self.outbox_parked = Gauge(
            "concord_outbox_parked",
            "Keys that wait for a resend by hand.",
            registry=self.registry,
        )
        self.outbox_published = Counter(
            "concord_outbox_published",
            "Rows acknowledged by the broker.",
            ["topic"],
            registry=self.registry,
        )
        self.outbox_failures = Counter(
            "concord_outbox_failures",
            "Sends that failed and are repeated.",
            ["topic"],
            registry=self.registry,
        )
        self.relay_round = Histogram(
            "concord_relay_round_seconds",
            "Time from claiming rows to marking them.",
            buckets=CALL_BUCKETS,
            registry=self.registry,
        )
        self.relay_active = Gauge(
            "concord_relay_active",
            "1 where this relay holds the shard's lock.",
            ["shard"],
            registry=self.registry,
        )
        self.spans_exported = Counter(
            "concord_spans_exported",
            "Spans sent to the collector, or lost because it did not answer.",
            ["result"],
            registry=self.registry,
        )
