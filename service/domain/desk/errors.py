"""Refusals of the exception desk: what a case, its workflow or its type does not let anybody do."""

from service.domain.errors import OrderError


class StepNotActiveError(OrderError):
    """The case is not at such a step, or the step has no such act."""

    reason = "STEP_NOT_ACTIVE"
    template = "Case {case} does not take {act} here. Allowed: {allowed_acts}."
    fields = ("case", "act", "allowed_acts")


class RoleNotAllowedError(OrderError):
    """Another role must do this."""

    reason = "ROLE_NOT_ALLOWED"
    template = "{act} of {case} is not for {role}. Ask: {allowed_roles}."
    fields = ("case", "act", "role", "allowed_roles")


class DocumentsMissingError(OrderError):
    """The step takes documents that are not there."""

    reason = "DOCUMENTS_MISSING"
    template = "{act} of case {case} takes documents that are missing: {missing}. Add them first."
    fields = ("case", "act", "missing")


class ConditionNotMetError(OrderError):
    """The workflow's condition for the act does not hold."""

    reason = "CONDITION_NOT_MET"
    template = "{act} of case {case} is allowed only where {condition}."
    fields = ("case", "act", "condition")


class CutOffPassedError(OrderError):
    """It was asked too late."""

    reason = "CUT_OFF_PASSED"
    template = "{act} was possible until {until} ({cut_off}): {explanation} / {explanation_en}"
    fields = ("act", "cut_off", "until", "explanation", "explanation_en")


class CaseChangedError(OrderError):
    """Somebody else acted on the case first."""

    reason = "CASE_CHANGED"
    template = (
        "Case {case} has etag {etag}, not {expected_etag}: it is {state} at {steps}. "
        "Allowed: {allowed_acts}."
    )
    fields = ("case", "etag", "expected_etag", "state", "steps", "allowed_acts")


class LoadCapReachedError(OrderError):
    """Somebody has as many open cases as the role may have."""

    reason = "LOAD_CAP_REACHED"
    template = "{assignee} has {open} open cases; {role} takes {cap} a person. Ask somebody else."
    fields = ("assignee", "role", "open", "cap")


class CasePausedError(OrderError):
    """The case's clocks stand still already."""

    reason = "CASE_PAUSED"
    template = "Case {case} is paused already. Resume it first."
    fields = ("case",)


class CaseNotPausedError(OrderError):
    """The case's clocks run."""

    reason = "CASE_NOT_PAUSED"
    template = "Case {case} is not paused by hand: its clocks run, or its step lets them stand."
    fields = ("case",)


class CaseNotResolvedError(OrderError):
    """The case has not ended."""

    reason = "CASE_NOT_RESOLVED"
    template = "Case {case} is open: there is nothing to open again."
    fields = ("case",)


class DocumentNotFoundError(OrderError):
    """The case has no such document."""

    reason = "DOCUMENT_NOT_FOUND"
    template = "Case {case} has no document {number}."
    fields = ("case", "number")


class PurchaseRequestNotFoundError(OrderError):
    """There is no such purchase request."""

    reason = "PURCHASE_REQUEST_NOT_FOUND"
    template = "There is no purchase request {purchase_request}."
    fields = ("purchase_request",)
