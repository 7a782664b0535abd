"""One line a request: method, code, how long, which order. Never what was asked or answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
import structlog

from service.rpc.wrapping import UNOBSERVED, Call, StreamCall, final_code, wrapped
from service.telemetry.spans import annotated_order

log = structlog.get_logger(__name__)

# Ours to mend. A refusal is the system working, and a caller's deadline is the caller's.
WARNINGS: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})
ERRORS: Final = frozenset(
    {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS}
)


class RequestLogInterceptor(grpc.ServerInterceptor):
    """Logs each call when it has ended; mounted inside the span, so that lines carry its ids."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401  # The handler, whose messages are of any type.
        """Return the handler logged."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(UNOBSERVED):
            return handler
        return wrapped(handler, _Logged(handler_call_details.method.lstrip("/")))


class _Logged:
    def __init__(self, method: str) -> None:
        self._method = method

    def one(self, call: Call, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        began, failed = time.perf_counter(), True
        try:
            answer = call(request, context)
            failed = False
            return answer
        finally:
            self._say("rpc_finished", began, final_code(context, failed=failed))

    def stream(
        self,
        call: StreamCall,
        request: Any,  # noqa: ANN401
        context: grpc.ServicerContext,
    ) -> Iterator[Any]:
        began, failed = time.perf_counter(), True
        try:
            yield from call(request, context)
            failed = False
        except GeneratorExit:
            failed = False
            raise
        finally:
            self._say("rpc_stream_finished", began, final_code(context, failed=failed))

    def _say(self, event: str, began: float, code: grpc.StatusCode) -> None:
        say = log.error if code in ERRORS else log.warning if code in WARNINGS else log.info
        fields: dict[str, object] = {
            "method": self._method,
            "code": code.name,
            "duration_s": round(time.perf_counter() - began, 6),
        }
        if order := annotated_order():
            fields["order"] = order
        say(event, **fields)
