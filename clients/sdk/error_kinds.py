"""The kinds of errors that the SDK raises: by what a caller can do about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from grpc import StatusCode


@dataclass(frozen=True)
class Violation:
    """One field that cannot be accepted."""

    field: str
    description: str


@dataclass(frozen=True)
class Failure:
    """What the wire said about a call that failed."""

    code: StatusCode
    reason: str = ""
    message: str = ""
    metadata: Mapping[str, str] | None = None
    trace_id: str = ""
    violations: tuple[Violation, ...] = ()


class ConcordError(Exception):
    """A call failed.

    Attributes:
        code: the gRPC code.
        reason: the `ErrorReason` without its prefix; empty where the server gave none.
        metadata: the reason's variables, as documented beside the reason.
        trace_id: where to look in traces and logs; empty where unknown.
        violations: the fields that cannot be accepted, all at once.
    """

    REASON: ClassVar[str] = ""
    is_transient: ClassVar[bool] = False

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.code = failure.code
        self.reason = failure.reason
        self.message = failure.message
        self.metadata: Mapping[str, str] = dict(failure.metadata or {})
        self.trace_id = failure.trace_id
        self.violations = failure.violations

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    def _list(self, key: str) -> tuple[str, ...]:
        """Return a comma-separated variable as its parts."""
        return tuple(part.strip() for part in self.metadata.get(key, "").split(",") if part.strip())


class RefusalError(ConcordError):
    """Understood and declined."""


class OutageError(ConcordError):
    """Not now: try again with back-off."""

    is_transient = True


class InvalidArgumentError(RefusalError):
    """The request cannot be accepted in any state."""


class MessageTooLargeError(InvalidArgumentError):
    """The request is larger than the server takes; it was not sent. The SDK's own reason."""

    REASON = "MESSAGE_TOO_LARGE"


class NotFoundError(RefusalError):
    """What the request names is not there."""


class AlreadyExistsError(RefusalError):
    """What the request would make is there."""


class FailedPreconditionError(RefusalError):
    """Not in this state."""


class AbortedError(RefusalError):
    """Read again, decide again, ask again."""


class PermissionDeniedError(RefusalError):
    """The caller may not."""


class CallCancelledError(ConcordError):
    """The call was given up before its answer."""


class UnreachableError(OutageError):
    """Nobody answers at the address, or the connection broke."""


class UnsupportedError(ConcordError):
    """The server does not know the method: it is older than this client."""
