"""Refusals of batches."""

from service.domain.errors import OrderError


class BatchNotFoundError(OrderError):
    """There is no such batch."""

    reason = "BATCH_NOT_FOUND"
    template = "There is no batch {batch}."
    fields = ("batch",)


class BatchTemplateNotFoundError(OrderError):
    """There is no such template of batches."""

    reason = "BATCH_TEMPLATE_NOT_FOUND"
    template = "There is no batch template {template}. Known: {known}."
    fields = ("template", "known")


class BatchNotInStateError(OrderError):
    """The batch's state does not allow the act."""

    reason = "BATCH_NOT_IN_STATE"
    template = "Batch {batch} is {state}: {act} is not allowed. Allowed: {allowed_acts}."
    fields = ("batch", "state", "act", "allowed_acts")


class BatchEmptyError(OrderError):
    """Nothing is left to do it to."""

    reason = "BATCH_EMPTY"
    template = "Batch {batch} has no order: {excluded} were excluded. See why, and select anew."
    fields = ("batch", "excluded")


class BatchNotConfirmedError(OrderError):
    """So large a batch is confirmed by typing what it is."""

    reason = "BATCH_NOT_CONFIRMED"
    template = "Batch {batch} takes {size} orders: type `{expected}` to confirm it."
    fields = ("batch", "size", "expected")


class SecondPersonNeededError(OrderError):
    """So large a batch is confirmed by another person than made it."""

    reason = "SECOND_PERSON_NEEDED"
    template = "Batch {batch} takes {size} orders: somebody else than {creator} must confirm it."
    fields = ("batch", "size", "creator")


class BatchRoleRefusedError(OrderError):
    """The caller's role may not use the template."""

    reason = "BATCH_ROLE_REFUSED"
    template = "Batches of {template} are for {roles}, not for {role}."
    fields = ("template", "role", "roles")


class OrderMovedOnError(OrderError):
    """The order is not where the batch takes orders any more."""

    reason = "ORDER_MOVED_ON"
    template = "Order {order} is {state} by now; the batch is for orders that are {states}."
    fields = ("order", "state", "states")
