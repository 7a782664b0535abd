"""What each platform implements: one page of one window, asked for and taken apart.

A platform signs, asks, tells answers from failures (HTTP 200 is no proof), and cuts the answer
into one message for each order, whose bytes it leaves as they came. It keeps nothing between two
calls: what it must know for the next page stands in the page's token. Calls go through a `Caller`,
which knows turns, patience and the platform's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from clients.connectors.inquiry import JSON_TYPE
from clients.connectors.pulling.times import TimeForm
from clients.connectors.pulling.windows import Window, WindowRules
from clients.providers.accounts.account import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a platform answers one kind of question; one for each template."""

    sends: TimeForm
    """How the window is written into the question."""
    reads: TimeForm
    """How the answer tells when an order changed; not always the same form."""
    rules: WindowRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One page of one window, of one shop."""

    template: str
    """Which of the platform's terms: that of the feed."""
    window: Window
    """Never wider or later than the terms allow."""
    token: str = ""
    """What the page before gave; empty for the first."""
    page_size: int = 0
    """How many rows the feed wants at once; 0: as many as the platform gives."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What the feed says beside: marketplaces and the like."""

    def size(self, at_most: int) -> int:
        """Return how many rows to ask for."""
        return min(self.page_size or at_most, at_most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One order, as the platform wrote it; becomes a receipt."""

    order: str
    """As the platform names it: to keep its receipts together, and to count."""
    body: bytes = field(repr=False)
    changed_at: datetime | None
    """When it last changed, by the platform's own word, in UTC."""
    content_type: str = JSON_TYPE
    template: str = ""
    """Where it is another than the query's."""
    namespace: str = ""
    """Where the order's name is not of the provider's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a platform answered."""

    messages: tuple[Message, ...]
    next_token: str = ""
    """How to ask for what is left; empty after the last page."""
    asked: Mapping[str, str]
    """What was literally sent for the window and the page, no secrets: read in an incident."""
    rows: int | None = None
    """How many rows came; None: as many as messages."""
    total: int | None = None
    """How many the platform says there are in the window."""

    @property
    def row_count(self) -> int:
        """Return how many rows came."""
        return len(self.messages) if self.rows is None else self.rows


A_contra = TypeVar("A_contra", bound=Account, contravariant=True)


class Platform(Protocol[A_contra]):
    """Asks one platform, over the network."""

    @property
    def provider(self) -> str:
        """Of its accounts, its feeds (`channel`) and its receipts (`source`)."""
        ...

    @property
    def terms(self) -> Mapping[str, Terms]:
        """What can be asked for, by the template that reads the answer."""
        ...

    async def page(self, account: A_contra, query: Query) -> Page:
        """Return one page.

        Raises:
            NothingLearntError: unreachable, throttled or refused; nothing of this page is known.
        """
        ...


AnyPlatform = Platform[Any]
