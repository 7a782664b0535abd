"""What is to be sent, and what came of it: told apart by whether it may have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final, Protocol


@unique
class Result(Enum):
    """The names are those of `concord.notices.v1.ReportDeliveryRequest.Result`."""

    SENT = "SENT"
    NOT_SENT = "NOT_SENT"
    THROTTLED = "THROTTLED"
    REFUSED = "REFUSED"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt brought, with the receiver's own code for it."""

    result: Result
    code: str = ""
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One notice within a message."""

    delivery_id: str
    template: str
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message."""

    name: str
    channel: str
    address: str = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    parts: tuple[Part, ...] = ()

    @property
    def key(self) -> str:
        """What the receiver may know it again by, however often it is sent."""
        return self.parts[0].delivery_id if len(self.parts) == 1 else self.name


class Sender(Protocol):
    """Sends messages of one channel. It never raises, and is done within its time."""

    async def send(self, message: Outgoing) -> Outcome:
        """Send one message, and tell what came of it."""


SENT: Final = Outcome(Result.SENT)
UNKNOWN_ADDRESS: Final = Outcome(Result.REFUSED, "UNKNOWN_ADDRESS")


class NotReachableError(Exception):
    """Nothing was sent: the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome
