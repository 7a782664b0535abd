"""Feeds: the ways by which the messages of one shop come, and how far each is.

What people say of a feed has a version; how far it is does not count as a change of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.channels.errors import (
    FeedChangedError,
    FeedNotInStateError,
    FeedNotPulledError,
)


@unique
class Mode(Enum):
    """How messages come; the names are those of `concord.channels.v1.Feed.Mode`."""

    PUSH = "PUSH"
    """The channel sends them."""
    PULL = "PULL"
    """A connector asks for them: such feeds have runs."""
    FILE = "FILE"
    """As a file for each day."""
    MANUAL = "MANUAL"
    """People bring them."""


@unique
class FeedState(Enum):
    """Whether it is watched and asked; the names are those of the proto."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


# A minute between polls is what the quotas of all platforms allow, and five of them are soon over.
INTERVAL: Final = timedelta(seconds=60)
# What shows late in a platform's list shows within minutes.
OVERLAP: Final = timedelta(minutes=5)
LOOK_BACK_EVERY: Final = timedelta(hours=1)
FILE_DUE: Final = "02:00"
FILE_DAYS_AFTER: Final = 1
OWNER: Final = "engineering"

_ID: Final = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLimits:
    """What a platform allows; what is zero is as the connector declares it."""

    window_max: timedelta = timedelta()
    lag: timedelta = timedelta()
    overlap: timedelta = OVERLAP
    look_back: timedelta = timedelta()
    page_size: int = 0
    requests_per_minute: int = 0
    past_max: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSchedule:
    """When a feed is asked, or its file is expected (in the feed's zone)."""

    interval: timedelta = INTERVAL
    look_back_every: timedelta = LOOK_BACK_EVERY
    file_due: str = FILE_DUE
    file_days_after: int = FILE_DAYS_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a feed is, and what was learnt by asking it."""

    # Up to when it is complete.
    cursor_at: datetime
    # When its next regular run is due.
    due_at: datetime
    looked_back_at: datetime
    # For what it was claimed last: a regular run and others take turns.
    last_purpose: str = ""
    # Polls in a row that brought nothing new; and how many they were when a probe was last planned.
    empty_polls: int = 0
    probed_polls: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    # Whether somebody was told of these failures.
    is_told: bool = False
    last_result: str = ""
    last_code: str = ""
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    # When a poll, or the channel by itself, last brought something new.
    last_new_at: datetime | None = None
    clock_offset_ms: int | None = None
    incident_id: str = ""
    # When the service last looked whether it is silent, and counted what was pushed.
    watched_at: datetime | None = None


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One way by which one shop's messages of one kind come."""

    feed_id: str
    channel: str
    shop: str
    mode: Mode
    template: str
    zone: str
    begin_at: datetime
    created_at: datetime
    updated_at: datetime
    progress: Progress
    title: str = ""
    platform: str = ""
    account: str = ""
    limits: FeedLimits = field(default_factory=FeedLimits)
    schedule: FeedSchedule = field(default_factory=FeedSchedule)
    owner: str = OWNER
    settings: Mapping[str, str] = field(default_factory=_nothing)
    state: FeedState = FeedState.ACTIVE
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every change by somebody."""
        return str(self.version)

    @property
    def source(self) -> str:
        """Who its receipts say that they are from: whose protocol it is, wherever it is sold."""
        return self.platform or self.channel

    @property
    def accounts(self) -> tuple[str, ...]:
        """For whom its messages come, as receipts name it; empty: whoever they come for.

        Files name the shop. What names nobody cannot be told apart, and counts for every shop: a
        shop must not look silent because of who sends its messages.
        """
        named = self.shop if self.mode is Mode.FILE else self.account
        return (named, "") if named else ()

    @property
    def is_asked(self) -> bool:
        """Connectors get runs of it."""
        return self.mode is Mode.PULL and self.state is FeedState.ACTIVE

    def changed(self, at: datetime, **fields: object) -> "Feed":
        """Return it with what somebody said of it."""
        return replace(self, **fields, updated_at=at, version=self.version + 1)  # type: ignore[arg-type]  # the reader has checked them

    def paused(self, *, at: datetime) -> "Feed":
        """Return it unwatched, or raise `FeedNotInStateError`."""
        self._refuse_state(FeedState.ACTIVE, "PAUSE")
        return self.changed(at, state=FeedState.PAUSED)

    def resumed(self, *, at: datetime) -> "Feed":
        """Return it watched again, from its cursor on, or raise `FeedNotInStateError`.

        What is usual for it is counted from here: a pause is no silence.
        """
        self._refuse_state(FeedState.PAUSED, "RESUME")
        fresh = replace(self.progress, due_at=at, empty_polls=0, probed_polls=0, last_new_at=at)
        return self.changed(at, state=FeedState.ACTIVE, progress=fresh)

    def refuse_unpulled(self) -> None:
        """Raise unless somebody asks it."""
        if self.mode is not Mode.PULL:
            raise FeedNotPulledError(feed=self.feed_id, mode=self.mode.value)
        self._refuse_state(FeedState.ACTIVE, "START_RUN")

    def refuse_stale(self, etag: str) -> None:
        """Raise `FeedChangedError` unless the etag is empty or the present one."""
        if etag and etag != self.etag:
            raise FeedChangedError(feed=self.feed_id, etag=self.etag, expected_etag=etag)

    def _refuse_state(self, needed: FeedState, act: str) -> None:
        if self.state is not needed:
            raise FeedNotInStateError(feed=self.feed_id, state=self.state.value, act=act)


def begun(at: datetime, begin_at: datetime) -> Progress:
    """Return how far a feed is that nobody asked yet."""
    return Progress(cursor_at=begin_at, due_at=at, looked_back_at=begin_at)


def feed_id_for(channel: str, shop: str) -> str:
    """Return what a feed is called where nobody said."""
    return _ID.sub("-", f"{channel}-{shop}".lower()).strip("-")[:100]
