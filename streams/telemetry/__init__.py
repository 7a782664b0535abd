"""OpenTelemetry, logs and metrics of a streams worker; the only place that configures them.

Exactly one injector: headers of records are written from the context that `Chunk` returns, and
neither Faust's sensor nor the aiokafka instrumentation is loaded. Every name that leaves the
process stands in `docs/telemetry.md`.
"""

from streams.telemetry.chunks import Chunk, process_chunk
from streams.telemetry.metrics import Metrics
from streams.telemetry.probes import Probes
from streams.telemetry.process import Telemetry, configure
from streams.telemetry.spans import (
    continue_trace,
    current_trace_id,
    current_traceparent,
    is_sampled,
    keep,
    span,
)

__all__ = [
    "Chunk",
    "Metrics",
    "Probes",
    "Telemetry",
    "configure",
    "continue_trace",
    "current_trace_id",
    "current_traceparent",
    "is_sampled",
    "keep",
    "process_chunk",
    "span",
]
