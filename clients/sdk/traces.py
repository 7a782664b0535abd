"""Traces: kept spans, found by order. The span keeper answers at an address of its own."""

from __future__ import annotations

from collections.abc import Sequence

from clients.sdk.calls import Call, M, SubClient, unary
from clients.sdk.names import resource
from concord.traces.v1 import trace_service_pb2 as api
from concord.traces.v1.trace_service_pb2_grpc import TraceServiceStub


class Traces(SubClient[M]):
    """`TraceService`."""

    @unary
    def list_spans(
        self, order: str = "", *, trace_ids: Sequence[str] = (), page_size: int = 0
    ) -> Call[api.ListSpansResponse]:
        """Return spans of all traces that touched the order, and of those named; oldest first."""
        request = api.ListSpansRequest(
            order=resource("orders", order), trace_ids=trace_ids, page_size=page_size
        )
        return Call(TraceServiceStub, "ListSpans", request)
