"""Turns OTLP messages into rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

ORDER: Final = "order.id"
PREFIX: Final = "orders/"


class Row(NamedTuple):
    """One span, as stored."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    service: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    is_error: bool
    attributes: str
    """JSON: name to text."""
    links: str
    """Trace ids in hex, with spaces between."""
    orders: tuple[str, ...]


def rows_of(request: ExportTraceServiceRequest) -> Iterator[Row]:
    """Return a row for each span that has ids."""
    for one in request.resource_spans:
        service = "unknown"
        for pair in one.resource.attributes:
            if pair.key == "service.name":
                service = _text(pair.value)
        for scope in one.scope_spans:
            for span in scope.spans:
                if len(span.trace_id) == 16 and len(span.span_id) == 8:  # noqa: PLR2004  # W3C.
                    yield _row(service, span)


def count_of(request: ExportTraceServiceRequest) -> int:
    """Return how many spans a request holds."""
    return sum(len(scope.spans) for one in request.resource_spans for scope in one.scope_spans)


def bare(order: str) -> str:
    """Return an order's id without the resource prefix."""
    return order.removeprefix(PREFIX)


def _row(service: str, span: Span) -> Row:
    return Row(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        service=service,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=max(span.end_time_unix_nano, span.start_time_unix_nano),
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=json.dumps(
            {pair.key: _text(pair.value) for pair in span.attributes}, ensure_ascii=False
        ),
        links=" ".join(dict.fromkeys(link.trace_id.hex() for link in span.links)),
        orders=tuple(_orders(span.attributes)),
    )


def _orders(attributes: object) -> Iterator[str]:
    pair: KeyValue
    for pair in attributes:  # type: ignore[attr-defined]  # A repeated field.
        if pair.key != ORDER:
            continue
        if pair.value.HasField("array_value"):
            yield from (bare(_text(one)) for one in pair.value.array_value.values)
        else:
            yield bare(_text(pair.value))


def _text(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case None:
            return ""
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "array_value":
            return " ".join(_text(one) for one in value.array_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case field:
            return str(getattr(value, field))
