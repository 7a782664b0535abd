"""How feeds, runs, incidents and health are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clients.cli import formats, output
from clients.cli.options import Language
from clients.cli.wording import word
from concord.channels.v1.feed_pb2 import Feed, FeedHealth
from concord.channels.v1.run_pb2 import Incident, Run

# What a state of health is called, and the colour that it has.
HEALTH: Final = {
    FeedHealth.STATE_HEALTHY: ("正常", "healthy", "green"),
    FeedHealth.STATE_QUIET: ("安静", "quiet", "green"),
    FeedHealth.STATE_LATE: ("落后", "late", "yellow"),
    FeedHealth.STATE_FAILING: ("失败", "failing", "yellow"),
    FeedHealth.STATE_BROKEN: ("故障", "broken", "red"),
    FeedHealth.STATE_PAUSED: ("已暂停", "paused", "dim"),
    FeedHealth.STATE_WAITING: ("等待数据", "waiting", "dim"),
}
PURPOSES: Final = {
    Run.PURPOSE_REGULAR: ("定时", "regular"),
    Run.PURPOSE_PROBE: ("扩窗核查", "probe"),
    Run.PURPOSE_BACKFILL: ("补拉", "backfill"),
    Run.PURPOSE_BY_HAND: ("人工", "by hand"),
}
RUN_STATES: Final = {
    Run.STATE_WAITING: ("等待", "waiting"),
    Run.STATE_RUNNING: ("进行中", "running"),
    Run.STATE_COMPLETED: ("完成", "completed"),
    Run.STATE_ABANDONED: ("放弃", "abandoned"),
}
INCIDENT_STATES: Final = {
    Incident.STATE_FILLING: ("补拉中", "filling"),
    Incident.STATE_FILLED: ("已补齐", "filled"),
    Incident.STATE_CLOSED: ("已关闭", "closed"),
}
MODES: Final = {
    Feed.MODE_PUSH: ("推送", "push"),
    Feed.MODE_PULL: ("拉取", "pull"),
    Feed.MODE_FILE: ("文件", "file"),
    Feed.MODE_MANUAL: ("人工", "manual"),
}


def spoken(names: tuple[str, ...] | None, language: Language | None) -> str:
    """Return a name in a language; in both without."""
    if names is None:
        return "?"
    zh, en = names[0], names[1]
    if language is None:
        return f"{zh} {en}"
    return zh if language is Language.ZH else en


def feed_table(
    feeds: Iterable[Feed], health: dict[str, FeedHealth], language: Language | None
) -> Table:
    """Return one row a feed, with how it is."""
    heads = ("Feed", "Channel", "Shop", "Mode", "Health", "Cursor", "Newest", "Why")
    return output.table(
        [word(each, language) for each in heads],
        (
            (
                feed.name.removeprefix("feeds/"),
                feed.channel,
                feed.shop,
                spoken(MODES.get(feed.mode), language),
                _state(health.get(feed.name), language),
                formats.time(feed.cursor_time),
                formats.time(health[feed.name].last_new_time) if feed.name in health else "",
                _reason(health.get(feed.name), language),
            )
            for feed in feeds
        ),
    )


def feed_parts(
    feed: Feed, health: FeedHealth, runs: Iterable[Run], language: Language | None
) -> Iterator[RenderableType]:
    """Yield all that is said and known of a feed, and its last runs."""
    limits, schedule = feed.limits, feed.schedule
    yield output.pairs(
        [
            ("feed", feed.name.removeprefix("feeds/")),
            ("title", feed.title),
            ("channel", f"{feed.channel} · {feed.shop}"),
            ("mode", f"{spoken(MODES.get(feed.mode), language)} · {feed.platform}"),
            ("template", feed.template),
            ("zone", feed.zone),
            ("account", feed.account),
            ("owner", feed.owner),
            ("settings", ", ".join(f"{key}={value}" for key, value in feed.settings.items())),
            ("asked", f"each {schedule.interval_s} s, {limits.overlap_s} s over the cursor"),
            (
                "look-back",
                f"{limits.look_back_s} s, each {schedule.look_back_interval_s} s"
                if limits.look_back_s
                else "",
            ),
            ("file", f"{schedule.file_due}, {schedule.file_days_after} d after its day"),
            ("begin", formats.time(feed.begin_time)),
            ("cursor", formats.time(feed.cursor_time)),
        ]
    )
    yield output.pairs(health_rows(health, language))
    table = run_table(runs, language)
    if table.row_count:
        yield table


def health_rows(health: FeedHealth, language: Language | None) -> list[tuple[str, output.Cell]]:
    """Return what tells how a feed is."""
    offset = f"{health.clock_offset_ms / 1000:+.1f} s" if health.has_clock_offset else ""
    usual = f"{health.usual_an_hour:,.0f} an hour" if health.is_known else "not known yet"
    return [
        ("health", _state(health, language)),
        ("why", _reason(health, language)),
        ("last run", formats.time(health.last_run_time)),
        ("completed", formats.time(health.last_success_time)),
        ("newest", formats.time(health.last_new_time)),
        ("next run", formats.time(health.next_run_time)),
        ("empty polls", str(health.empty_polls)),
        ("failures", f"{health.failures} {health.last_code}".strip() if health.failures else ""),
        ("their clock", offset),
        ("usual", usual),
        ("incident", health.incident.removeprefix("incidents/")),
    ]


def run_table(runs: Iterable[Run], language: Language | None) -> Table:
    """Return one row a run."""
    heads = ("Run", "Feed", "Purpose", "State", "Window", "Pages", "Rows", "New", "Missed", "Note")
    return output.table(
        [word(each, language) for each in heads],
        (
            (
                run.name.removeprefix("runs/"),
                run.feed.removeprefix("feeds/"),
                spoken(PURPOSES.get(run.purpose), language),
                spoken(RUN_STATES.get(run.state), language),
                _window(run),
                f"{run.pages:,}",
                f"{run.rows:,}",
                f"{run.new_receipts:,}",
                f"{run.missed_orders:,}",
                _note(run, language),
            )
            for run in runs
        ),
        right=range(5, 9),
    )


def run_parts(run: Run, language: Language | None) -> Iterator[RenderableType]:
    """Yield a run, and what was literally sent."""
    yield output.pairs(
        [
            ("run", run.name.removeprefix("runs/")),
            ("feed", run.feed.removeprefix("feeds/")),
            ("purpose", spoken(PURPOSES.get(run.purpose), language)),
            ("state", spoken(RUN_STATES.get(run.state), language)),
            ("window", _window(run)),
            ("pages", f"{run.pages:,}"),
            ("rows", f"{run.rows:,}, {run.new_receipts:,} of them new"),
            ("missed", f"{run.missed_orders:,}" if run.missed_orders else ""),
            ("failures", f"{run.failures} {run.last_code}".strip() if run.failures else ""),
            ("began", formats.time(run.start_time)),
            ("due", formats.time(run.due_time)),
            ("ended", formats.time(run.end_time)),
            ("incident", run.incident.removeprefix("incidents/")),
            ("by", run.actor),
            ("note", _note(run, language)),
        ]
    )
    yield from (Text(f"  → {each}", style="dim") for each in run.asked)


def incident_table(incidents: Iterable[Incident], language: Language | None) -> Table:
    """Return one row an incident."""
    heads = ("Incident", "Feed", "State", "Missed", "Asked", "Found in", "Case")
    return output.table(
        [word(each, language) for each in heads],
        (
            (
                each.name.removeprefix("incidents/"),
                each.feed.removeprefix("feeds/"),
                spoken(INCIDENT_STATES.get(each.state), language),
                f"{each.missed_orders:,}",
                _between(each.asked_start_time, each.asked_end_time),
                _between(each.found_start_time, each.found_end_time),
                each.case.removeprefix("cases/"),
            )
            for each in incidents
        ),
        right=(3,),
    )


def incident_parts(incident: Incident, language: Language | None) -> Iterator[RenderableType]:
    """Yield an incident, with both windows and some of the orders."""
    yield output.pairs(
        [
            ("incident", incident.name.removeprefix("incidents/")),
            ("feed", incident.feed.removeprefix("feeds/")),
            ("state", spoken(INCIDENT_STATES.get(incident.state), language)),
            ("asked", _between(incident.asked_start_time, incident.asked_end_time)),
            ("", incident.asked),
            ("found in", _between(incident.found_start_time, incident.found_end_time)),
            ("", incident.found_by),
            ("empty polls", str(incident.empty_polls)),
            ("missed", f"{incident.missed_orders:,} orders"),
            ("changed", _between(incident.oldest_time, incident.newest_time)),
            ("found", formats.time(incident.open_time)),
            ("filled", formats.time(incident.fill_time)),
            ("closed", formats.time(incident.close_time)),
            ("backfill", incident.backfill.removeprefix("runs/")),
            ("case", incident.case.removeprefix("cases/")),
        ]
    )
    yield from (Text(f"  {each.namespace}:{each.value}") for each in incident.examples)


def _state(health: FeedHealth | None, language: Language | None) -> Text:
    if health is None:
        return Text("")
    found = HEALTH.get(health.state)
    return Text(spoken(found, language), style=found[2] if found else "")


def _reason(health: FeedHealth | None, language: Language | None) -> str:
    if health is None:
        return ""
    return health.reason_zh if language is Language.ZH else health.reason_en


def _note(run: Run, language: Language | None) -> str:
    return run.note_zh if language is Language.ZH else run.note_en


def _window(run: Run) -> str:
    return _between(run.window_start_time, run.window_end_time)


def _between(start: Timestamp, end: Timestamp) -> str:
    if not start.seconds:
        return ""
    return f"{formats.time(start)} … {formats.time(end)}"
