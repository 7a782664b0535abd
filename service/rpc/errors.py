"""Refusals, outages and bugs as gRPC statuses: one table, one interceptor, no `try` elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import grpc
import structlog
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from service.domain import errors, stock_errors
from service.domain.channels import errors as channel_errors
from service.domain.customers import errors as customer_errors
from service.domain.desk import batch_errors
from service.domain.desk import errors as desk_errors
from service.domain.errors import InvalidRequestError, OrderError, OutageError
from service.domain.imports import errors as import_errors
from service.domain.reconciling import errors as reconciling_errors
from service.failpoints import Failpoints
from service.rpc.wrapping import UNOBSERVED, Call, StreamCall, wrapped
from service.telemetry import Metrics, current_trace_id, keep

log = structlog.get_logger(__name__)

DOMAIN: Final = "concord"

CODES: Final[Mapping[type[Exception], int]] = {
    errors.OrderNotFoundError: code_pb2.NOT_FOUND,
    errors.IllegalTransitionError: code_pb2.FAILED_PRECONDITION,  # AIP-216
    errors.VersionConflictError: code_pb2.ABORTED,  # AIP-154: read again, then decide again
    errors.RequestIdReusedError: code_pb2.INVALID_ARGUMENT,  # same key, other input: a client bug
    errors.InvalidRequestError: code_pb2.INVALID_ARGUMENT,
    errors.ReferenceTakenError: code_pb2.ALREADY_EXISTS,
    errors.OrderOnHoldError: code_pb2.FAILED_PRECONDITION,
    errors.OutboundNotApprovedError: code_pb2.FAILED_PRECONDITION,
    errors.AmountMismatchError: code_pb2.FAILED_PRECONDITION,
    errors.RefundExceedsPaymentError: code_pb2.FAILED_PRECONDITION,
    errors.RefundNotRequestedError: code_pb2.FAILED_PRECONDITION,
    errors.ProviderUnknownError: code_pb2.FAILED_PRECONDITION,
    errors.PaymentMissingError: code_pb2.FAILED_PRECONDITION,
    errors.HoldNotFoundError: code_pb2.NOT_FOUND,
    errors.CaseNotFoundError: code_pb2.NOT_FOUND,
    errors.CaseClosedError: code_pb2.FAILED_PRECONDITION,
    errors.ReceiptNotFoundError: code_pb2.NOT_FOUND,
    errors.FlagNotFoundError: code_pb2.NOT_FOUND,
    errors.ProbeNotFoundError: code_pb2.NOT_FOUND,
    errors.LeaseLostError: code_pb2.FAILED_PRECONDITION,
    errors.CursorInvalidError: code_pb2.INVALID_ARGUMENT,
    errors.StreamNotParkedError: code_pb2.NOT_FOUND,
    errors.ConditionFailedError: code_pb2.FAILED_PRECONDITION,
    errors.WorkflowNotFoundError: code_pb2.NOT_FOUND,
    errors.StockNotFoundError: code_pb2.NOT_FOUND,
    errors.StockReservedError: code_pb2.FAILED_PRECONDITION,
    errors.PickListNotFoundError: code_pb2.NOT_FOUND,
    errors.PickListClosedError: code_pb2.FAILED_PRECONDITION,
    errors.NoticeNotFoundError: code_pb2.NOT_FOUND,
    errors.NoticeNotResendableError: code_pb2.FAILED_PRECONDITION,
    errors.NoticeNotUncertainError: code_pb2.FAILED_PRECONDITION,
    errors.SendingEndedError: code_pb2.FAILED_PRECONDITION,
    desk_errors.StepNotActiveError: code_pb2.FAILED_PRECONDITION,
    desk_errors.RoleNotAllowedError: code_pb2.PERMISSION_DENIED,
    desk_errors.DocumentsMissingError: code_pb2.FAILED_PRECONDITION,
    desk_errors.ConditionNotMetError: code_pb2.FAILED_PRECONDITION,
    desk_errors.CutOffPassedError: code_pb2.FAILED_PRECONDITION,
    desk_errors.CaseChangedError: code_pb2.ABORTED,
    desk_errors.LoadCapReachedError: code_pb2.FAILED_PRECONDITION,
    desk_errors.CasePausedError: code_pb2.FAILED_PRECONDITION,
    desk_errors.CaseNotPausedError: code_pb2.FAILED_PRECONDITION,
    desk_errors.CaseNotResolvedError: code_pb2.FAILED_PRECONDITION,
    desk_errors.DocumentNotFoundError: code_pb2.NOT_FOUND,
    desk_errors.PurchaseRequestNotFoundError: code_pb2.NOT_FOUND,
    batch_errors.BatchNotFoundError: code_pb2.NOT_FOUND,
    batch_errors.BatchTemplateNotFoundError: code_pb2.NOT_FOUND,
    batch_errors.BatchNotInStateError: code_pb2.FAILED_PRECONDITION,
    batch_errors.BatchEmptyError: code_pb2.FAILED_PRECONDITION,
    batch_errors.BatchNotConfirmedError: code_pb2.FAILED_PRECONDITION,
    batch_errors.SecondPersonNeededError: code_pb2.FAILED_PRECONDITION,
    batch_errors.BatchRoleRefusedError: code_pb2.PERMISSION_DENIED,
    batch_errors.OrderMovedOnError: code_pb2.FAILED_PRECONDITION,
    channel_errors.FeedNotFoundError: code_pb2.NOT_FOUND,
    channel_errors.FeedExistsError: code_pb2.ALREADY_EXISTS,
    channel_errors.FeedNotPulledError: code_pb2.FAILED_PRECONDITION,
    channel_errors.FeedNotInStateError: code_pb2.FAILED_PRECONDITION,
    channel_errors.FeedChangedError: code_pb2.ABORTED,
    channel_errors.RunNotFoundError: code_pb2.NOT_FOUND,
    channel_errors.RunLeaseLostError: code_pb2.FAILED_PRECONDITION,
    channel_errors.IncidentNotFoundError: code_pb2.NOT_FOUND,
    import_errors.ImportNotFoundError: code_pb2.NOT_FOUND,
    import_errors.ImportNotInStateError: code_pb2.FAILED_PRECONDITION,
    import_errors.ImportRowNotFoundError: code_pb2.NOT_FOUND,
    reconciling_errors.StatementNotFoundError: code_pb2.NOT_FOUND,
    reconciling_errors.ReconciliationNotFoundError: code_pb2.NOT_FOUND,
    reconciling_errors.DifferenceNotFoundError: code_pb2.NOT_FOUND,
    stock_errors.SkuMappingNotFoundError: code_pb2.NOT_FOUND,
    stock_errors.PurchasePlanNotFoundError: code_pb2.NOT_FOUND,
    stock_errors.PurchasePlanClosedError: code_pb2.FAILED_PRECONDITION,
    customer_errors.CustomerNotFoundError: code_pb2.NOT_FOUND,
    customer_errors.MergeNotFoundError: code_pb2.NOT_FOUND,
    customer_errors.MergeNotInStateError: code_pb2.FAILED_PRECONDITION,
    customer_errors.CustomersSameError: code_pb2.FAILED_PRECONDITION,
    errors.OutageError: code_pb2.UNAVAILABLE,
    errors.ContentionError: code_pb2.ABORTED,
    errors.OverloadedError: code_pb2.RESOURCE_EXHAUSTED,
    errors.DeadlineExceededError: code_pb2.DEADLINE_EXCEEDED,
}


class ErrorsInterceptor(grpc.ServerInterceptor):
    """Turns what a handler raises into a status with exactly one `ErrorInfo`, and counts it."""

    def __init__(self, metrics: Metrics, failpoints: Failpoints | None = None) -> None:
        """Take the metrics that count refusals."""
        self._metrics = metrics
        self._failpoints = failpoints or Failpoints()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401  # The handler, whose messages are of any type.
        """Return the handler with its errors converted."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(UNOBSERVED):
            return handler
        return wrapped(handler, _Converting(self._metrics, self._failpoints), reading=_tolerant)


class _Converting:
    def __init__(self, metrics: Metrics, failpoints: Failpoints) -> None:
        self._metrics = metrics
        self._failpoints = failpoints

    def one(self, call: Call, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        try:
            return self._answer(call, request, context)
        except Exception as error:  # noqa: BLE001  # the process edge: it never continues
            self._abort(context, error)

    def stream(
        self,
        call: StreamCall,
        request: Any,  # noqa: ANN401
        context: grpc.ServicerContext,
    ) -> Iterator[Any]:
        try:
            yield from call(_readable(request), context)
        except Exception as error:  # noqa: BLE001  # the process edge: it never continues
            self._abort(context, error)

    def _answer(self, call: Call, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        self._failpoints.reach("rpc:before_work")
        answer = call(_readable(request), context)
        self._failpoints.reach("rpc:before_answer")
        return answer

    def _abort(self, context: grpc.ServicerContext, error: Exception) -> None:
        if context.code() is not None:  # type: ignore[attr-defined]  # grpcio has it, its stubs not
            raise error  # it was aborted on purpose, and has its status
        status = status_of(error)
        if status.code == code_pb2.INTERNAL:
            keep()
            log.error("rpc_bug", exc_info=error)
        elif isinstance(error, OutageError) and error.reason == OutageError.reason:
            # The caller is told that storage is away, and whoever runs it why: `DiskFull`, say. The
            # other outages are limits of our own, at work.
            log.warning("rpc_outage", error=error)
        if isinstance(error, OrderError):
            self._metrics.refusals.labels(error.reason).inc()
        answer = rpc_status.to_status(status)
        if trace_id := current_trace_id():
            told = (*answer.trailing_metadata, ("concord-trace-id", trace_id))
            context.set_trailing_metadata(told)
            context.abort(answer.code, answer.details)
        context.abort_with_status(answer)


class _Malformed:
    """Stands for a request whose bytes are no message."""


def _tolerant(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return a reader that leaves it to the call to refuse what cannot be read.

    What a reader raises, gRPC answers as an internal error of the server.
    """

    def tolerant(raw: bytes) -> Any:  # noqa: ANN401  # a message, or what stands for none
        try:
            return read(raw)
        except DecodeError:
            return _Malformed()

    return tolerant


def _readable(request: Any) -> Any:  # noqa: ANN401  # a message or an iterator of messages
    if isinstance(request, Iterator):
        return map(_readable, request)
    if isinstance(request, _Malformed):
        advice = "send a valid protobuf message; text must be UTF-8"
        raise InvalidRequestError((("request", advice),))
    return request


def status_of(error: Exception) -> status_pb2.Status:
    """Return the status that tells a caller of an error, and no more than the caller may know."""
    if isinstance(error, OrderError):
        status = _status(CODES[type(error)], str(error), error.reason, error.metadata())
        if isinstance(error, InvalidRequestError):
            status.details.append(_pack(_bad_request(error)))
        return status
    if isinstance(error, OutageError):
        code = next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
        return _status(code, error.text, error.reason, {})
    text = f"A defect of ours. Trace {current_trace_id() or 'unknown'} leads to the log."
    return _status(code_pb2.INTERNAL, text, "INTERNAL_ERROR", {})


def _status(code: int, text: str, reason: str, metadata: dict[str, str]) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    return status_pb2.Status(code=code, message=text, details=[_pack(info)])


def _bad_request(error: InvalidRequestError) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation
    return error_details_pb2.BadRequest(
        field_violations=[
            violation(field=path, description=advice) for path, advice in error.violations
        ]
    )


def _pack(message: Any) -> AnyProto:  # noqa: ANN401  # any detail message
    packed = AnyProto()
    packed.Pack(message)
    return packed
