"""What goes wrong with the next calls of a platform, as tests and people say."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass


class Fault(enum.StrEnum):
    """How a call is answered when it is not answered."""

    TOO_MANY = "too_many"
    """In the platform's own way: some say 429, some HTTP 200 and a code."""
    HTTP_429 = "http_429"
    """As a gateway in front of the platform says it, with Retry-After."""
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    """No answer for `timeout_s`, then a closed connection."""
    HTML = "html"
    """A proxy's page where JSON should be, with HTTP 200."""
    CUT = "cut"
    """The right answer, without its second half."""
    TOKEN_EXPIRED = "token_expired"  # noqa: S105  # The name of a failure.
    SYSTEM = "system"
    """The platform's own failure, in HTTP 200 where it has such."""
    EMPTY = "empty"
    """A page without rows that says how many there are."""


@dataclass(slots=True)
class _Planned:
    fault: Fault
    operation: str
    after: int
    times: int


@dataclass(slots=True)
class _Happening:
    operation: str
    after: int
    act: Callable[[], object]


class Faults:
    """The faults of one platform, in the order in which they were planned."""

    def __init__(self) -> None:
        self.timeout_s = 5.0
        self._planned: list[_Planned] = []
        self._happenings: list[_Happening] = []

    def plan(self, fault: Fault, *, times: int = 1, operation: str = "", after: int = 0) -> None:
        """Let so many calls fail, after so many that do not; of one operation, or of any."""
        self._planned.append(_Planned(Fault(fault), operation, after, times))

    def meanwhile(self, act: Callable[[], object], *, operation: str = "", after: int = 1) -> None:
        """Let something happen in the shop once so many calls have been answered."""
        self._happenings.append(_Happening(operation, after, act))

    def draw(self, operation: str) -> Fault | None:
        """Return how the next call of that operation goes wrong, if it does."""
        for planned in self._planned:
            if planned.operation not in ("", operation) or not planned.times:
                continue
            if planned.after:
                planned.after -= 1
                continue
            planned.times -= 1
            return planned.fault
        return None

    def answered(self, operation: str) -> None:
        """Let happen what was to happen after that answer."""
        for each in list(self._happenings):
            if each.operation not in ("", operation):
                continue
            each.after -= 1
            if each.after <= 0:
                self._happenings.remove(each)
                each.act()

    def clear(self) -> None:
        """Let everything go well again."""
        self._planned.clear()
        self._happenings.clear()
