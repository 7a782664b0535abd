"""Sends spans to a collector, cleaned of anything that could be personal, and never in the way.

A collector that is down costs dropped spans and a counter, nothing else: no log line, no wait in
the work, two seconds at most at the end of the process.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue
from prometheus_client import Counter

# 8,192 spans of about 1 KiB are 8 MiB, and ten seconds of 800 spans a second.
MAX_QUEUE: Final = 8_192
MAX_BATCH: Final = 512
SCHEDULE_DELAY_MS: Final = 500
EXPORT_TIMEOUT_S: Final = 5
# Spans are worth two seconds of a shutdown that has ten.
LAST_EXPORT_S: Final = 2.0

_ALLOWED: Final = re.compile(r"error\.type|(concord|http|rpc|server|network)\.[\w.]+")
# What should be an order's may be a customer's, or whatever a caller wrote instead.
_ORDER_KEY: Final = "order.id"
_ORDER: Final = re.compile(r"(orders/)?ord-[\w-]{1,64}")


def otlp_processor(endpoint: str, exported: Counter) -> SpanProcessor:
    """Return a bounded queue before the collector at `endpoint`."""
    return BoundedBatches(OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_TIMEOUT_S), exported)


class BoundedBatches(BatchSpanProcessor):
    """Sends batches from its own thread; a full queue drops the oldest spans."""

    def __init__(self, exporter: SpanExporter, exported: Counter) -> None:
        self._exporter = exporter
        super().__init__(
            CleaningExporter(exporter, exported),
            max_queue_size=MAX_QUEUE,
            schedule_delay_millis=SCHEDULE_DELAY_MS,
            max_export_batch_size=MAX_BATCH,
        )

    def shutdown(self) -> None:
        """Send the rest, and cut it off after `LAST_EXPORT_S`: the SDK would retry for 30 s."""
        timer = threading.Timer(LAST_EXPORT_S, self._exporter.shutdown)
        timer.daemon = True
        timer.start()
        super().shutdown()  # type: ignore[no-untyped-call]  # The SDK's own.
        timer.cancel()


class CleaningExporter(SpanExporter):
    """Cleans each span on the exporting thread, sends it, counts what became of it."""

    def __init__(self, onwards: SpanExporter, exported: Counter) -> None:
        self._onwards = onwards
        self._exported = exported

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send cleaned copies."""
        result = self._onwards.export([cleaned(span) for span in spans])
        outcome = "sent" if result is SpanExportResult.SUCCESS else "lost"
        self._exported.labels(outcome).inc(len(spans))
        return result

    def shutdown(self) -> None:
        """Close the connection."""
        self._onwards.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Say that nothing waits here."""
        return True


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """Return the span with listed attributes only, and errors without their text."""
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes={
            key: value for key, value in (span.attributes or {}).items() if _is_allowed(key, value)
        },
        events=[_cleaned_event(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _is_allowed(key: str, value: AttributeValue) -> bool:
    if key == _ORDER_KEY:
        return isinstance(value, str) and _ORDER.fullmatch(value) is not None
    return _ALLOWED.fullmatch(key) is not None


def _cleaned_event(event: Event) -> Event:
    attributes: dict[str, AttributeValue] = {
        key: value
        for key, value in (event.attributes or {}).items()
        if key == "exception.type" or _is_allowed(key, value)
    }
    return Event(event.name, attributes, event.timestamp)
