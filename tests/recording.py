"""Records in memory the spans that code under test makes, as the collector would get them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.util._once import Once


class Recording(SpanExporter):
    """Keeps what is exported."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to close."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def named(self, name: str) -> ReadableSpan:
        """Return the only span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def names(self) -> list[str]:
        return [span.name for span in self.spans]


@contextmanager
def recording(
    sampler: Sampler | None = None,
    around: type[SpanProcessor] | None = None,
) -> Iterator[Recording]:
    """Record spans for as long as the body runs; `around` wraps the processor (late keeping)."""
    exporter = Recording()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    processor: SpanProcessor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(around(processor) if around else processor)  # type: ignore[call-arg]
    with fresh_provider():
        trace.set_tracer_provider(provider)
        yield exporter
    provider.shutdown()


@contextmanager
def fresh_provider() -> Iterator[None]:
    """Let the process set its tracer provider once more; OpenTelemetry allows it once a process."""
    # Another test's telemetry may hold the drivers still; they report to one provider at a time.
    for instrumentor in (Psycopg2Instrumentor(), RedisInstrumentor()):
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()
    before, once = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
    try:
        yield
    finally:
        trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = before, once
