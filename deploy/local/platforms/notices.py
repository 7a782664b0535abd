"""A notice and the calls that carry it, and what a platform makes of the answers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from starlette.routing import BaseRoute

from deploy.local.platforms.clock import Moment
from deploy.local.platforms.trades import Event, Refund, Trade

OK: Final = 200
NO_CONTENT: Final = 204
REDIRECT: Final = 300
BAD: Final = 400


class Verdict(enum.StrEnum):
    """What an answer says, or its absence, in the platform's own protocol."""

    TAKEN = "taken"
    """Stops the retries."""
    AGAIN = "again"
    """Asks for another attempt, as the protocol has it."""
    IMPROPER = "improper"
    """Neither: the platform makes something of it, but nobody may count on what."""
    UNANSWERED = "unanswered"
    """No answer within the platform's patience, or no connection."""
    LOST = "lost"
    """The call never arrived: it was dropped on its way."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request of a platform."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """What one notice says; every attempt says the same, newly signed."""

    kind: str
    """The platform's own word: `TRANSACTION.SUCCESS`, `payment_intent.succeeded` …"""
    id: str
    """By which the platform tells messages apart."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A content, whom it is about and where it goes."""

    trade: Trade
    event: Event
    content: Content
    refund: Refund | None = None


class Platform(Protocol):
    """One payment platform: what it says, to whom it answers, and what it understands."""

    provider: str
    forgeries: tuple[str, ...]
    """Kinds of forged calls that it can be given."""
    patience_s: float
    """Real seconds within which it wants an answer to a notice."""

    def name_trade(self, trade: Trade) -> None:
        """Give a trade that is being created its handle, and its id where it has one already."""

    def name_refund(self, trade: Trade) -> str:
        """Return an id for another refund of the trade."""

    def contents(self, event: Event, trade: Trade, refund: Refund | None) -> list[Content]:
        """Return what it sends notices of when that happens; often nothing."""

    def call(self, notice: Notice, moment: Moment) -> Call:
        """Return one attempt, signed at that moment."""

    def forged(self, trade: Trade, kind: str, moment: Moment) -> Call:
        """Return a call that says the trade is paid, and that must not be believed."""

    def verdict(self, notice: Notice, answer: Answer) -> Verdict:
        """Tell what it makes of an answer to a call about the notice."""

    def routes(self) -> list[BaseRoute]:
        """Return where it answers questions."""


def by_status(answer: Answer) -> Verdict:
    """Read an answer of which only the HTTP code counts."""
    if OK <= answer.status < REDIRECT:
        return Verdict.TAKEN
    return Verdict.AGAIN if answer.status >= BAD else Verdict.IMPROPER
