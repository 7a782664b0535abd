"""OpenTelemetry, logs and metrics of one service process; the only place that configures them.

Application code stays pure: it gets trace context as plain text from the edge, and never imports
this package. Every name that leaves a process stands in `docs/telemetry.md`.
"""

from service.telemetry.metrics import Metrics
from service.telemetry.probes import Probes
from service.telemetry.process import Telemetry, configure
from service.telemetry.spans import (
    OpenSpan,
    annotate,
    begin_span,
    begin_traces,
    continue_trace,
    current_trace_id,
    current_traceparent,
    keep,
    record_span,
    span,
)

__all__ = [
    "Metrics",
    "OpenSpan",
    "Probes",
    "Telemetry",
    "annotate",
    "begin_span",
    "begin_traces",
    "configure",
    "continue_trace",
    "current_trace_id",
    "current_traceparent",
    "keep",
    "record_span",
    "span",
]
