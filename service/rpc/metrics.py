"""Rate, errors and duration of calls, with a trace to look at for each bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from service.rpc.wrapping import UNOBSERVED, Call, StreamCall, final_code, wrapped
from service.telemetry import Metrics
from service.telemetry.spans import sampled_trace_id


class MetricsInterceptor(grpc.ServerInterceptor):
    """Counts and measures calls; mounted inside the span, so that exemplars find it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401  # The handler, whose messages are of any type.
        """Return the handler measured. An unknown method has none, so names stay bounded."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(UNOBSERVED):
            return handler
        return wrapped(handler, _Measured(handler_call_details.method.lstrip("/"), self._metrics))


class _Measured:
    def __init__(self, method: str, metrics: Metrics) -> None:
        self._method = method
        self._metrics = metrics

    def one(self, call: Call, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        began = self._began()
        failed = True
        try:
            answer = call(request, context)
            failed = False
            return answer
        finally:
            self._ended(began, context, failed=failed)

    def stream(
        self,
        call: StreamCall,
        request: Any,  # noqa: ANN401
        context: grpc.ServicerContext,
    ) -> Iterator[Any]:
        began = self._began()
        failed = True
        sent = self._metrics.stream_messages.labels(self._method)
        try:
            for answer in call(request, context):
                yield answer
                sent.inc()
            failed = False
        except GeneratorExit:
            # The caller went away: the usual end of a watch.
            failed = False
            raise
        finally:
            self._ended(began, context, failed=failed)

    def _began(self) -> float:
        self._metrics.calls_active.labels(self._method).inc()
        return time.perf_counter()

    def _ended(self, began: float, context: grpc.ServicerContext, *, failed: bool) -> None:
        self._metrics.calls_active.labels(self._method).dec()
        code = final_code(context, failed=failed)
        trace_id = sampled_trace_id()
        self._metrics.call_duration.labels(self._method, code.name).observe(
            time.perf_counter() - began, {"trace_id": trace_id} if trace_id else None
        )
