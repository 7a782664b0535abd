"""Puts an interceptor's work around a handler of any of the four shapes of a gRPC method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
