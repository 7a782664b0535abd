"""Why a call about a customer failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import FailedPreconditionError, NotFoundError


class CustomerNotFoundError(NotFoundError):
    """There is no such customer."""

    REASON = "CUSTOMER_NOT_FOUND"


class MergeNotFoundError(NotFoundError):
    """There is no such merge."""

    REASON = "MERGE_NOT_FOUND"


class MergeNotInStateError(FailedPreconditionError):
    """The merge's state does not allow the act."""

    REASON = "MERGE_NOT_IN_STATE"


class CustomersSameError(FailedPreconditionError):
    """The two are one customer already."""

    REASON = "CUSTOMERS_SAME"
