"""Sets up the telemetry of a process, once, and takes it down again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Protocol

from opentelemetry import trace
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.telemetry.logs import configure_logs
from service.telemetry.metrics import Metrics
from service.telemetry.sampling import KeepingSampler

NAMESPACE: Final = "concord"


class Instrument(Protocol):
    """What watches a driver's calls."""

    def uninstrument(self) -> object:
        """Watch no more."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The telemetry of this process."""

    provider: TracerProvider
    metrics: Metrics
    instruments: Sequence[Instrument] = ()

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
    # Who has no collector starts sooner without these.
    from service.telemetry.collected import export  # noqa: PLC0415

    return Telemetry(provider, metrics, export(provider, otlp_endpoint, metrics))


def _version() -> str:
    try:
        return version("concord")
    except PackageNotFoundError:
        return "unknown"
