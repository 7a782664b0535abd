"""What a process does for a collector: exports its spans, and makes some of its drivers' calls."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import TracerProvider

from service.telemetry.exporting import otlp_processor
from service.telemetry.metrics import Metrics
from service.telemetry.sampling import LateKeeping


def export(
    provider: TracerProvider, endpoint: str, metrics: Metrics
) -> Sequence[Psycopg2Instrumentor | RedisInstrumentor]:
    """Send spans to the collector, and begin to watch the drivers; return what watches them."""
    provider.add_span_processor(LateKeeping(otlp_processor(endpoint, metrics)))
    queries, views = Psycopg2Instrumentor(), RedisInstrumentor()
    # Queries only: parameters hold what customers typed.
    queries.instrument(tracer_provider=provider, capture_parameters=False)
    views.instrument(tracer_provider=provider)
    return queries, views
