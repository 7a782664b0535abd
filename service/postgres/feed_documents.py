"""Feeds, runs and incidents as columns, and back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from service.domain.channels.feeds import (
    Feed,
    FeedLimits,
    FeedSchedule,
    FeedState,
    Mode,
    Progress,
)
from service.domain.channels.incidents import Incident, IncidentState, Missed
from service.domain.channels.planning import Window
from service.domain.channels.runs import Purpose, Result, Run, RunState
from service.domain.facts import OrderRef

# A row, as SQLAlchemy or the driver gives it.
Columns = Any

_FEED: Final = (
    "feed_id",
    "title",
    "channel",
    "shop",
    "platform",
    "template",
    "zone",
    "account",
    "owner",
    "version",
    "begin_at",
    "created_at",
    "updated_at",
)
_PROGRESS: Final = tuple(Progress.__dataclass_fields__)
_RUN: Final = (
    "run_id",
    "feed_id",
    "window_start",
    "window_end",
    "ask_start",
    "ask_end",
    "page_token",
    "pages",
    "rows",
    "new_receipts",
    "missed_orders",
    "failures",
    "last_code",
    "created_at",
    "due_at",
    "started_at",
    "ended_at",
    "incident_id",
    "lease",
    "lease_until",
    "cursor_before",
    "note_zh",
    "note_en",
    "actor",
)
_INCIDENT: Final = (
    "incident_id",
    "feed_id",
    "asked_text",
    "found_text",
    "empty_polls",
    "case_id",
    "backfill",
    "opened_at",
    "filled_at",
    "closed_at",
)
_SPANS: Final = ("window_max", "lag", "overlap", "look_back", "past_max")


def feed_row(feed: Feed) -> dict[str, Any]:
    """Return a feed as columns; from when it is claimed is told apart."""
    limits, schedule = feed.limits, feed.schedule
    return {
        **{name: getattr(feed, name) for name in _FEED},
        **{name: getattr(feed.progress, name) for name in _PROGRESS},
        "mode": feed.mode.value,
        "state": feed.state.value,
        "settings": dict(feed.settings),
        "limits": {
            **{f"{name}_s": _seconds(getattr(limits, name)) for name in _SPANS},
            "page_size": limits.page_size,
            "requests_per_minute": limits.requests_per_minute,
        },
        "schedule": {
            "interval_s": _seconds(schedule.interval),
            "look_back_every_s": _seconds(schedule.look_back_every),
            "file_due": schedule.file_due,
            "file_days_after": schedule.file_days_after,
        },
    }


def feed_from(row: Columns) -> Feed:
    """Return columns as a feed."""
    limits, schedule = row["limits"], row["schedule"]
    return Feed(
        **{name: row[name] for name in _FEED},
        mode=Mode(row["mode"]),
        state=FeedState(row["state"]),
        settings=row["settings"],
        limits=FeedLimits(
            **{name: timedelta(seconds=limits[f"{name}_s"]) for name in _SPANS},
            page_size=limits["page_size"],
            requests_per_minute=limits["requests_per_minute"],
        ),
        schedule=FeedSchedule(
            interval=timedelta(seconds=schedule["interval_s"]),
            look_back_every=timedelta(seconds=schedule["look_back_every_s"]),
            file_due=schedule["file_due"],
            file_days_after=schedule["file_days_after"],
        ),
        progress=Progress(**{name: row[name] for name in _PROGRESS}),
    )


def run_row(run: Run) -> dict[str, Any]:
    """Return a run as columns."""
    return {
        **{name: getattr(run, name) for name in _RUN},
        "purpose": run.purpose.value,
        "state": run.state.value,
        "asked": list(run.asked),
        "last_result": run.last_result.value if run.last_result else "",
        "lease_s": _seconds(run.lease_for),
        "window_max_s": _seconds(run.window_max),
    }


def run_from(row: Columns) -> Run:
    """Return columns as a run."""
    return Run(
        **{name: row[name] for name in _RUN},
        purpose=Purpose(row["purpose"]),
        state=RunState(row["state"]),
        asked=tuple(row["asked"]),
        last_result=Result(row["last_result"]) if row["last_result"] else None,
        lease_for=timedelta(seconds=row["lease_s"]),
        window_max=timedelta(seconds=row["window_max_s"]),
    )


def incident_row(incident: Incident) -> dict[str, Any]:
    """Return an incident as columns."""
    missed = incident.missed
    return {
        **{name: getattr(incident, name) for name in _INCIDENT},
        "state": incident.state.value,
        "asked_start": incident.asked.start,
        "asked_end": incident.asked.end,
        "found_start": incident.found.start,
        "found_end": incident.found.end,
        "missed": missed.count,
        "examples": [[each.namespace, each.value] for each in missed.examples],
        "oldest_at": missed.oldest_at,
        "newest_at": missed.newest_at,
    }


def incident_from(row: Columns) -> Incident:
    """Return columns as an incident."""
    return Incident(
        **{name: row[name] for name in _INCIDENT},
        state=IncidentState(row["state"]),
        asked=Window(row["asked_start"], row["asked_end"]),
        found=Window(row["found_start"], row["found_end"]),
        missed=missed_from(row, row["missed"], row["examples"]),
    )


def missed_from(row: Mapping[str, Any], count: int, examples: list[list[str]]) -> Missed:
    """Return what was missing, from its figures."""
    refs = tuple(OrderRef(*each) for each in examples)
    return Missed(count, refs, row["oldest_at"], row["newest_at"])


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)
