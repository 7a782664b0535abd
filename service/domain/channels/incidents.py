"""Incidents: that a feed was broken without saying so, what was found, and how it was filled."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.cases import Case, case_id_for, open_case
from service.domain.channels.feeds import Feed
from service.domain.channels.planning import Window
from service.domain.channels.runs import Run, Seen
from service.domain.desk.catalogue import PLAIN, Catalogue
from service.domain.desk.notices import NoticeAsked
from service.domain.desk.taxonomy import Severity
from service.domain.facts import OrderRef
from service.domain.naming import named

INCIDENT_NAMESPACE: Final = uuid.UUID("6f3d0c1e-9d52-5e0b-8a41-2c7f1be1d811")
CASE_TYPE: Final = "FEED_GAP"
# What a page of the console shows.
EXAMPLES: Final = 50
# Two clocks that are kept well differ by less; what changed later than that was read wrongly.
AHEAD_MOST: Final = timedelta(minutes=10)
# What changed later than so many polls ago may be on its way still.
POLLS_OF_GRACE: Final = 2
# A platform that cannot be reached for so long is told of.
UNREACHABLE_FOR: Final = timedelta(minutes=30)


@unique
class IncidentState(Enum):
    """Where an incident is; the names are those of `concord.channels.v1.Incident.State`."""

    FILLING = "FILLING"
    """The gap is being filled."""
    FILLED = "FILLED"
    """It is filled; the feed's own polls are still empty."""
    CLOSED = "CLOSED"
    """The feed's own polls bring orders again."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Orders that a run saw and that should have come before: how many, and some of them."""

    count: int = 0
    examples: tuple[OrderRef, ...] = ()
    oldest_at: datetime | None = None
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """That a feed was broken without saying so."""

    incident_id: str
    feed_id: str
    # The last empty poll, and the probe that found orders all the same.
    asked: Window
    found: Window
    opened_at: datetime
    asked_text: str = ""
    found_text: str = ""
    empty_polls: int = 0
    missed: Missed = Missed()
    case_id: str = ""
    backfill: str = ""
    state: IncidentState = IncidentState.FILLING
    filled_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """The feed's own polls do not bring orders yet."""
        return self.state is not IncidentState.CLOSED

    def filled(self, missed: Missed, *, at: datetime) -> "Incident":
        """Return it with its gap filled."""
        return replace(self, state=IncidentState.FILLED, missed=missed, filled_at=at)

    def grown(self, missed: Missed, backfill: str) -> "Incident":
        """Return it with what another probe found, to be filled again."""
        return replace(self, state=IncidentState.FILLING, missed=missed, backfill=backfill)

    def closed(self, *, at: datetime) -> "Incident":
        """Return it over."""
        return replace(self, state=IncidentState.CLOSED, closed_at=at)


def are_missed(
    feed: Feed, run: Run, seen: Sequence[Seen], known: Collection[OrderRef], *, at: datetime
) -> list[Seen]:
    """Return what should have come before the run began, and had not.

    An order that changed after the cursor is found by the next poll, and one of before the feed was
    registered is not ours to find. One from the future was read in the wrong zone. While polls are
    known to miss orders, none of them is waited for.
    """
    grace = min(feed.limits.overlap, POLLS_OF_GRACE * feed.schedule.interval)
    late = (run.cursor_before or run.window_end) - grace
    if feed.progress.incident_id and feed.progress.empty_polls:
        late = at
    return [
        each
        for each in seen
        if each.ref not in known
        and not each.is_repeated
        and (
            each.changed_at is None
            or feed.begin_at <= each.changed_at < late
            or each.changed_at > at + AHEAD_MOST
        )
    ]


def incident_id_for(run: Run) -> str:
    """Return the id of the one incident that a probe may find."""
    return f"inc-{named(INCIDENT_NAMESPACE, run.run_id)}"


def opened(
    feed: Feed, probe: Run, last_poll: Run | None, missed: Missed, *, backfill: str, at: datetime
) -> Incident:
    """Return the incident that a probe found."""
    poll = last_poll or probe
    return Incident(
        incident_id=incident_id_for(probe),
        feed_id=feed.feed_id,
        asked=Window(poll.window_start, poll.window_end),
        found=Window(probe.window_start, probe.window_end),
        asked_text=_last(poll),
        found_text=_last(probe),
        empty_polls=feed.progress.empty_polls,
        missed=missed,
        backfill=backfill,
        opened_at=at,
    )


def case_of(feed: Feed, incident_id: str, *, at: datetime, catalogue: Catalogue = PLAIN) -> Case:
    """Return the case of a feed that is not complete; it belongs to no order."""
    subject = f"{feed.channel}/{feed.feed_id}"
    case_id = case_id_for(subject, CASE_TYPE, incident_id)
    return replace(open_case(case_id, "", CASE_TYPE, at=at, catalogue=catalogue), subject=subject)


def gap_notice(feed: Feed, incident: Incident) -> NoticeAsked:
    """Return what the owner is told at once: both windows, and how many orders."""
    return NoticeAsked(
        key=f"{incident.incident_id}|found",
        template="feed_incident",
        recipient=f"role:{feed.owner}",
        severity=Severity.CRITICAL,
        case_id=incident.case_id,
        values={
            "feed": feed.feed_id,
            "channel": feed.channel,
            "polls": str(incident.empty_polls),
            "orders": str(incident.missed.count),
            "asked_start": _text(incident.asked.start),
            "asked_end": _text(incident.asked.end),
            "found_start": _text(incident.found.start),
            "found_end": _text(incident.found.end),
            "incident": incident.incident_id,
            "case": incident.case_id,
        },
    )


def failing_notice(feed: Feed) -> NoticeAsked:
    """Return what the owner is told where a feed cannot be asked."""
    progress = feed.progress
    since = progress.failing_since or progress.due_at
    return NoticeAsked(
        key=f"{feed.feed_id}|failing|{since.isoformat()}",
        template="feed_failing",
        recipient=f"role:{feed.owner}",
        severity=Severity.HIGH,
        values={
            "feed": feed.feed_id,
            "channel": feed.channel,
            "code": progress.last_code or progress.last_result,
            "since": _text(since),
        },
    )


def lost_notice(feed: Feed, window: Window) -> NoticeAsked:
    """Return what the owner is told where a platform does not answer about a gap any more."""
    return NoticeAsked(
        key=f"{feed.feed_id}|lost|{window.start.isoformat()}",
        template="feed_lost",
        recipient=f"role:{feed.owner}",
        severity=Severity.CRITICAL,
        values={
            "feed": feed.feed_id,
            "channel": feed.channel,
            "start": _text(window.start),
            "end": _text(window.end),
        },
    )


def silent_notice(feed: Feed, *, since: datetime, usual: float, case_id: str) -> NoticeAsked:
    """Return what the owner is told where nothing came for far longer than is usual."""
    return NoticeAsked(
        key=f"{feed.feed_id}|silent|{since.isoformat()}",
        template="feed_silent",
        recipient=f"role:{feed.owner}",
        severity=Severity.CRITICAL,
        case_id=case_id,
        values={
            "feed": feed.feed_id,
            "channel": feed.channel,
            "since": _text(since),
            "usual": f"{usual:.0f}",
            "case": case_id,
        },
    )


def _last(run: Run) -> str:
    return run.asked[-1] if run.asked else ""


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
