"""What the notifier counts and measures. Labels are bounded: never an address, never a text."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A robot answers within 100 to 500 ms; 10 s is the limit.
SEND_BUCKETS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


class Metrics:
    """The metrics of one notifier."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.sends = Counter(
            "concord_notifier_sends",
            "Attempts to send a message, by what came of them.",
            ["channel", "result"],
            registry=registry,
        )
        self.send_duration = Histogram(
            "concord_notifier_send_seconds",
            "From beginning to send a message to knowing what came of it.",
            ["channel"],
            buckets=SEND_BUCKETS,
            registry=registry,
        )
        self.unreported = Counter(
            "concord_notifier_unreported",
            "Attempts whose outcome the service could not be told of; it shows them as uncertain.",
            ["channel"],
            registry=registry,
        )
        self.in_flight = Gauge(
            "concord_notifier_in_flight",
            "Messages being sent.",
            ["channel"],
            registry=registry,
        )
