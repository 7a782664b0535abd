"""Refusals about customers and merges."""

from service.domain.errors import OrderError


class CustomerNotFoundError(OrderError):
    """There is no such customer."""

    reason = "CUSTOMER_NOT_FOUND"
    template = "There is no customer {customer}."
    fields = ("customer",)


class MergeNotFoundError(OrderError):
    """There is no such merge."""

    reason = "MERGE_NOT_FOUND"
    template = "There is no merge {merge}."
    fields = ("merge",)


class MergeNotInStateError(OrderError):
    """The merge's state does not allow the act."""

    reason = "MERGE_NOT_IN_STATE"
    template = "Merge {merge} is {state}: {act} is not allowed."
    fields = ("merge", "state", "act")


class CustomersSameError(OrderError):
    """The two are one customer already."""

    reason = "CUSTOMERS_SAME"
    template = "{customer} and {other} are one customer already."
    fields = ("customer", "other")
