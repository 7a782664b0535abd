"""What the gateway counts and measures. Labels are bounded: accounts are those of the settings."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# One transaction takes 5 ms; after 4 s the platform has its answer in any case.
SECONDS_BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 5.0)
SIZE_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200)


class Metrics:
    """The metrics of one gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.callbacks = Counter(
            "concord_callbacks",
            "Callbacks answered, by what the platform was told and why.",
            ["provider", "account", "outcome"],
            registry=registry,
        )
        self.refusals = Counter(
            "concord_callback_refusals",
            "Callbacks that were not believed.",
            ["provider", "account", "refusal"],
            registry=registry,
        )
        self.strays = Counter(
            "concord_callback_strays",
            "What came and was no callback that could be read, by reason.",
            ["reason"],
            registry=registry,
        )
        self.duration = Histogram(
            "concord_callback_seconds",
            "From the first byte of a callback to its answer.",
            ["provider"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self.active = Gauge("concord_callbacks_active", "Callbacks in flight.", registry=registry)
        self.connections = Gauge(
            "concord_gateway_connections",
            "Open connections, idle ones included.",
            registry=registry,
        )
        self.batch_size = Histogram(
            "concord_callback_batch_size",
            "Receipts in one SubmitReceipts.",
            buckets=SIZE_BUCKETS,
            registry=registry,
        )
        self.accounts = Gauge(
            "concord_accounts", "Merchant accounts in use.", ["provider"], registry=registry
        )
        self.accounts_broken = Gauge(
            "concord_accounts_broken",
            "1 while the accounts file, as it is, cannot be used, and the last good one is.",
            registry=registry,
        )
