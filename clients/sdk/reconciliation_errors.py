"""Why a call about reconciliation failed; everybody takes these from `clients.sdk.errors`."""

from __future__ import annotations

from clients.sdk.error_kinds import NotFoundError

__all__ = [
    "DifferenceNotFoundError",
    "ReconciliationNotFoundError",
    "StatementNotFoundError",
]


class StatementNotFoundError(NotFoundError):
    """Nobody has said anything of this day."""

    REASON = "STATEMENT_NOT_FOUND"


class ReconciliationNotFoundError(NotFoundError):
    """There is no such reconciliation."""

    REASON = "RECONCILIATION_NOT_FOUND"


class DifferenceNotFoundError(NotFoundError):
    """There is no such difference."""

    REASON = "DIFFERENCE_NOT_FOUND"
