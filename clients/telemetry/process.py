"""Sets up the telemetry of a process, once, and takes it down again."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from opentelemetry import trace
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from clients.telemetry.exporting import otlp_processor
from clients.telemetry.logs import configure_logs
from clients.telemetry.sampling import KeepingSampler

NAMESPACE: Final = "concord"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The telemetry of this process."""

    provider: TracerProvider

    def shutdown(self) -> None:
        """Send the last spans, waiting for a collector that is down two seconds at most."""
        self.provider.shutdown()


def new_registry() -> CollectorRegistry:
    """Return a registry that tells of the process itself; its own metrics are added to it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def configure(
    service_name: str,
    *,
    instance_id: str,
    registry: CollectorRegistry,
    otlp_endpoint: str | None,
    sample_ratio: float,
    log_level: str = "info",
) -> Telemetry:
    """Set up traces and logs; spans that went out, or did not, are counted on `registry`.

    Without an endpoint no span is recorded, and contexts travel through unchanged.
    """
    configure_logs(log_level)
    exported = Counter(
        "concord_spans_exported",
        "Spans sent to the collector, or lost because it did not answer.",
        ["result"],
        registry=registry,
    )
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
        provider.add_span_processor(otlp_processor(otlp_endpoint, exported))
    trace.set_tracer_provider(provider)
    set_global_textmap(TraceContextTextMapPropagator())
    return Telemetry(provider)


def _version() -> str:
    try:
        return version("concord")
    except PackageNotFoundError:
        return "unknown"
