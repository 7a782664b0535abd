"""How reading ends early: a value that does not fit, and a message that cannot be read."""

from streams.logic.normalising.facts import Rejection, RejectionReason


class UnfitError(Exception):
    """A value that cannot be what its template says it is. Knows the remedy, not the place."""

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice


class UnreadableError(Exception):
    """A message, or one record of it, that cannot be read."""

    def __init__(self, reason: RejectionReason, field: str, advice: str) -> None:
        super().__init__(reason)
        self.rejection = Rejection(reason, field, advice)


class TemplateError(ValueError):
    """A template that contradicts its own format. Raised when templates are loaded."""
