"""What was sent and answered: every call of the platforms, and every question to them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from deploy.local.platforms.notices import Verdict

# Of an answer's body as much as any protocol needs, and no page of HTML.
BODY_KEPT: Final = 300

# A storm of 10,000 orders makes a third of it; at a kilobyte each, 200 MB at the very most.
KEPT: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call of a platform, and what it was answered."""

    provider: str
    account: str
    number: str
    kind: str
    notice: str
    """The notice's id; of a forged call the kind of forgery."""
    copy: int
    attempt: int
    """From 1."""
    is_forged: bool
    at: datetime
    """Provider time."""
    took_s: float
    status: int | None
    body: str
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether it was answered as the protocol wants; a forged call must not be taken."""
        if self.is_forged:
            return self.verdict is not Verdict.TAKEN and self.verdict is not Verdict.IMPROPER
        return self.verdict is not Verdict.IMPROPER

    def described(self) -> dict[str, Any]:
        """Return it as the control API tells it."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {**told, "at": self.at.isoformat(), "is_right": self.is_right}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One question to a platform, and how it was answered."""

    provider: str
    account: str
    operation: str
    """`query`, `refund`, `refund_query`, `other`, or `rejected` before that could be told."""
    number: str
    at: datetime
    status: int
    reason: str
    """Empty, or the fault that was drawn, or the word of the refusal."""

    def described(self) -> dict[str, Any]:
        """Return it as the control API tells it."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "at": self.at.isoformat()}


class Records:
    """The newest calls and questions, and counts of all, since the start or since `forget`."""

    def __init__(self) -> None:
        self.calls: deque[CallRecord] = deque(maxlen=KEPT)
        self.requests: deque[RequestRecord] = deque(maxlen=KEPT)
        self.counts: dict[str, dict[str, Any]] = {}

    def add_call(self, call: CallRecord) -> None:
        """Keep and count a call."""
        self.calls.append(call)
        counts = self._counts_of(call.provider)
        counts["forged" if call.is_forged else "calls"][call.verdict.value] += 1
        counts["wrong"] += not call.is_right

    def add_request(self, request: RequestRecord) -> None:
        """Keep and count a question."""
        self.requests.append(request)
        kind = f"{request.operation} {request.reason or request.status}"
        self._counts_of(request.provider)["requests"][kind] += 1

    def find_calls(self, **wanted: str) -> Iterator[CallRecord]:
        """Return the calls whose fields have these values, as text."""
        return (each for each in self.calls if _fits(each, wanted))

    def find_requests(self, **wanted: str) -> Iterator[RequestRecord]:
        """Return the questions whose fields have these values, as text."""
        return (each for each in self.requests if _fits(each, wanted))

    def forget(self) -> None:
        """Begin anew."""
        self.calls.clear()
        self.requests.clear()
        self.counts.clear()

    def _counts_of(self, provider: str) -> dict[str, Any]:
        return self.counts.setdefault(provider, _nothing())


def _nothing() -> dict[str, Any]:
    return {
        "calls": Counter(),
        "forged": Counter(),
        "requests": Counter(),
        "wrong": 0,
    }


def _fits(record: object, wanted: dict[str, str]) -> bool:
    # Flags are compared as JSON writes them.
    return all(str(getattr(record, name)).lower() == text.lower() for name, text in wanted.items())
