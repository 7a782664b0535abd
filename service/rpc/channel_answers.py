"""Writes feeds, runs, incidents and health as messages."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from concord.channels.v1 import feed_pb2, run_pb2
from concord.orders.v1 import order_pb2
from service.application.feed_reading import FeedFigures
from service.domain.channels.feeds import Feed
from service.domain.channels.health import health_of
from service.domain.channels.incidents import Incident
from service.domain.channels.runs import Run, RunState
from service.domain.facts import OrderRef
from service.wire import timestamp

FEEDS = "feeds"
RUNS = "runs"
INCIDENTS = "incidents"


def feed_message(feed: Feed) -> feed_pb2.Feed:
    """Return a feed."""
    limits, schedule = feed.limits, feed.schedule
    return feed_pb2.Feed(
        name=f"{FEEDS}/{feed.feed_id}",
        title=feed.title,
        channel=feed.channel,
        shop=feed.shop,
        mode=feed_pb2.Feed.Mode.Value(f"MODE_{feed.mode.value}"),
        platform=feed.platform,
        template=feed.template,
        zone=feed.zone,
        account=feed.account,
        limits=feed_pb2.FeedLimits(
            window_max_s=_seconds(limits.window_max),
            lag_s=_seconds(limits.lag),
            overlap_s=_seconds(limits.overlap),
            look_back_s=_seconds(limits.look_back),
            page_size=limits.page_size,
            requests_per_minute=limits.requests_per_minute,
            past_max_days=limits.past_max.days,
        ),
        schedule=feed_pb2.FeedSchedule(
            interval_s=_seconds(schedule.interval),
            look_back_interval_s=_seconds(schedule.look_back_every),
            file_due=schedule.file_due,
            file_days_after=schedule.file_days_after,
        ),
        owner=feed.owner,
        settings=feed.settings,
        state=feed_pb2.Feed.State.Value(f"STATE_{feed.state.value}"),
        begin_time=timestamp(feed.begin_at),
        cursor_time=timestamp(feed.progress.cursor_at),
        create_time=timestamp(feed.created_at),
        update_time=timestamp(feed.updated_at),
        etag=feed.etag,
    )


def run_message(run: Run) -> run_pb2.Run:
    """Return a run; its lease where somebody works on it."""
    message = run_pb2.Run(
        name=f"{RUNS}/{run.run_id}",
        feed=f"{FEEDS}/{run.feed_id}",
        purpose=run_pb2.Run.Purpose.Value(f"PURPOSE_{run.purpose.value}"),
        state=run_pb2.Run.State.Value(f"STATE_{run.state.value}"),
        window_start_time=timestamp(run.window_start),
        window_end_time=timestamp(run.window_end),
        ask_start_time=timestamp(run.ask_start),
        ask_end_time=_moment(run.ask_end),
        page_token=run.page_token,
        asked=run.asked,
        pages=run.pages,
        rows=run.rows,
        new_receipts=run.new_receipts,
        missed_orders=run.missed_orders,
        failures=run.failures,
        last_code=run.last_code,
        create_time=timestamp(run.created_at),
        start_time=_moment(run.started_at),
        due_time=timestamp(run.due_at) if run.is_open else None,
        end_time=_moment(run.ended_at),
        incident=f"{INCIDENTS}/{run.incident_id}" if run.incident_id else "",
        note_zh=run.note_zh,
        note_en=run.note_en,
        actor=run.actor,
    )
    if run.last_result is not None:
        name = f"RESULT_{run.last_result.value}"
        message.last_result = run_pb2.ReportRunRequest.Result.Value(name)
    return message


def leased_message(run: Run) -> run_pb2.Run:
    """Return a run as whoever works on it sees it."""
    message = run_message(run)
    if run.state is RunState.RUNNING and run.lease_until is not None:
        message.lease = run.lease
        message.lease_end_time.CopyFrom(timestamp(run.lease_until))
    return message


def incident_message(incident: Incident) -> run_pb2.Incident:
    """Return an incident."""
    missed = incident.missed
    message = run_pb2.Incident(
        name=f"{INCIDENTS}/{incident.incident_id}",
        feed=f"{FEEDS}/{incident.feed_id}",
        state=run_pb2.Incident.State.Value(f"STATE_{incident.state.value}"),
        asked_start_time=timestamp(incident.asked.start),
        asked_end_time=timestamp(incident.asked.end),
        found_start_time=timestamp(incident.found.start),
        found_end_time=timestamp(incident.found.end),
        asked=incident.asked_text,
        found_by=incident.found_text,
        empty_polls=incident.empty_polls,
        missed_orders=missed.count,
        examples=_refs(missed.examples),
        oldest_time=_moment(missed.oldest_at),
        newest_time=_moment(missed.newest_at),
        backfill=f"{RUNS}/{incident.backfill}" if incident.backfill else "",
        open_time=timestamp(incident.opened_at),
        fill_time=_moment(incident.filled_at),
        close_time=_moment(incident.closed_at),
    )
    message.case = f"cases/{incident.case_id}" if incident.case_id else ""
    return message


def health_message(figures: FeedFigures, *, at: datetime) -> feed_pb2.FeedHealth:
    """Return how a feed is."""
    feed, progress = figures.feed, figures.feed.progress
    health = health_of(feed, figures.rhythm, at=at)
    return feed_pb2.FeedHealth(
        feed=f"{FEEDS}/{feed.feed_id}",
        state=feed_pb2.FeedHealth.State.Value(f"STATE_{health.state.value}"),
        reason_zh=health.zh,
        reason_en=health.en,
        last_run_time=_moment(progress.last_run_at),
        last_success_time=_moment(progress.last_success_at),
        last_new_time=_moment(progress.last_new_at),
        cursor_time=timestamp(progress.cursor_at),
        empty_polls=progress.empty_polls,
        failures=progress.failures,
        last_code=progress.last_code,
        clock_offset_ms=progress.clock_offset_ms or 0,
        has_clock_offset=progress.clock_offset_ms is not None,
        incident=f"{INCIDENTS}/{progress.incident_id}" if progress.incident_id else "",
        usual_an_hour=health.usual or 0.0,
        is_known=health.usual is not None,
        next_run_time=_moment(figures.wake_at),
    )


def _refs(refs: Sequence[OrderRef]) -> list[order_pb2.OrderRef]:
    return [order_pb2.OrderRef(namespace=each.namespace, value=each.value) for each in refs]


def _moment(moment: datetime | None) -> Timestamp | None:
    return timestamp(moment) if moment is not None else None


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)
