"""Refusals about files."""

from service.domain.errors import OrderError


class ImportNotFoundError(OrderError):
    """There is no such import."""

    reason = "IMPORT_NOT_FOUND"
    template = "There is no import {import_id}."
    fields = ("import_id",)


class ImportNotInStateError(OrderError):
    """The import's state does not allow it."""

    reason = "IMPORT_NOT_IN_STATE"
    template = "Import {import_id} is {state}: {act} is not possible any more."
    fields = ("import_id", "state", "act")


class ImportRowNotFoundError(OrderError):
    """The import has no such row kept."""

    reason = "IMPORT_ROW_NOT_FOUND"
    template = "Import {import_id} has kept no row {numbers}."
    fields = ("import_id", "numbers")
