"""Refusals of reconciliation."""

from service.domain.errors import OrderError


class StatementNotFoundError(OrderError):
    """Nobody has said anything of this day."""

    reason = "STATEMENT_NOT_FOUND"
    template = "Nothing of {channel} {shop} is here for {day}: import the file of that day first."
    fields = ("channel", "shop", "day")


class ReconciliationNotFoundError(OrderError):
    """There is no such reconciliation."""

    reason = "RECONCILIATION_NOT_FOUND"
    template = "There is no reconciliation {reconciliation}."
    fields = ("reconciliation",)


class DifferenceNotFoundError(OrderError):
    """There is no such difference."""

    reason = "DIFFERENCE_NOT_FOUND"
    template = "There is no difference {difference}."
    fields = ("difference",)
