"""What agents and the guard ask of tracing: a span, the context as text, keep this one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER: Final = "concord"
KEEP: Final = "concord.keep"
ORDER: Final = "order.id"

_PROPAGATOR: Final = TraceContextTextMapPropagator()
# What our own services write. To have OpenTelemetry read it takes longer than to count a record.
_NOT_SAMPLED: Final = "-00"
_SAMPLED: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01")

Value = str | int | float | bool
Attributes = Mapping[str, Value]


@lru_cache(maxsize=1)
def _tracer_of(provider: TracerProvider) -> Tracer:
    return provider.get_tracer(TRACER)


def tracer() -> Tracer:
    """Return the tracer of all our spans; to ask for it at each span would cost a tenth of all."""
    return _tracer_of(trace.get_tracer_provider())


def is_recording() -> bool:
    """Say whether spans are recorded at all: without a collector, none is."""
    return getattr(trace.get_tracer_provider(), "sampler", None) is not ALWAYS_OFF


def keep() -> None:
    """Keep the current span, where it is recorded: it holds a contradiction or an error."""
    trace.get_current_span().set_attribute(KEEP, True)  # noqa: FBT003  # OpenTelemetry's API.


def current_traceparent() -> str | None:
    """Return the W3C context of here and now; None outside any trace."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(span: Span) -> str | None:
    """Return the W3C context of `span`, as headers carry it."""
    at = span.get_span_context()
    if not at.is_valid:
        return None
    return f"00-{at.trace_id:032x}-{at.span_id:016x}-{int(at.trace_flags.sampled):02x}"


def current_trace_id() -> str | None:
    """Return the trace id in hex."""
    at = trace.get_current_span().get_span_context()
    return f"{at.trace_id:032x}" if at.is_valid else None


def sampled_trace_id() -> str | None:
    """Return the trace id for an exemplar; None where the trace will not be found later."""
    at = trace.get_current_span().get_span_context()
    return f"{at.trace_id:032x}" if at.is_valid and at.trace_flags.sampled else None


def context_of(traceparent: str | None) -> Context:
    """Return the context that `traceparent` names; an empty one where it is absent or malformed."""
    if traceparent is None:
        return Context()
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context())


def is_sampled(traceparent: str | None) -> bool:
    """Say whether whoever sent `traceparent` keeps its trace."""
    if traceparent is None or traceparent.endswith(_NOT_SAMPLED):
        return False
    if _SAMPLED.fullmatch(traceparent):
        return True
    at = trace.get_current_span(context_of(traceparent)).get_span_context()
    return at.is_valid and at.trace_flags.sampled


@contextmanager
def continue_trace(traceparent: str | None) -> Iterator[None]:
    """Work inside the trace of `traceparent`; without one, spans begun within are roots."""
    token = otel_context.attach(context_of(traceparent))
    try:
        yield
    finally:
        otel_context.detach(token)


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str | None] = (),
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Record one span around the body; an exception marks it failed, by type and never by text."""
    with tracer().start_as_current_span(
        name,
        kind=kind,
        attributes=attributes,
        links=links_to(links),
        record_exception=False,
        set_status_on_exception=False,
    ) as begun:
        try:
            yield begun
        except Exception as error:
            fail(begun, error)
            raise


def fail(span: Span, error: BaseException) -> None:
    """Mark `span` failed. Error texts hold values, so only the type is recorded."""
    span.set_status(Status(StatusCode.ERROR))
    span.set_attribute("error.type", type(error).__qualname__)


def links_to(traceparents: Sequence[str | None]) -> list[Link]:
    """Return links to those contexts that are valid."""
    at = (trace.get_current_span(context_of(one)).get_span_context() for one in traceparents)
    return [Link(one) for one in at if one.is_valid]
