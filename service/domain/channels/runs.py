"""Runs: one asking of a feed for one window, part after part; and what became of it.

A part is asked for page by page. What a page brought is durable before it is reported; so whatever
dies, a run goes on behind the last page that was reported, and repeats are known by their content.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.channels.errors import RunLeaseLostError
from service.domain.facts import OrderRef


@unique
class Purpose(Enum):
    """Why a feed is asked; the names are those of `concord.channels.v1.Run.Purpose`."""

    REGULAR = "REGULAR"
    PROBE = "PROBE"
    BACKFILL = "BACKFILL"
    BY_HAND = "BY_HAND"


@unique
class RunState(Enum):
    """Where a run is; the names are those of the proto."""

    WAITING = "WAITING"
    """A connector takes it when it is due."""
    RUNNING = "RUNNING"
    """A connector works on it; when its lease ends, another may."""
    COMPLETED = "COMPLETED"
    """All of its window was asked for."""
    ABANDONED = "ABANDONED"
    """Its window is past what the platform answers about."""


OPEN: Final = frozenset({RunState.WAITING, RunState.RUNNING})


@unique
class Result(Enum):
    """What asking brought; the names are those of `ReportRunRequest.Result`."""

    COMPLETED = "COMPLETED"
    PART = "PART"
    UNREACHABLE = "UNREACHABLE"
    THROTTLED = "THROTTLED"
    REFUSED = "REFUSED"
    UNREADABLE = "UNREADABLE"


SUCCESSES: Final = frozenset({Result.COMPLETED, Result.PART})
# Asking again does not help: a person must do something.
HOPELESS: Final = frozenset({Result.REFUSED, Result.UNREADABLE})

FIRST_RETRY: Final = timedelta(seconds=10)
# A platform that is down for a night is asked each ten minutes.
LONGEST_RETRY: Final = timedelta(minutes=10)
# 10 s doubled six times is over ten minutes.
_DOUBLINGS: Final = 6
# No platform's limit lasts longer than until its next day.
RETRY_AFTER_MOST: Final = timedelta(hours=24)
# What a connector reports where the platform's clock has not come to the end of the window yet.
CLOCK_BEHIND: Final = "CLOCK_BEHIND"
# What was literally sent, of the last requests.
ASKED_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """An order that a page told of, and when the platform says that it changed last.

    `is_repeated` where the very same message had come before.
    """

    ref: OrderRef
    changed_at: datetime | None = None
    is_repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of asking, since the report before."""

    lease: str
    result: Result
    asked: tuple[str, ...] = ()
    pages: int = 0
    rows: int = 0
    new_receipts: int = 0
    seen: tuple[Seen, ...] = ()
    clock_offset_ms: int | None = None
    code: str = ""
    retry_after: timedelta = timedelta()
    page_token: str = ""
    covered_at: datetime | None = None

    @property
    def is_early(self) -> bool:
        """The window ends in the platform's future, by its clock: nothing failed."""
        return self.code == CLOCK_BEHIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One asking of a feed for one window; `ask_start` and `ask_end` are the part at hand."""

    run_id: str
    feed_id: str
    purpose: Purpose
    window_start: datetime
    window_end: datetime
    ask_start: datetime
    created_at: datetime
    due_at: datetime
    ask_end: datetime | None = None
    state: RunState = RunState.WAITING
    page_token: str = ""
    asked: tuple[str, ...] = ()
    pages: int = 0
    rows: int = 0
    new_receipts: int = 0
    missed_orders: int = 0
    failures: int = 0
    last_result: Result | None = None
    last_code: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    incident_id: str = ""
    lease: str = ""
    lease_until: datetime | None = None
    lease_for: timedelta = timedelta()
    # The longest part, as the platform or people say; zero for any.
    window_max: timedelta = timedelta()
    # Up to when the feed was complete as the run began: what changed before should have come.
    cursor_before: datetime | None = None
    note_zh: str = ""
    note_en: str = ""
    actor: str = ""

    @property
    def is_open(self) -> bool:
        """Something of it is left to ask for."""
        return self.state in OPEN

    @property
    def is_fresh(self) -> bool:
        """Nothing of it was asked for yet."""
        return not self.pages and not self.page_token and self.ask_start == self.window_start

    @property
    def claimable_at(self) -> datetime:
        """From when a connector may take it."""
        return self.lease_until if self.lease and self.lease_until else self.due_at

    def claimed(
        self,
        lease: str,
        *,
        at: datetime,
        lease_for: timedelta,
        window_max: timedelta,
        cursor: datetime,
    ) -> "Run":
        """Return it as a connector works on it, with the part to ask for."""
        started = replace(
            self,
            state=RunState.RUNNING,
            lease=lease,
            lease_for=lease_for,
            lease_until=at + lease_for,
            window_max=window_max,
            started_at=self.started_at or at,
            cursor_before=self.cursor_before or cursor,
        )
        if self.page_token and self.ask_end is not None:
            # The token belongs to this very part.
            return started
        return started.with_part()

    def with_part(self) -> "Run":
        """Return it with the part that follows."""
        end = self.window_end
        if self.window_max:
            end = min(end, self.ask_start + self.window_max)
        return replace(self, ask_end=end)

    def reported(self, report: Report, *, at: datetime) -> "Run":
        """Return the run as it is after a report.

        Raises:
            RunLeaseLostError: it is not claimed under this lease.
        """
        if self.state is not RunState.RUNNING or not self.lease or self.lease != report.lease:
            raise RunLeaseLostError(run=self.run_id)
        told = replace(
            self,
            asked=(*self.asked, *report.asked)[-ASKED_KEPT:],
            pages=self.pages + report.pages,
            rows=self.rows + report.rows,
            new_receipts=self.new_receipts + report.new_receipts,
            last_result=report.result,
            last_code=report.code,
            page_token=report.page_token or self.page_token,
        )
        match report.result:
            case Result.PART:
                return replace(told, failures=0, lease_until=at + self.lease_for)
            case Result.COMPLETED:
                return told._completed(at, report.covered_at)
            case _:
                failures = self.failures + (not report.is_early)
                wait = max(backoff(failures), min(report.retry_after, RETRY_AFTER_MOST))
                return told._released(failures=failures, due_at=at + wait)

    def handed_back(self, *, at: datetime) -> "Run":
        """Return it waiting for its turn, between two parts."""
        return self._released(failures=0, due_at=at)

    def abandoned(self, *, at: datetime, zh: str, en: str) -> "Run":
        """Return it ended, without having been asked to its end."""
        ended = self._released(failures=self.failures, due_at=self.due_at)
        return replace(ended, state=RunState.ABANDONED, ended_at=at, note_zh=zh, note_en=en)

    def noted(self, zh: str, en: str) -> "Run":
        """Return it with what it found, in words."""
        return replace(self, note_zh=zh, note_en=en)

    def _completed(self, at: datetime, covered_at: datetime | None) -> "Run":
        asked_until = self.ask_end or self.window_end
        reached = min(asked_until, covered_at or asked_until)
        further = replace(self, ask_start=reached, page_token="", failures=0)
        # Where the platform's own now came before the part's end, all further parts are of its
        # future: to go on with them would leave out what lies between.
        if reached == asked_until and reached < self.window_end:
            return replace(further, lease_until=at + self.lease_for).with_part()
        ended = further._released(failures=0, due_at=self.due_at)
        return replace(ended, state=RunState.COMPLETED, ended_at=at)

    def _released(self, *, failures: int, due_at: datetime) -> "Run":
        return replace(
            self,
            state=RunState.WAITING,
            lease="",
            lease_until=None,
            failures=failures,
            due_at=due_at,
        )


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    doublings = min(max(failures - 1, 0), _DOUBLINGS)
    return min(LONGEST_RETRY, FIRST_RETRY * (1 << doublings))
