"""How a feed is, by what was learnt of it; the worst that holds is told, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.channels.feeds import Feed, FeedState, Mode
from service.domain.channels.planning import EMPTY_POLLS
from service.domain.channels.rhythm import Rhythm
from service.domain.channels.runs import HOPELESS

# Behind by so many polls, a feed is late; and by a quarter of an hour at least.
LATE_POLLS: Final = 5
LATE_LEAST: Final = timedelta(minutes=15)
# Signatures of most platforms are refused beyond ten minutes; half of that is told in time.
CLOCK_OFF: Final = timedelta(minutes=5)


@unique
class HealthState(Enum):
    """How a feed is; the names are those of `concord.channels.v1.FeedHealth.State`."""

    HEALTHY = "HEALTHY"
    QUIET = "QUIET"
    LATE = "LATE"
    FAILING = "FAILING"
    BROKEN = "BROKEN"
    PAUSED = "PAUSED"
    WAITING = "WAITING"


@dataclass(frozen=True, slots=True)
class Health:
    """How a feed is, and why, in Chinese and in English."""

    state: HealthState
    zh: str
    en: str
    # How much usually comes in the hour that it is; None if not known.
    usual: float | None = None


def health_of(feed: Feed, rhythm: Rhythm, *, at: datetime) -> Health:
    """Return how a feed is."""
    state, zh, en = next(_found(feed, rhythm, at))
    return Health(state, zh, en, rhythm.usual(at))


def _found(feed: Feed, rhythm: Rhythm, at: datetime) -> Iterator[tuple[HealthState, str, str]]:
    """Yield what holds, the worst first."""
    progress = feed.progress
    if feed.state is FeedState.PAUSED:
        yield HealthState.PAUSED, "已暂停", "Somebody paused it"
    if progress.incident_id:
        yield (
            HealthState.BROKEN,
            f"轮询为空但存在漏单,见 {progress.incident_id}",
            f"Its polls miss orders: {progress.incident_id}",
        )
    if feed.mode is Mode.PULL:
        yield from _of_asking(feed, at)
    last = progress.last_new_at
    if last is not None and rhythm.is_silent(last, at=at):
        yield (
            HealthState.LATE,
            "静默时间远超平时",
            "Silent for far longer than is usual",
        )
    offset = progress.clock_offset_ms
    if offset is not None and abs(timedelta(milliseconds=offset)) > CLOCK_OFF:
        yield (
            HealthState.LATE,
            f"平台时钟与我方相差 {offset // 1000} 秒",
            f"The platform's clock differs by {offset // 1000} s",
        )
    if last is None and (feed.mode is not Mode.PULL or progress.last_success_at is None):
        yield HealthState.WAITING, "尚无数据", "Nothing came yet"
    if progress.empty_polls >= EMPTY_POLLS:
        yield (
            HealthState.QUIET,
            f"连续 {progress.empty_polls} 次无新数据,扩窗核查未发现漏单",
            f"{progress.empty_polls} polls brought nothing new; a wider look found nothing",
        )
    yield HealthState.HEALTHY, "正常", "All is well"


def _of_asking(feed: Feed, at: datetime) -> Iterator[tuple[HealthState, str, str]]:
    progress = feed.progress
    code = progress.last_code or progress.last_result
    if progress.failures and progress.last_result in {each.value for each in HOPELESS}:
        yield HealthState.BROKEN, f"被平台拒绝:{code}", f"The platform refuses us: {code}"
    if progress.failures:
        yield (
            HealthState.FAILING,
            f"连续 {progress.failures} 次失败:{code}",
            f"{progress.failures} failures in a row: {code}",
        )
    behind = at - feed.limits.lag - progress.cursor_at
    allowed = max(LATE_LEAST, LATE_POLLS * feed.schedule.interval)
    if progress.last_run_at is not None and behind > allowed:
        minutes = behind // timedelta(minutes=1)
        yield HealthState.LATE, f"落后 {minutes} 分钟", f"Behind by {minutes} minutes"
