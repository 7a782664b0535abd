"""Spans of calls: one for a call, and for a stream one for each change that it delivers.

Outermost of the interceptors, so that everything else happens inside the span. Records the method
and the outcome; never a request, an answer or an error's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

from service.rpc.wrapping import UNOBSERVED, Call, StreamCall, final_code, wrapped
from service.telemetry import spans

# A refusal is the system working; these are not (semantic conventions, gRPC server spans).
FAILURES: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class TracingInterceptor(grpc.ServerInterceptor):
    """Continues the caller's trace, or begins one."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401  # The handler, whose messages are of any type.
        """Return the handler inside a span."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(UNOBSERVED):
            return handler
        return wrapped(handler, _Traced(handler_call_details.method.lstrip("/")))


class _Traced:
    def __init__(self, method: str) -> None:
        self._method = method
        self._named = _named(method)

    def one(self, call: Call, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        parent = _parent(context)
        begun = self._begin(self._method, parent)
        within = spans.within(spans.Call(begun), trace.set_span_in_context(begun, parent))
        token = otel_context.attach(within)
        failed: BaseException | None = None
        try:
            return call(request, context)
        except BaseException as error:
            failed = error
            raise
        finally:
            _end(begun, context, failed)
            otel_context.detach(token)

    def stream(
        self,
        call: StreamCall,
        request: Any,  # noqa: ANN401
        context: grpc.ServicerContext,
    ) -> Iterator[Any]:
        """Record that the stream was opened, then each annotated change, then how it ended.

        Nothing stays attached while the stream waits: a stream lives for hours, and what it polls
        is not part of any trace.
        """
        opened = self._begin(self._method, _parent(context))
        opened.set_attribute("concord.stream", "opened")
        opened.end()
        answers = call(request, context)
        failed: BaseException | None = None
        try:
            while True:
                said = spans.Call(trace.INVALID_SPAN)
                token = otel_context.attach(spans.within(said, Context()))
                try:
                    answer = next(answers, _END)
                finally:
                    otel_context.detach(token)
                if answer is _END:
                    return
                yield from self._deliver(answer, said, opened)
        except GeneratorExit:
            raise
        except BaseException as error:
            failed = error
            raise
        finally:
            if failed is not None:
                below = trace.set_span_in_context(opened, Context())
                _end(self._begin(f"end {self._method}", below), context, failed)

    def _deliver(self, answer: object, said: spans.Call, opened: Span) -> Iterator[Any]:
        if said.order is None:
            yield answer
            return
        at = opened.get_span_context()
        parent = trace.set_span_in_context(opened, Context())
        if said.traceparent is not None:
            parent = spans.context_of(said.traceparent)
        begun = spans.tracer().start_span(
            f"deliver {self._method}",
            context=parent,
            attributes={**self._named, spans.ORDER: said.order},
            links=[Link(at)] if said.traceparent is not None and at.trace_flags.sampled else [],
        )
        try:
            yield answer
        finally:
            begun.end()

    def _begin(self, name: str, parent: Context) -> Span:
        return spans.tracer().start_span(
            name, context=parent, kind=SpanKind.SERVER, attributes=self._named
        )


_END: Final = object()


def _parent(context: grpc.ServicerContext) -> Context:
    return spans.context_of_metadata(context.invocation_metadata())


def _named(method: str) -> dict[str, str]:
    """Return the call's name in both spellings: the older one, and the release candidate's."""
    return {
        "rpc.system": "grpc",
        "rpc.system.name": "grpc",
        "rpc.service": method.rpartition("/")[0],
        "rpc.method": method,
    }


def _end(span: Span, context: grpc.ServicerContext, failed: BaseException | None) -> None:
    code = final_code(context, failed=failed is not None)
    span.set_attribute("rpc.response.status_code", code.name)
    span.set_attribute("rpc.grpc.status_code", int(code.value[0]))
    if code in FAILURES:
        span.set_status(Status(StatusCode.ERROR))
        cause = failed.__cause__ or failed.__context__ if failed is not None else None
        span.set_attribute("error.type", type(cause).__qualname__ if cause else code.name)
    span.end()
