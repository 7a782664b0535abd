"""Why a call about a file failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import FailedPreconditionError, NotFoundError


class ImportNotFoundError(NotFoundError):
    """There is no such import."""

    REASON = "IMPORT_NOT_FOUND"


class ImportNotInStateError(FailedPreconditionError):
    """The import's state does not allow it."""

    REASON = "IMPORT_NOT_IN_STATE"


class ImportRowNotFoundError(NotFoundError):
    """The import has no such row kept."""

    REASON = "IMPORT_ROW_NOT_FOUND"
