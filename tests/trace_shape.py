"""Says what is wrong with the shape of traces: spans without their parent, causes torn apart."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from concord.traces.v1.trace_service_pb2 import ListSpansResponse, Span

# Kept though their trace was not sampled: whoever caused them kept nothing.
KEPT_ALONE: Final = frozenset({"concord.keep", "concord.kept_late"})


def orphans(answer: ListSpansResponse, roots: Collection[str] = ()) -> list[Span]:
    """Return spans whose parent is not in the answer.

    `roots` are span ids of remote callers (an SDK's user with tracing of their own), whose spans
    went elsewhere.
    """
    known = {(span.trace_id, span.span_id) for span in answer.spans}
    return [
        span
        for span in answer.spans
        if span.parent_span_id
        and span.parent_span_id not in roots
        and (span.trace_id, span.parent_span_id) not in known
        and not KEPT_ALONE & {attribute.key for attribute in span.attributes}
    ]


def check_no_orphans(answer: ListSpansResponse, roots: Collection[str] = ()) -> None:
    """Assert that each span's parent is there."""
    assert not answer.truncated, "ask for more spans: some parents may be cut off"
    lost = [f"{span.service}: {span.name} ({span.trace_id})" for span in orphans(answer, roots)]
    assert not lost, f"spans without their parent: {lost}"


def check_trace(
    answer: ListSpansResponse,
    *,
    roots: Collection[str] = (),
    passes: Collection[tuple[str, str]] = (),
) -> None:
    """Assert one trace id, one root, no orphan, and that each (service, name) of `passes` is there.

    A name ending in `*` stands for any that begins so.
    """
    check_no_orphans(answer, roots)
    traces = {span.trace_id for span in answer.spans}
    assert len(traces) == 1, f"{len(traces)} traces: {sorted(traces)}"
    tops = [span for span in answer.spans if span.parent_span_id in {"", *roots}]
    assert len(tops) == 1, f"{len(tops)} roots: {[span.name for span in tops]}"
    missing = [wanted for wanted in passes if not any(_is(span, *wanted) for span in answer.spans)]
    assert not missing, f"not in the trace: {missing}"


def is_below(answer: ListSpansResponse, lower: Span, upper: Span) -> bool:
    """Say whether `upper` is an ancestor of `lower`."""
    by_id = {span.span_id: span for span in answer.spans if span.trace_id == lower.trace_id}
    at: Span | None = lower
    while at is not None:
        if at.span_id == upper.span_id:
            return True
        at = by_id.get(at.parent_span_id)
    return False


def _is(span: Span, service: str, name: str) -> bool:
    matches = span.name.startswith(name[:-1]) if name.endswith("*") else span.name == name
    return span.service == service and matches
