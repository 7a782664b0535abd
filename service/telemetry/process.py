"""Sets up the telemetry of a process, once, and takes it down again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from opentelemetry import trace
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.telemetry.exporting import otlp_processor
from service.telemetry.logs import configure_logs
from service.telemetry.metrics import Metrics
from service.telemetry.sampling import KeepingSampler, LateKeeping

NAMESPACE: Final = "concord"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The telemetry of this process."""

    provider: TracerProvider
    metrics: Metrics
    instruments: Sequence[Psycopg2Instrumentor | RedisInstrumentor] = ()

    def shutdown(self) -> None:
        """Send the last spans, waiting for a collector that is down two seconds at most."""
        for each in self.instruments:
            each.uninstrument()
        self.provider.shutdown()


def configure(
    service_name: str,
    *,
    instance_id: str,
    otlp_endpoint: str | None,
    sample_ratio: float,
    log_level: str = "info",
) -> Telemetry:
    """Set up traces, logs and metrics.

    Without an endpoint spans have ids and no content: journal rows and logs still say which of
    them belong together.
    """
    configure_logs(log_level)
    metrics = Metrics()
    provider = TracerProvider(
        sampler=KeepingSampler(sample_ratio) if otlp_endpoint else ALWAYS_OFF,
        resource=Resource.create(
            {
                "service.name": service_name,
                "service.namespace": NAMESPACE,
                "service.version": _version(),
                "service.instance.id": instance_id,
            }
        ),
        span_limits=SpanLimits(max_links=64, max_events=16, max_attribute_length=1_024),
        shutdown_on_exit=False,
    )
    trace.set_tracer_provider(provider)
    set_global_textmap(TraceContextTextMapPropagator())
    if otlp_endpoint is None:
        # A span of a query costs a fifth of the query, also where nobody will see it.
        return Telemetry(provider, metrics)
    provider.add_span_processor(LateKeeping(otlp_processor(otlp_endpoint, metrics)))
    queries, views = Psycopg2Instrumentor(), RedisInstrumentor()
    # Queries only: parameters hold what customers typed.
    queries.instrument(tracer_provider=provider, capture_parameters=False)
    views.instrument(tracer_provider=provider)
    return Telemetry(provider, metrics, (queries, views))


def _version() -> str:
    try:
        return version("concord")
    except PackageNotFoundError:
        return "unknown"
