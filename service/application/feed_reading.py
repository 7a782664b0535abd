"""What callers may read of feeds, runs and incidents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.application.reading import Page
from service.domain.channels.feeds import Feed, FeedState, Mode
from service.domain.channels.incidents import Incident
from service.domain.channels.rhythm import Rhythm
from service.domain.channels.runs import Purpose, Run, RunState


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """Which feeds to list."""

    page_size: int
    page_token: str = ""
    channel: str = ""
    shop: str = ""
    mode: Mode | None = None
    state: FeedState | None = None


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list."""

    page_size: int
    page_token: str = ""
    feed_id: str = ""
    purpose: Purpose | None = None
    state: RunState | None = None


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents to list."""

    page_size: int
    page_token: str = ""
    feed_id: str = ""
    only_open: bool = False


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """A feed with what tells how it is."""

    feed: Feed
    rhythm: Rhythm
    wake_at: datetime | None


class FeedReader(Protocol):
    """Reads the register, without locks."""

    def feed(self, feed_id: str) -> Feed:
        """Return a feed, or raise `FeedNotFoundError`."""

    def feeds(self, query: FeedQuery) -> Page[Feed]:
        """List feeds by name; or raise `CursorInvalidError`."""

    def run(self, run_id: str) -> Run:
        """Return a run, or raise `RunNotFoundError`."""

    def runs(self, query: RunQuery) -> Page[Run]:
        """List runs, newest first; or raise `FeedNotFoundError`, `CursorInvalidError`."""

    def incident(self, incident_id: str) -> Incident:
        """Return an incident, or raise `IncidentNotFoundError`."""

    def incidents(self, query: IncidentQuery) -> Page[Incident]:
        """List incidents, newest first; or raise `FeedNotFoundError`, `CursorInvalidError`."""

    def figures(self, *, feed_id: str, channel: str, at: datetime) -> Sequence[FeedFigures]:
        """Return feeds with what tells how they are, by name; or raise `FeedNotFoundError`."""
