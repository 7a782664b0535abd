"""Why a call about a case failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import (
    AbortedError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
)


class StepNotActiveError(FailedPreconditionError):
    """The case is not at such a step, or the step has no such act."""

    REASON = "STEP_NOT_ACTIVE"

    @property
    def allowed_acts(self) -> tuple[str, ...]:
        """What may be done, as `step.act`."""
        return self._list("allowedActs")


class RoleNotAllowedError(PermissionDeniedError):
    """Another role must do this."""

    REASON = "ROLE_NOT_ALLOWED"

    @property
    def allowed_roles(self) -> tuple[str, ...]:
        """Which roles may."""
        return self._list("allowedRoles")


class DocumentsMissingError(FailedPreconditionError):
    """The step takes documents that are not there."""

    REASON = "DOCUMENTS_MISSING"

    @property
    def missing(self) -> tuple[str, ...]:
        """Which kinds of documents."""
        return self._list("missing")


class ConditionNotMetError(FailedPreconditionError):
    """What the workflow asks for does not hold."""

    REASON = "CONDITION_NOT_MET"


class CutOffPassedError(FailedPreconditionError):
    """It was asked too late."""

    REASON = "CUT_OFF_PASSED"


class CaseChangedError(AbortedError):
    """Somebody else acted on the case first."""

    REASON = "CASE_CHANGED"

    @property
    def allowed_acts(self) -> tuple[str, ...]:
        """What may be done by now, as `step.act`."""
        return self._list("allowedActs")


class LoadCapReachedError(FailedPreconditionError):
    """Somebody has as many open cases as a person of the role may have."""

    REASON = "LOAD_CAP_REACHED"


class CasePausedError(FailedPreconditionError):
    """The case's clocks stand still already."""

    REASON = "CASE_PAUSED"


class CaseNotPausedError(FailedPreconditionError):
    """The case was not paused by hand."""

    REASON = "CASE_NOT_PAUSED"


class CaseNotResolvedError(FailedPreconditionError):
    """The case has not ended."""

    REASON = "CASE_NOT_RESOLVED"


class DocumentNotFoundError(NotFoundError):
    """The case has no such document."""

    REASON = "DOCUMENT_NOT_FOUND"


class PurchaseRequestNotFoundError(NotFoundError):
    """There is no such purchase request."""

    REASON = "PURCHASE_REQUEST_NOT_FOUND"
