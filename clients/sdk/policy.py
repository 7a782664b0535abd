"""How a channel behaves: which calls are tried again, how often, how large, how it stays alive.

Retries are gRPC's own, declared as a service config: one place, bounded, and below the deadline of
the call. Watches are left out, they resume by cursor (`clients.sdk.watching`), and so is the one
method that does more the second time.
"""

from __future__ import annotations

import json
from typing import Any, Final

# No call hangs: 10 s is five times the slowest answer that a healthy service gives.
DEADLINE_S: Final = 10.0
# Computing from the whole journal takes as long as the journal is; 10 minutes end it all the same.
LONG_DEADLINE_S: Final = 600.0
# What the server takes: 1000 receipts of 4 KiB.
MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
# What the server sends: a page of a journal with its events.
ANSWER_BYTES_MAX: Final = 4 * MESSAGE_BYTES_MAX

# 5 is the most that gRPC allows; 0.1 + 0.2 + 0.4 + 0.8 s of pauses outlast a dropped connection.
RETRY: Final[dict[str, Any]] = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

NEVER_RETRIED: Final = (
    {"service": "concord.orders.v1.OrderService", "method": "WatchOrders"},
    {"service": "concord.insights.v1.InsightService", "method": "WatchStageBoard"},
    {"service": "concord.batches.v1.BatchService", "method": "WatchBatch"},
    {"service": "concord.outbox.v1.OutboxService", "method": "RepublishHistory"},
)

SERVICE_CONFIG: Final[dict[str, Any]] = {
    "methodConfig": [
        {"name": [{}], "retryPolicy": RETRY},
        {"name": list(NEVER_RETRIED)},
    ],
    # When most calls fail, retries only add load: each costs one of 100 tokens, each success gives
    # back a tenth, and below half of them nothing is tried again.
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}


def channel_options() -> list[tuple[str, Any]]:
    """Return the options of every channel."""
    return [
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
        # A watch that is silent must notice within 40 s that the other end is gone.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # A service that is back is found within two seconds: gRPC's own pauses grow to two minutes,
        # for as long as which a caller would find nobody at an address that answers again.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # So long one attempt may take, instead of 20 s: half a call's deadline.
        ("grpc.min_reconnect_backoff_ms", 5_000),
        ("grpc.primary_user_agent", "concord-sdk"),
    ]
