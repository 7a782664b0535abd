"""Refusals: calls that were understood and declined, each with its reason and its variables."""

from typing import ClassVar, Final

# A refusal travels in the call's trailing metadata, of which gRPC takes 8 KiB. A path of 60 and
# advice of 80 bytes, the path twice more in text and metadata, as base64: 350 bytes each.
VIOLATIONS_TOLD: Final = 20


class OrderError(Exception):
    """A refusal. `reason` is unique and stands in `concord.errors.v1.ErrorReason`."""

    reason: ClassVar[str]
    template: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **values: object) -> None:
        """Take exactly the variables that the reason documents."""
        if set(values) != set(self.fields):
            message = f"{type(self).__name__} takes {self.fields}, got {tuple(values)}"
            raise TypeError(message)
        self.values = {name: _text(value) for name, value in values.items()}
        super().__init__(self.template.format(**self.values))

    def metadata(self) -> dict[str, str]:
        """Return every variable of the message, in lower camel case."""
        return {_camel(name): value for name, value in self.values.items()}


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


class OrderNotFoundError(OrderError):
    """There is no such order."""

    reason = "ORDER_NOT_FOUND"
    template = "There is no order {order}. Check the id, or look it up by its reference."
    fields = ("order",)


class IllegalTransitionError(OrderError):
    """The order's state does not allow the action."""

    reason = "ILLEGAL_TRANSITION"
    template = "Order {order} is {state}: {action} is not allowed. Allowed: {allowed_actions}."
    fields = ("order", "state", "action", "allowed_actions")

    def __init__(self, *, order: str, state: str, action: str, allowed: tuple[str, ...]) -> None:
        """Name what was asked, and what may be asked instead."""
        super().__init__(order=order, state=state, action=action, allowed_actions=allowed)


class VersionConflictError(OrderError):
    """Somebody else changed the order first."""

    reason = "VERSION_CONFLICT"
    template = "Order {order} has etag {etag}, not {expected_etag}. Read it again, then decide."
    fields = ("order", "etag", "expected_etag")


class RequestIdReusedError(OrderError):
    """The request id was used with another method or body."""

    reason = "REQUEST_ID_REUSED"
    template = "Request id {request_id} was used for another request. Take a fresh UUID."
    fields = ("request_id",)


class InvalidRequestError(OrderError):
    """Fields of the request cannot be accepted; `violations` names each and says why."""

    reason = "INVALID_REQUEST"
    template = "The request cannot be accepted: see the violations of {fields}."
    fields = ("fields",)

    def __init__(self, violations: tuple[tuple[str, str], ...]) -> None:
        """Take (field path, what to send instead) for every bad field; the first are told."""
        self.violations = violations[:VIOLATIONS_TOLD]
        super().__init__(fields=tuple(dict.fromkeys(path for path, _ in self.violations)))


class ReferenceTakenError(OrderError):
    """A reference already belongs to another order."""

    reason = "REFERENCE_TAKEN"
    template = "Reference {namespace}:{value} belongs to order {order}."
    fields = ("namespace", "value", "order")


class OrderOnHoldError(OrderError):
    """Outbound waits until every hold is released."""

    reason = "ORDER_ON_HOLD"
    template = "Order {order} is on hold ({holds}). Release the holds first."
    fields = ("order", "holds")


class OutboundNotApprovedError(OrderError):
    """The outbound review did not pass yet."""

    reason = "OUTBOUND_NOT_APPROVED"
    template = "Outbound of order {order} is not approved. Call ApproveOutbound first."
    fields = ("order",)


class AmountMismatchError(OrderError):
    """The amount or currency is not what the order needs."""

    reason = "AMOUNT_MISMATCH"
    template = "Order {order} needs {expected}, not {given}."
    fields = ("order", "expected", "given")


class RefundExceedsPaymentError(OrderError):
    """More would go back than came."""

    reason = "REFUND_EXCEEDS_PAYMENT"
    template = "Order {order} can refund {refundable} at most, not {given}."
    fields = ("order", "refundable", "given")


class RefundNotRequestedError(OrderError):
    """No refund waits under this number."""

    reason = "REFUND_NOT_REQUESTED"
    template = "Order {order} has no open refund {voucher}. Call RequestRefund first."
    fields = ("order", "voucher")


class ProviderUnknownError(OrderError):
    """No provider told of a payment that could give so much back."""

    reason = "PROVIDER_UNKNOWN"
    template = (
        "Order {order} has no payment {payment} by a provider that could give so much back. "
        "Call RequestRefund and give it back by hand, or ask for less."
    )
    fields = ("order", "payment")


class PaymentMissingError(OrderError):
    """The order is not paid, so it cannot go on."""

    reason = "PAYMENT_MISSING"
    template = "Order {order} is not paid in full, so it cannot go on."
    fields = ("order",)


class HoldNotFoundError(OrderError):
    """There is no such hold."""

    reason = "HOLD_NOT_FOUND"
    template = "Order {order} has no hold {hold}."
    fields = ("order", "hold")


class CaseNotFoundError(OrderError):
    """There is no such case."""

    reason = "CASE_NOT_FOUND"
    template = "There is no case {case}."
    fields = ("case",)


class CaseClosedError(OrderError):
    """The case is resolved."""

    reason = "CASE_CLOSED"
    template = "Case {case} is resolved; it takes notes only."
    fields = ("case",)


class ReceiptNotFoundError(OrderError):
    """There is no such receipt."""

    reason = "RECEIPT_NOT_FOUND"
    template = "There is no receipt {receipt}."
    fields = ("receipt",)


class FlagNotFoundError(OrderError):
    """There is no such flag."""

    reason = "FLAG_NOT_FOUND"
    template = "There is no flag {flag}."
    fields = ("flag",)


class ProbeNotFoundError(OrderError):
    """There is no such probe."""

    reason = "PROBE_NOT_FOUND"
    template = "There is no probe {probe}."
    fields = ("probe",)


class LeaseLostError(OrderError):
    """The probe is not claimed under this lease any more."""

    reason = "LEASE_LOST"
    template = "Probe {probe} is not claimed under this lease any more. Claim probes again."
    fields = ("probe",)


class CursorInvalidError(OrderError):
    """The cursor or page token is not ours, or its history is gone."""

    reason = "CURSOR_INVALID"
    template = "Token {token} is not valid here. Start again without one."
    fields = ("token",)


class StreamNotParkedError(OrderError):
    """Nothing waits to be sent again under this key."""

    reason = "STREAM_NOT_PARKED"
    template = "Nothing is parked on {topic} under key {key}."
    fields = ("topic", "key")


class ConditionFailedError(OrderError):
    """A condition of a workflow or a batch cannot be judged."""

    reason = "CONDITION_FAILED"
    template = "Condition {condition} cannot be judged: {problem}. Correct where it stands."
    fields = ("condition", "problem")


class WorkflowNotFoundError(OrderError):
    """There is no such workflow, or no such version of it."""

    reason = "WORKFLOW_NOT_FOUND"
    template = "There is no workflow {workflow}."
    fields = ("workflow",)


class StockNotFoundError(OrderError):
    """No stock is kept of the article there."""

    reason = "STOCK_NOT_FOUND"
    template = "No stock of {sku} is kept in {warehouse}. Call SetStock to begin."
    fields = ("sku", "warehouse")


class StockReservedError(OrderError):
    """Fewer pieces would be there than are promised."""

    reason = "STOCK_RESERVED"
    template = "Of {sku} in {warehouse} {reserved} are promised to orders: that many must be there."
    fields = ("sku", "warehouse", "reserved")


class PickListNotFoundError(OrderError):
    """There is no such pick list."""

    reason = "PICK_LIST_NOT_FOUND"
    template = "There is no pick list {pick_list}."
    fields = ("pick_list",)


class PickListClosedError(OrderError):
    """The pick list is done or void."""

    reason = "PICK_LIST_CLOSED"
    template = "Pick list {pick_list} is {state}; nothing is to be picked from it."
    fields = ("pick_list", "state")


class NoticeNotFoundError(OrderError):
    """There is no such notice."""

    reason = "NOTICE_NOT_FOUND"
    template = "There is no notice {notice}."
    fields = ("notice",)


class NoticeNotResendableError(OrderError):
    """Nothing of the notice is dead."""

    reason = "NOTICE_NOT_RESENDABLE"
    template = "Notice {notice} is {state}: only what is DEAD is sent again."
    fields = ("notice", "state")


class NoticeNotUncertainError(OrderError):
    """Of the notice it is known whether it arrived."""

    reason = "NOTICE_NOT_UNCERTAIN"
    template = "Notice {notice} is {state}: only what is UNCERTAIN is settled by a person."
    fields = ("notice", "state")


class SendingEndedError(OrderError):
    """The attempt is over, or another's."""

    reason = "SENDING_ENDED"
    template = "Attempt {sending} is over, or claimed under another lease."
    fields = ("sending",)


class OutageError(Exception):
    """A server that we need did not do its part; the adapter translated the driver's error."""

    reason: ClassVar[str] = "STORAGE_UNAVAILABLE"
    text: ClassVar[str] = "Storage cannot be reached. Try again with back-off."


class ContentionError(OutageError):
    """Too many callers wait for the same row."""

    reason = "CONTENTION"
    text = "Too many callers change the same order. Try again with back-off."


class OverloadedError(OutageError):
    """The server is at its limit."""

    reason = "OVERLOADED"
    text = "The server is at its limit. Try again with back-off."


class DeadlineExceededError(OutageError):
    """The caller's deadline passed before the commit."""

    reason = "DEADLINE_EXCEEDED"
    text = "The deadline passed before the work was committed; nothing was done."
