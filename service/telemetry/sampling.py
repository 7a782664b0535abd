"""Which spans are kept: those the parent chose, and always contradictions and errors.

A head sampler cannot know how a call will end. So calls that were not chosen are still recorded
in memory, and exported late, as a whole, when one of their spans failed or was marked
`concord.keep`. A caller's own spans, in another process, stay unrecorded: a span kept late may
have a parent that nobody kept, and says so with `concord.kept_late`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from service.telemetry.spans import KEEP

KEPT_LATE: Final = "concord.kept_late"
# A call makes about 10 spans; 64 hold a large batch. 1,000 calls at once, of 64 spans of about
# 1 KiB, are 64 MiB at the very worst, and 10 MiB as a rule.
MAX_SPANS_A_TRACE: Final = 64
MAX_TRACES: Final = 1_000


class KeepingSampler(Sampler):
    """As the parent decided, or by `ratio` at a root; never without what is marked to be kept."""

    def __init__(self, ratio: float) -> None:
        self._by_parent = ParentBased(TraceIdRatioBased(ratio))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide at the start of a span."""
        parent = trace.get_current_span(parent_context)
        if attributes and attributes.get(KEEP):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        if kind is SpanKind.CLIENT and not parent.get_span_context().is_valid:
            # A query outside any work of ours: a poll, a probe. It would be a trace of its own.
            return SamplingResult(Decision.DROP)
        if links and not parent.get_span_context().is_valid:
            # An item of a batch, in a trace of its own: kept where the batch is.
            is_linked = any(link.context.trace_flags.sampled for link in links)
            decision = Decision.RECORD_AND_SAMPLE if is_linked else Decision.DROP
            return SamplingResult(decision, attributes)
        chosen = self._by_parent.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        if chosen.decision is Decision.DROP and (kind is SpanKind.SERVER or parent.is_recording()):
            return SamplingResult(Decision.RECORD_ONLY, attributes, chosen.trace_state)
        return chosen

    def get_description(self) -> str:
        """Return the name under which the SDK shows this sampler."""
        return "KeepingSampler"


@dataclass(slots=True)
class _Recorded:
    open: int = 0
    is_kept: bool = False
    spans: list[ReadableSpan] = field(default_factory=list)


class LateKeeping(SpanProcessor):
    """Passes sampled spans on, and the others once it turns out that they matter."""

    def __init__(self, onwards: SpanProcessor) -> None:
        self._onwards = onwards
        self._lock = threading.Lock()
        self._traces: OrderedDict[int, _Recorded] = OrderedDict()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Count the span as open in its trace."""
        at = span.get_span_context()
        if at.trace_flags.sampled:
            return
        with self._lock:
            self._traces.setdefault(at.trace_id, _Recorded()).open += 1
            if len(self._traces) > MAX_TRACES:
                self._traces.popitem(last=False)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass on, hold back, or pass on all that was held back."""
        at = span.get_span_context()
        if at is None:
            return
        if at.trace_flags.sampled:
            self._onwards.on_end(span)
            return
        for kept in self._settle(at, span):
            self._onwards.on_end(_as_sampled(kept))

    def _settle(self, at: SpanContext, span: ReadableSpan) -> list[ReadableSpan]:
        with self._lock:
            recorded = self._traces.get(at.trace_id)
            if recorded is None:
                return []
            recorded.open -= 1
            if len(recorded.spans) < MAX_SPANS_A_TRACE:
                recorded.spans.append(span)
            is_marked = bool(span.attributes and span.attributes.get(KEEP))
            recorded.is_kept |= is_marked or span.status.status_code is StatusCode.ERROR
            if recorded.open > 0:
                return []
            del self._traces[at.trace_id]
            return recorded.spans if recorded.is_kept else []

    def shutdown(self) -> None:
        """Let the exporter send what it has."""
        self._onwards.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits."""
        return self._onwards.force_flush(timeout_millis)


def _as_sampled(span: ReadableSpan) -> ReadableSpan:
    at = span.get_span_context()
    assert at is not None  # noqa: S101  # `on_end` looked.
    return ReadableSpan(
        name=span.name,
        context=SpanContext(
            at.trace_id, at.span_id, at.is_remote, TraceFlags(TraceFlags.SAMPLED), at.trace_state
        ),
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), KEPT_LATE: True},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
