"""What edges and adapters ask of tracing: a span, the context as text, an order id, keep this one.

Nothing here fails when tracing is off: there is then no context, and spans are not recorded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACER: Final = "concord"
KEEP: Final = "concord.keep"
ORDER: Final = "order.id"

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_CALL: Final = otel_context.create_key("concord-call")

Value = str | int | float | bool
Attributes = Mapping[str, Value]


@lru_cache(maxsize=1)
def _tracer_of(provider: TracerProvider) -> Tracer:
    return provider.get_tracer(TRACER)


def tracer() -> Tracer:
    """Return the tracer of all our spans; to ask for it at each span would cost a tenth of all."""
    return _tracer_of(trace.get_tracer_provider())


@dataclass(slots=True)
class Call:
    """What a handler said about the call that it serves."""

    span: Span
    order: str | None = None
    traceparent: str | None = None
    is_kept: bool = False


def within(call: Call, context: Context | None = None) -> Context:
    """Return a context in which `annotate` and `keep` speak to `call`."""
    return otel_context.set_value(_CALL, call, context)


def _call() -> Call | None:
    call = otel_context.get_value(_CALL)
    return call if isinstance(call, Call) else None


def annotate(*, order: str, traceparent: str | None = None) -> None:
    """Name the order that this call, or this delivered change, is about.

    `traceparent` is the change's own: its delivery then joins the trace that caused it.
    """
    trace.get_current_span().set_attribute(ORDER, order)
    if call := _call():
        call.order, call.traceparent = order, traceparent
        call.span.set_attribute(ORDER, order)


def annotated_order() -> str | None:
    """Return the order that this call is about, where its handler has said so."""
    call = _call()
    return call.order if call else None


def keep() -> None:
    """Keep this trace from here on, sampled or not: it holds a contradiction or an error."""
    trace.get_current_span().set_attribute(KEEP, True)  # noqa: FBT003  # OpenTelemetry's API.
    if call := _call():
        call.is_kept = True
        call.span.set_attribute(KEEP, True)  # noqa: FBT003


def current_traceparent() -> str | None:
    """Return the W3C context of here and now; None outside any trace. Says sampled after `keep`."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(span: Span) -> str | None:
    """Return the W3C context of `span`, as outbox rows and headers carry it."""
    at = span.get_span_context()
    if not at.is_valid:
        return None
    call = _call()
    is_kept = bool(call and call.is_kept) or _is_marked(span)
    is_sampled = at.trace_flags.sampled or is_kept
    return f"00-{at.trace_id:032x}-{at.span_id:016x}-{int(is_sampled):02x}"


def _is_marked(span: Span) -> bool:
    return isinstance(span, ReadableSpan) and bool((span.attributes or {}).get(KEEP))


def current_trace_id() -> str | None:
    """Return the trace id in hex, as journal rows, logs and error answers carry it."""
    at = trace.get_current_span().get_span_context()
    return f"{at.trace_id:032x}" if at.is_valid else None


def context_of(traceparent: str | None) -> Context:
    """Return the context that `traceparent` names; an empty one where it is absent or malformed."""
    if traceparent is None:
        return Context()
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context())


def context_of_metadata(metadata: Sequence[tuple[str, str | bytes]]) -> Context:
    """Return the context that a caller sent in gRPC metadata."""
    carrier = {key: value for key, value in metadata if key in {"traceparent", "tracestate"}}
    if not carrier:
        return Context()
    return _PROPAGATOR.extract(carrier, context=Context())


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


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A span that ends elsewhere, such as when a broker acknowledges."""

    span: Span
    traceparent: str | None
    """The context to send along."""

    def end(self, error: BaseException | None = None) -> None:
        """End it, as failed where there is an error."""
        if error is not None:
            fail(self.span, error)
        self.span.end()


def begin_span(
    name: str,
    *,
    traceparent: str | None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str | None] = (),
    attributes: Attributes | None = None,
) -> OpenSpan:
    """Begin a span in the trace of `traceparent`; the caller ends it."""
    begun = tracer().start_span(
        name,
        context=context_of(traceparent),
        kind=kind,
        attributes=attributes,
        links=links_to(links),
    )
    return OpenSpan(begun, traceparent_of(begun))


def record_span(
    name: str,
    *,
    traceparent: str | None,
    start_ns: int,
    end_ns: int | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str | None] = (),
    attributes: Attributes | None = None,
) -> str | None:
    """Record what happened to one item of a batch, in the item's own trace; return its context.

    Called afterwards, when it is known whether the item must be kept (`concord.keep`): a batch
    serves many traces, and only those sampled or kept pay for a span (20 µs, thousands a second).
    """
    if traceparent is not None and traceparent.endswith("-00") and not (attributes or {}).get(KEEP):
        return traceparent
    begun = tracer().start_span(
        name,
        context=context_of(traceparent),
        kind=kind,
        attributes=attributes,
        links=links_to(links),
        start_time=start_ns,
    )
    begun.end(end_ns)
    return traceparent_of(begun)


def begin_traces(name: str, came_in: Sequence[str]) -> list[str | None]:
    """Give each item of a batch a trace, linked to this call; return their contexts.

    An item that came in a context goes on from there. Another begins a trace of its own: otherwise
    an order's trace would hold the hundreds of orders that came in by the same call. The only item
    of a call, where it has no context, stays in the call's trace.
    """
    here = current_traceparent()
    now = time.time_ns()
    is_alone = len(came_in) == 1
    return [
        here
        if not context and (is_alone or here is None)
        else record_span(name, traceparent=context or None, start_ns=now, links=[here])
        for context in came_in
    ]


def links_to(traceparents: Sequence[str | None]) -> list[Link]:
    """Return links to those contexts that are valid."""
    at = (trace.get_current_span(context_of(one)).get_span_context() for one in traceparents)
    return [Link(one) for one in at if one.is_valid]


def sampled_trace_id() -> str | None:
    """Return the trace id for an exemplar; None where the trace will not be found later."""
    at = trace.get_current_span().get_span_context()
    if at.is_valid and at.trace_flags & TraceFlags.SAMPLED:
        return f"{at.trace_id:032x}"
    return None
