"""OpenTelemetry, logs and probes of the clients that are processes: gateway and connectors.

The only place that configures them; each process brings its own metrics. The SDK and the command
line import nothing of this: a library configures no telemetry. Every name that leaves a process
stands in `docs/telemetry.md`.
"""

from clients.telemetry.probes import Probes
from clients.telemetry.process import Telemetry, configure, new_registry
from clients.telemetry.spans import (
    current_trace_id,
    current_traceparent,
    fail,
    keep,
    sampled_trace_id,
    span,
)

__all__ = [
    "Probes",
    "Telemetry",
    "configure",
    "current_trace_id",
    "current_traceparent",
    "fail",
    "keep",
    "new_registry",
    "sampled_trace_id",
    "span",
]
