"""Reads a gRPC failure: code, the one ErrorInfo, field violations, trace id.

The only place that knows how a refusal looks on the wire.
"""

from __future__ import annotations

from typing import Any, Final

import grpc
from google.rpc import error_details_pb2, status_pb2
from opentelemetry import trace

from clients.sdk.errors import ConcordError, Failure, Violation, error_of

DOMAIN: Final = "concord"
STATUS_KEY: Final = "grpc-status-details-bin"
# The server names the trace in which it worked; without it the caller's own trace is the best clue.
TRACE_KEY: Final = "concord-trace-id"


def from_rpc(error: grpc.RpcError) -> ConcordError:
    """Return the typed error of a failed call; sync and asyncio calls fail alike."""
    trailers: Any = error.trailing_metadata() or ()
    metadata: dict[str, str | bytes] = dict(trailers)
    status = _status(metadata.get(STATUS_KEY))
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    for detail in status.details:
        found = error_details_pb2.ErrorInfo()
        # Another domain's reason, such as a proxy's, is not one of ours.
        if detail.Unpack(found) and found.domain == DOMAIN:
            info = found
        detail.Unpack(bad)
    return error_of(
        Failure(
            code=error.code(),
            reason=info.reason.removeprefix("ERROR_REASON_"),
            message=error.details() or "",
            metadata=dict(info.metadata),
            trace_id=_text(metadata.get(TRACE_KEY)) or _own_trace_id(),
            violations=tuple(Violation(v.field, v.description) for v in bad.field_violations),
        )
    )


def _status(raw: str | bytes | None) -> status_pb2.Status:
    """Return the rich status, or an empty one where there is none."""
    return status_pb2.Status.FromString(raw) if isinstance(raw, bytes) else status_pb2.Status()


def _text(raw: str | bytes | None) -> str:
    return raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw or ""


def _own_trace_id() -> str:
    """Return the trace in which the caller stands, if any."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
