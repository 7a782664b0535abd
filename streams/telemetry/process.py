"""Sets up the telemetry of a process, once, and takes it down again."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from opentelemetry import trace
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streams.telemetry.exporting import otlp_processor
from streams.telemetry.logs import configure_logs
from streams.telemetry.metrics import Metrics
from streams.telemetry.sampling import KeepingSampler

NAMESPACE: Final = "concord"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The telemetry of this process."""

    provider: TracerProvider
    metrics: Metrics

    def shutdown(self) -> None:
        """Send the last spans, waiting for a collector that is down two seconds at most."""
        RedisInstrumentor().uninstrument()
        self.provider.shutdown()


def configure(
    service_name: str,
    *,
    instance_id: str,
    otlp_endpoint: str | None,
    sample_ratio: float,
    log_level: str = "info",
) -> Telemetry:
    """Set up traces, logs and metrics, after Faust has set up its own logging.

    Without an endpoint no span is recorded, and contexts travel through unchanged.
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
    if otlp_endpoint is not None:
        provider.add_span_processor(otlp_processor(otlp_endpoint, metrics))
    trace.set_tracer_provider(provider)
    set_global_textmap(TraceContextTextMapPropagator())
    RedisInstrumentor().instrument(tracer_provider=provider)
    return Telemetry(provider, metrics)


def _version() -> str:
    try:
        return version("concord")
    except PackageNotFoundError:
        return "unknown"
