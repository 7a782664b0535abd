"""Why a call failed, as one class for each reason of `concord.errors.v1.ErrorReason`.

Match on the class, or on `reason`; never on the text. A reason that this SDK does not know becomes
the family of its gRPC code, so an old client survives a newer server. Three branches:

- `RefusalError`: understood and declined; the same call will be declined again.
- `OutageError`: not now; the same call may succeed later (`is_transient`).
- `InternalError`, `UnsupportedError`: a defect, or two versions that do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grpc import StatusCode

# Everybody takes all errors from here.
from clients.sdk.batch_errors import (  # noqa: F401
    BatchEmptyError,
    BatchNotConfirmedError,
    BatchNotFoundError,
    BatchNotInStateError,
    BatchRoleRefusedError,
    BatchTemplateNotFoundError,
    OrderMovedOnError,
    SecondPersonNeededError,
)
from clients.sdk.channel_errors import (  # noqa: F401
    FeedChangedError,
    FeedExistsError,
    FeedNotFoundError,
    FeedNotInStateError,
    FeedNotPulledError,
    IncidentNotFoundError,
    RunLeaseLostError,
    RunNotFoundError,
)
from clients.sdk.customer_errors import *  # noqa: F403  # four classes, all named so
from clients.sdk.desk_errors import (  # noqa: F401
    CaseChangedError,
    CaseNotPausedError,
    CaseNotResolvedError,
    CasePausedError,
    ConditionNotMetError,
    CutOffPassedError,
    DocumentNotFoundError,
    DocumentsMissingError,
    LoadCapReachedError,
    PurchaseRequestNotFoundError,
    RoleNotAllowedError,
    StepNotActiveError,
)
from clients.sdk.error_kinds import (  # noqa: F401
    AbortedError,
    AlreadyExistsError,
    CallCancelledError,
    ConcordError,
    FailedPreconditionError,
    Failure,
    InvalidArgumentError,
    MessageTooLargeError,
    NotFoundError,
    OutageError,
    PermissionDeniedError,
    RefusalError,
    UnreachableError,
    UnsupportedError,
    Violation,
)
from clients.sdk.import_errors import *  # noqa: F403  # three classes, all named so
from clients.sdk.reconciliation_errors import *  # noqa: F403  # three classes, all named so
from clients.sdk.stock_errors import *  # noqa: F403  # three classes, all named so


class OrderNotFoundError(NotFoundError):
    """There is no such order."""

    REASON = "ORDER_NOT_FOUND"

    @property
    def order(self) -> str:
        return self.metadata.get("order", "")


class IllegalTransitionError(FailedPreconditionError):
    """The order's state does not allow the action."""

    REASON = "ILLEGAL_TRANSITION"

    @property
    def order(self) -> str:
        return self.metadata.get("order", "")

    @property
    def state(self) -> str:
        return self.metadata.get("state", "")

    @property
    def action(self) -> str:
        return self.metadata.get("action", "")

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        return self._list("allowedActions")


class VersionConflictError(AbortedError):
    """Somebody else changed the order first."""

    REASON = "VERSION_CONFLICT"

    @property
    def order(self) -> str:
        return self.metadata.get("order", "")

    @property
    def etag(self) -> str:
        """The present one."""
        return self.metadata.get("etag", "")

    @property
    def expected_etag(self) -> str:
        """The caller's."""
        return self.metadata.get("expectedEtag", "")


class RequestIdReusedError(InvalidArgumentError):
    """The request id was used before with another method or body."""

    REASON = "REQUEST_ID_REUSED"

    @property
    def request_id(self) -> str:
        return self.metadata.get("requestId", "")


class InvalidRequestError(InvalidArgumentError):
    """Fields cannot be accepted; `violations` names each."""

    REASON = "INVALID_REQUEST"

    @property
    def fields(self) -> tuple[str, ...]:
        return self._list("fields")


class ReferenceTakenError(AlreadyExistsError):
    """A reference already belongs to another order."""

    REASON = "REFERENCE_TAKEN"

    @property
    def order(self) -> str:
        """The order that has it."""
        return self.metadata.get("order", "")


class OrderOnHoldError(FailedPreconditionError):
    """Outbound waits until every hold is released."""

    REASON = "ORDER_ON_HOLD"

    @property
    def order(self) -> str:
        return self.metadata.get("order", "")

    @property
    def holds(self) -> tuple[str, ...]:
        """Reasons of the holds."""
        return self._list("holds")


class OutboundNotApprovedError(FailedPreconditionError):
    """The outbound review has not passed."""

    REASON = "OUTBOUND_NOT_APPROVED"


class AmountMismatchError(FailedPreconditionError):
    """The amount or currency is not what the order needs."""

    REASON = "AMOUNT_MISMATCH"

    @property
    def expected(self) -> str:
        return self.metadata.get("expected", "")

    @property
    def given(self) -> str:
        return self.metadata.get("given", "")


class RefundExceedsPaymentError(FailedPreconditionError):
    """More would go back than came."""

    REASON = "REFUND_EXCEEDS_PAYMENT"

    @property
    def refundable(self) -> str:
        return self.metadata.get("refundable", "")


class HoldNotFoundError(NotFoundError):
    """There is no such hold on the order."""

    REASON = "HOLD_NOT_FOUND"


class CaseNotFoundError(NotFoundError):
    """There is no such case."""

    REASON = "CASE_NOT_FOUND"


class CaseClosedError(FailedPreconditionError):
    """The case is resolved; it takes notes only."""

    REASON = "CASE_CLOSED"


class ReceiptNotFoundError(NotFoundError):
    """There is no such receipt."""

    REASON = "RECEIPT_NOT_FOUND"


class FlagNotFoundError(NotFoundError):
    """There is no such flag."""

    REASON = "FLAG_NOT_FOUND"


class CursorInvalidError(InvalidArgumentError):
    """The cursor is not this method's, or its history is gone: start anew."""

    REASON = "CURSOR_INVALID"


class RefundNotRequestedError(FailedPreconditionError):
    """No refund under this number waits to be confirmed."""

    REASON = "REFUND_NOT_REQUESTED"


class ProviderUnknownError(FailedPreconditionError):
    """No provider told of a payment of this order that could give so much back."""

    REASON = "PROVIDER_UNKNOWN"


class PaymentMissingError(FailedPreconditionError):
    """The order is not paid, so it cannot go on."""

    REASON = "PAYMENT_MISSING"


class ProbeNotFoundError(NotFoundError):
    """There is no such probe, or nothing to ask about the order."""

    REASON = "PROBE_NOT_FOUND"


class LeaseLostError(FailedPreconditionError):
    """The probe is not claimed under this lease any more; the receipt of what was learnt counts."""

    REASON = "LEASE_LOST"


class StreamNotParkedError(NotFoundError):
    """Nothing waits to be sent again under this key."""

    REASON = "STREAM_NOT_PARKED"


class StockNotFoundError(NotFoundError):
    """No stock is kept of the article in that warehouse."""

    REASON = "STOCK_NOT_FOUND"


class StockReservedError(FailedPreconditionError):
    """Fewer pieces would be there than are promised to orders."""

    REASON = "STOCK_RESERVED"


class PickListNotFoundError(NotFoundError):
    """There is no such pick list."""

    REASON = "PICK_LIST_NOT_FOUND"


class PickListClosedError(FailedPreconditionError):
    """The pick list is done or void."""

    REASON = "PICK_LIST_CLOSED"


class ConditionFailedError(FailedPreconditionError):
    """A condition of a workflow or a batch cannot be judged."""

    REASON = "CONDITION_FAILED"


class WorkflowNotFoundError(NotFoundError):
    """There is no such workflow, or no such version of it."""

    REASON = "WORKFLOW_NOT_FOUND"


class NoticeNotFoundError(NotFoundError):
    """There is no such notice."""

    REASON = "NOTICE_NOT_FOUND"


class NoticeNotResendableError(FailedPreconditionError):
    """Nothing of the notice is dead."""

    REASON = "NOTICE_NOT_RESENDABLE"


class NoticeNotUncertainError(FailedPreconditionError):
    """Of the notice it is known whether it arrived."""

    REASON = "NOTICE_NOT_UNCERTAIN"


class SendingEndedError(FailedPreconditionError):
    """The attempt is over, or another's."""

    REASON = "SENDING_ENDED"


class StorageUnavailableError(OutageError):
    """The service answers; a server that it needs does not."""

    REASON = "STORAGE_UNAVAILABLE"


class ContentionError(OutageError):
    """Too many callers wait for the same row."""

    REASON = "CONTENTION"


class OverloadedError(OutageError):
    """The server is at its limit, or a message is over its size."""

    REASON = "OVERLOADED"


class DeadlineExceededError(OutageError):
    """No answer in time; asked again under the same request id, nothing is done twice."""

    REASON = "DEADLINE_EXCEEDED"


class InternalError(ConcordError):
    """A defect of the server; `trace_id` leads to its log."""

    REASON = "INTERNAL_ERROR"


# Every class above that stands for a reason of the contract.
BY_REASON: Final[Mapping[str, type[ConcordError]]] = {
    kind.REASON: kind
    for kind in tuple(globals().values())
    if isinstance(kind, type) and issubclass(kind, ConcordError)
    # The SDK's own reason never comes over the wire.
    if kind.REASON and kind is not MessageTooLargeError
}

BY_CODE: Final[Mapping[StatusCode, type[ConcordError]]] = {
    StatusCode.CANCELLED: CallCancelledError,
    StatusCode.UNKNOWN: InternalError,
    StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    StatusCode.NOT_FOUND: NotFoundError,
    StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    StatusCode.UNAUTHENTICATED: PermissionDeniedError,
    StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    StatusCode.ABORTED: AbortedError,
    StatusCode.OUT_OF_RANGE: InvalidArgumentError,
    StatusCode.UNIMPLEMENTED: UnsupportedError,
    StatusCode.INTERNAL: InternalError,
    StatusCode.UNAVAILABLE: UnreachableError,
    StatusCode.DATA_LOSS: InternalError,
}


def error_of(failure: Failure) -> ConcordError:
    """Return the error of the failure's reason, or of its code where the reason is not known."""
    kind = BY_REASON.get(failure.reason) or BY_CODE.get(failure.code, ConcordError)
    return kind(failure)
