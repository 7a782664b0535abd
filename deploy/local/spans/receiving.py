"""The keeper's port: OTLP in, questions about orders answered."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer as OtlpServicer,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    add_TraceServiceServicer_to_server as add_otlp,
)

from concord.traces.v1 import trace_service_pb2, trace_service_pb2_grpc
from deploy.local.spans.decoding import Row
from deploy.local.spans.forwarding import Forwarder
from deploy.local.spans.keeping import Keeper
from deploy.local.spans.store import find

TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
DEFAULT_SPANS: Final = 2_000
MAX_SPANS: Final = 10_000
# An exporter sends 512 spans of about 1 KiB; others send more at once.
MAX_MESSAGE: Final = 16 * 1024 * 1024


class Receiver(OtlpServicer):
    """Takes spans over OTLP, as any collector does."""

    def __init__(self, keeper: Keeper, forwarder: Forwarder | None) -> None:
        self._keeper = keeper
        self._forwarder = forwarder

    def Export(  # noqa: N802  # OTLP's name.
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        """Take spans; say how many were dropped."""
        del context
        if self._forwarder is not None:
            self._forwarder.offer(request)
        dropped = self._keeper.offer(request)
        if not dropped:
            return ExportTraceServiceResponse()
        partial = ExportTracePartialSuccess(rejected_spans=dropped, error_message="queue is full")
        return ExportTraceServiceResponse(partial_success=partial)


class Finder(trace_service_pb2_grpc.TraceServiceServicer):
    """Answers from the store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ListSpans(  # noqa: N802  # Named in the contract.
        self, request: trace_service_pb2.ListSpansRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ListSpansResponse:
        """Return the spans of an order's traces, and of the traces asked for."""
        if any(not TRACE_ID.fullmatch(one) for one in request.trace_ids):
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "trace_ids must be 32 lower-case hex digits each"
            )
        if not 0 <= request.page_size <= MAX_SPANS:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"page_size must be 0 to {MAX_SPANS}")
        limit = request.page_size or DEFAULT_SPANS
        rows = find(
            self._path,
            order=request.order,
            trace_ids=[bytes.fromhex(one) for one in request.trace_ids],
            limit=limit + 1,
        )
        return trace_service_pb2.ListSpansResponse(
            spans=[_span(row) for row in rows[:limit]], truncated=len(rows) > limit
        )


def serve(
    address: str, keeper: Keeper, forwarder: Forwarder | None, path: Path
) -> tuple[grpc.Server, int]:
    """Listen on `address`; return the server and its port, also where 0 was asked for.

    Raises:
        RuntimeError: the address is taken.
    """
    server = grpc.server(
        ThreadPoolExecutor(4, thread_name_prefix="spans"),
        options=[("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.so_reuseport", 0)],
    )
    add_otlp(Receiver(keeper, forwarder), server)  # type: ignore[no-untyped-call]  # Generated.
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Finder(path), server)
    port = server.add_insecure_port(address)
    server.start()
    return server, port


def _span(row: Row) -> trace_service_pb2.Span:
    return trace_service_pb2.Span(
        trace_id=row.trace_id.hex(),
        span_id=row.span_id.hex(),
        parent_span_id=row.parent_id.hex(),
        service=row.service,
        name=row.name,
        kind=row.kind,
        start_time=_timestamp(row.start_ns),
        end_time=_timestamp(row.end_ns),
        error=bool(row.is_error),
        attributes=[
            trace_service_pb2.Span.Attribute(key=key, value=value)
            for key, value in json.loads(row.attributes).items()
        ],
        linked_trace_ids=row.links.split(),
    )


def _timestamp(ns: int) -> Timestamp:
    return Timestamp(seconds=ns // 1_000_000_000, nanos=ns % 1_000_000_000)
