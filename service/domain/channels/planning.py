"""Plans what a feed is asked for, and when: windows of aware UTC, and nothing else.

A regular window goes from the cursor, less an overlap, to now, less what a platform needs until it
tells of a change. Polls in a row that bring nothing new make a probe: a window that is wider by
more than the widest difference of two zones, to either side, so that whatever a connector or a
platform gets wrong about zones, orders that are there are found.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.domain.channels.feeds import Feed, Progress
from service.domain.channels.runs import Purpose, Report, Result, Run, RunState
from service.domain.naming import named

RUN_NAMESPACE: Final = uuid.UUID("0b9e7a52-3c1d-5b6a-9f21-7d4c8e1a6b11")
EMPTY_POLLS: Final = 5
# Between two parts of these, a regular run may have its turn.
LONG: Final = frozenset({Purpose.BACKFILL, Purpose.BY_HAND})
# From UTC-12 to UTC+14 there are 26 hours, but a shop, its platform and we are in two zones at
# most, one of which is UTC or China's: 15 hours cover every pair, with an hour for summer time.
WIDENED: Final = timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class PlatformTerms:
    """What a connector declares of a platform."""

    name: str
    window_max: timedelta = timedelta()
    lag: timedelta = timedelta()
    past_max: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Window:
    """From one moment to before another."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse what is not aware: it would be asked for in somebody's zone."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window is of aware moments")


def terms_of(feed: Feed, platform: PlatformTerms) -> PlatformTerms:
    """Return the stricter of what the platform and what people say."""
    limits = feed.limits
    return PlatformTerms(
        platform.name,
        window_max=_stricter(limits.window_max, platform.window_max),
        lag=max(limits.lag, platform.lag),
        past_max=_stricter(limits.past_max, platform.past_max),
    )


def regular_window(feed: Feed, terms: PlatformTerms, *, at: datetime) -> Window | None:
    """Return what to ask for now, or None where the platform has nothing to tell yet.

    Where the cursor is further back than the platform answers about, the window begins where it
    does; `lost_to_the_past` tells of the rest.
    """
    progress, end = feed.progress, theirs(feed, at) - terms.lag
    if end <= progress.cursor_at:
        return None
    back = feed.limits.overlap
    if is_look_back(feed, at=at):
        back = max(back, feed.limits.look_back)
    start = progress.cursor_at - back
    if terms.past_max:
        start = max(start, at - terms.past_max)
    return Window(start, end) if start < end else None


def theirs(feed: Feed, at: datetime) -> datetime:
    """Return what the platform's clock shows, where that is behind ours.

    To one that is ahead our moments are past, which is what it takes.
    """
    behind = min(0, feed.progress.clock_offset_ms or 0)
    return at + timedelta(milliseconds=behind)


def lost_to_the_past(feed: Feed, terms: PlatformTerms, *, at: datetime) -> Window | None:
    """Return what the platform does not answer about any more, of what is not complete."""
    oldest = at - terms.past_max
    if not terms.past_max or feed.progress.cursor_at >= oldest:
        return None
    return Window(feed.progress.cursor_at, oldest)


def is_look_back(feed: Feed, *, at: datetime) -> bool:
    """Tell whether the next regular window goes far back."""
    due = feed.progress.looked_back_at + feed.schedule.look_back_every
    return bool(feed.limits.look_back) and at >= due


def fresh_run(feed: Feed, purpose: Purpose, window: Window, *, at: datetime) -> Run:
    """Return a run that waits for a connector."""
    name = named(RUN_NAMESPACE, f"{feed.feed_id}|{purpose.value}|{at.isoformat()}")
    return Run(
        run_id=f"run-{name}",
        feed_id=feed.feed_id,
        purpose=purpose,
        window_start=window.start,
        window_end=window.end,
        ask_start=window.start,
        created_at=at,
        due_at=at,
    )


def fitted(run: Run, terms: PlatformTerms, *, at: datetime) -> Run | None:
    """Return it without what the platform does not answer about any more; None without anything."""
    if not terms.past_max:
        return run
    start = max(run.ask_start, at - terms.past_max)
    if start >= run.window_end:
        return None
    return replace(run, ask_start=start) if run.is_fresh else run


def widened(window: Window) -> Window:
    """Return a window that holds every reading of this one in another zone."""
    return Window(window.start - WIDENED, window.end + WIDENED)


def wants_probe(progress: Progress) -> bool:
    """Tell whether polls were empty for long enough to look further."""
    return progress.empty_polls - progress.probed_polls >= EMPTY_POLLS


def backfill_window(feed: Feed, probed: Window, *, oldest: datetime | None) -> Window:
    """Return what is asked for to fill a gap.

    From when a poll last brought something new, or the oldest order that was missed, and as wide
    as the probe, since what was wrong with the windows is not mended yet.
    """
    since = feed.progress.last_new_at or feed.begin_at
    since = min(since, oldest or since)
    return Window(min(probed.start, since - WIDENED), probed.end)


def choice(feed: Feed, waiting: Sequence[Run], *, at: datetime) -> Run | None:
    """Return which open run is next; None where a regular one is to be made, if it is due.

    A probe is first, and what it finds is filled next. A regular run and the others take turns, so
    that a long back-fill does not keep a feed from its newest orders, nor these it from its end.
    """
    due = [each for each in waiting if each.claimable_at <= at]
    for each in due:
        if each.purpose is Purpose.PROBE:
            return each
    regular = next((each for each in due if each.purpose is Purpose.REGULAR), None)
    others = sorted(
        (each for each in due if each.purpose is not Purpose.REGULAR),
        key=lambda each: (each.created_at, each.run_id),
    )
    has_turn = feed.progress.last_purpose in {each.value for each in LONG}
    if others and not (has_turn and is_regular_due(feed, waiting, at=at)):
        return others[0]
    return regular


def is_regular_due(feed: Feed, waiting: Sequence[Run], *, at: datetime) -> bool:
    """Tell whether its time has come, in a run that waits or in one to be made."""
    known = [each for each in waiting if each.purpose is Purpose.REGULAR]
    if known:
        return any(each.claimable_at <= at for each in known)
    return feed.progress.due_at <= at


def wake_at(feed: Feed, open_runs: Sequence[Run]) -> datetime | None:
    """Return from when there may be something to claim; None while nobody may ask."""
    if not feed.is_asked:
        return None
    leased = [each for each in open_runs if each.lease and each.lease_until]
    if leased:
        return max(each.claimable_at for each in leased)
    moments = [each.claimable_at for each in open_runs]
    if not any(each.purpose is Purpose.REGULAR for each in open_runs):
        moments.append(feed.progress.due_at)
    return min(moments)


def progressed(feed: Feed, before: Run, after: Run, report: Report, *, at: datetime) -> Feed:
    """Return the feed as it is after a report on one of its runs."""
    progress = replace(
        feed.progress,
        last_result=report.result.value,
        last_code=report.code,
        clock_offset_ms=(
            feed.progress.clock_offset_ms
            if report.clock_offset_ms is None
            else report.clock_offset_ms
        ),
    )
    if report.new_receipts and before.purpose is Purpose.REGULAR:
        progress = replace(progress, last_new_at=at)
    if report.result in (Result.COMPLETED, Result.PART):
        progress = replace(progress, failures=0, failing_since=None, is_told=False)
        if report.result is Result.COMPLETED and before.purpose is Purpose.REGULAR:
            progress = _advanced(progress, before, report)
    elif not report.is_early:
        progress = replace(
            progress,
            failures=progress.failures + 1,
            failing_since=progress.failing_since or at,
        )
    if after.state is RunState.COMPLETED:
        progress = _ended(feed, progress, after, at)
    return replace(feed, progress=progress)


def _advanced(progress: Progress, run: Run, report: Report) -> Progress:
    reached = run.ask_end or run.window_end
    if report.covered_at is not None:
        reached = min(reached, report.covered_at)
    return replace(progress, cursor_at=max(progress.cursor_at, reached))


def _ended(feed: Feed, progress: Progress, run: Run, at: datetime) -> Progress:
    progress = replace(progress, last_success_at=at)
    if run.purpose is not Purpose.REGULAR:
        return progress
    # Where the platform answers about less than the look-back, it was one all the same.
    if feed.limits.look_back and run.window_start < run_cursor(run) - feed.limits.overlap:
        progress = replace(progress, looked_back_at=run.started_at or at)
    # From when the poll began: polls do not come later by what they take.
    due = max(at, (run.started_at or at) + feed.schedule.interval)
    if run.new_receipts:
        return replace(progress, due_at=due, empty_polls=0, probed_polls=0)
    return replace(progress, due_at=due, empty_polls=progress.empty_polls + 1)


def run_cursor(run: Run) -> datetime:
    """Return how far the feed was as the run began."""
    return run.cursor_before or run.window_start


def _stricter(one: timedelta, other: timedelta) -> timedelta:
    """Return the smaller of two limits of which zero is none."""
    return min(one, other) if one and other else one or other
