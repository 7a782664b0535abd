"""Which spans are kept: as the parent or a linked record chose, and those marked to be kept."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from streams.telemetry.spans import KEEP


class KeepingSampler(Sampler):
    """As the parent decided; a chunk as its records did; other roots by `ratio`."""

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
        if attributes and attributes.get(KEEP):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        parent = trace.get_current_span(parent_context).get_span_context()
        if not parent.is_valid and kind is SpanKind.CLIENT:
            # A call outside any work of ours: a probe. It would be a trace of its own.
            return SamplingResult(Decision.DROP)
        if not parent.is_valid and kind is SpanKind.CONSUMER:
            is_linked = any(link.context.trace_flags.sampled for link in links or ())
            decision = Decision.RECORD_AND_SAMPLE if is_linked else Decision.DROP
            return SamplingResult(decision, attributes)
        return self._by_parent.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return the name under which the SDK shows this sampler."""
        return "KeepingSampler"
