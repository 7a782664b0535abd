"""Puts an interceptor's work around a handler of any of the four shapes of a gRPC method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol

import grpc

# Probes and tools call these all the time; they are no work of ours.
UNOBSERVED: Final = ("/grpc.",)

Call = Callable[[Any, grpc.ServicerContext], Any]
StreamCall = Callable[[Any, grpc.ServicerContext], Iterator[Any]]
Reader = Callable[[bytes], Any]


class Around(Protocol):
    """What an interceptor does, for one answer and for a stream of answers."""

    def one(self, call: Call, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        """Make the call and return its answer."""

    def stream(
        self,
        call: StreamCall,
        request: Any,  # noqa: ANN401  # A message or an iterator of messages.
        context: grpc.ServicerContext,
    ) -> Iterator[Any]:
        """Make the call and pass its answers on."""


class Once(grpc.ServerInterceptor):
    """Asks interceptors once for each method, the outermost first, and keeps what they made of it.

    gRPC asks at each call, and what they wrap around a handler does not depend on the call: to make
    it anew took a fifth of an empty call.
    """

    def __init__(self, interceptors: Sequence[grpc.ServerInterceptor]) -> None:
        """Take those whose handlers depend on nothing but the method."""
        self._interceptors = interceptors
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401  # The handler, whose messages are of any type.
        """Return the wrapped handler. An unknown method has none, so what is kept stays bounded."""
        kept = self._handlers.get(handler_call_details.method)
        if kept is not None:
            return kept
        for each in reversed(self._interceptors):
            continuation = partial(each.intercept_service, continuation)
        handler = continuation(handler_call_details)
        if handler is not None:
            self._handlers[handler_call_details.method] = handler
        return handler


def as_it_is(read: Reader) -> Reader:
    """Return the reader of requests itself."""
    return read


def wrapped(
    handler: grpc.RpcMethodHandler[Any, Any],
    around: Around,
    *,
    reading: Callable[[Reader], Reader] = as_it_is,
) -> Any:  # noqa: ANN401
    """Return the handler with `around` around each call, and `reading` around its reader."""

    def one(call: Call) -> Call:
        return lambda request, context: around.one(call, request, context)

    def stream(call: StreamCall) -> StreamCall:
        return lambda request, context: around.stream(call, request, context)

    codecs = {
        "request_deserializer": reading(_there(handler.request_deserializer)),
        "response_serializer": handler.response_serializer,
    }
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler(one(_there(handler.unary_unary)), **codecs)
        case False, True:
            return grpc.unary_stream_rpc_method_handler(
                stream(_there(handler.unary_stream)), **codecs
            )
        case True, False:
            return grpc.stream_unary_rpc_method_handler(one(_there(handler.stream_unary)), **codecs)
        case _:
            return grpc.stream_stream_rpc_method_handler(
                stream(_there(handler.stream_stream)), **codecs
            )


def _there(call: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return a part of a handler that its shape says is there."""
    assert call is not None  # noqa: S101  # the generated code sets it
    return call


def final_code(context: grpc.ServicerContext, *, failed: bool) -> grpc.StatusCode:
    """Return the code that the caller gets; a handler that failed without one gets UNKNOWN."""
    code = context.code()  # type: ignore[attr-defined]  # grpcio has it, its stubs do not
    if code is None:
        return grpc.StatusCode.UNKNOWN if failed else grpc.StatusCode.OK
    # A handler may set a plain number.
    return code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN
