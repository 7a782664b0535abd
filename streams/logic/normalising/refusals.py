"""How reading ends early: a value that does not fit, and a message that cannot be read."""

import re
from typing import Final

from streams.logic.normalising.facts import Rejection, RejectionReason

# Keys come from the message, so they may hold anything that its sender put there.
_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class UnfitError(Exception):
    """A value that cannot be what its template says it is. Knows the remedy, not the place."""

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice


class InexactError(UnfitError):
    """An amount with more digits than its currency has."""


class UnreadableError(Exception):
    """A message, or one record of it, that cannot be read."""

    def __init__(self, reason: RejectionReason, field: str, advice: str) -> None:
        super().__init__(reason)
        self.rejection = Rejection(reason, field, advice)


class TemplateError(ValueError):
    """A template that contradicts its own format. Raised when templates are loaded.

    `trail` leads to the place: keys and indexes from the top of the template's data. `others` are
    further mistakes that were found beside this one.
    """

    def __init__(self, message: str, template: str = "") -> None:
        super().__init__(message)
        self.template = template
        self.trail: list[str | int] = []
        self.others: list[TemplateError] = []

    @property
    def all(self) -> list["TemplateError"]:
        """This mistake, and those found beside it."""
        return [self, *self.others]


def field_named(key: str) -> str:
    """Return a key of the message as a rejection may name it: only if it looks like a field."""
    return key if _FIELD_NAME.fullmatch(key) else "body"
