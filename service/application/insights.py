"""Use cases of insights: boards, overdue orders, and whether the fast path tells the truth.

Redis holds what the streams computed and is only a cache: whenever it cannot answer in full,
the answer is computed from PostgreSQL, and says so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final, Protocol

from service.application.looking_again import pause_s
from service.application.ports import Clock, StoredFlag
from service.application.reading import Page
from service.domain.boards import (
    ALL_DAYS,
    EVERYTHING,
    BoardRow,
    Numbers,
    Range,
    Span,
    WindowKey,
    board_rows,
    cover,
    merged,
    whole_minutes,
)
from service.domain.channel_health import ArrivedReceipt, ChannelNumbers, count
from service.domain.errors import OutageError
from service.domain.expectations import STAGE_LIMITS
from service.domain.lifecycle import State
from service.domain.overdue import Stuck
from service.domain.recount import Difference, Measured, Recount, totals

Sleep = Callable[[float], None]

DEFAULT_SPAN: Final = timedelta(hours=1)
# The view moves about once a second; asking more often shows nothing more.
WATCH_EVERY_S: Final = 1.0
# Computing from the journal may take a second, so a watcher of it waits ten.
WATCH_JOURNAL_EVERY: Final = 10
# A row recorded before a span began holds a stage that ended within it only where a source's
# clock ran ahead: by hours with a wrong time zone, never by a day.
CLOCKS_AHEAD: Final = timedelta(days=1)


class ViewIncompleteError(OutageError):
    """The streams' view cannot be reached, or is being rebuilt."""

    text = "The streams' view is being rebuilt. Try again with back-off."


@dataclass(frozen=True, slots=True)
class ViewedStages:
    """What the view holds, and how far event time has come in it."""

    windows: Mapping[WindowKey, Numbers]
    watermark: datetime | None


class StageView(Protocol):
    """The streams' view of stages."""

    def read(self, ranges: Sequence[Range]) -> ViewedStages:
        """Return the windows of these ranges, or raise `ViewIncompleteError`."""


class ChannelView(Protocol):
    """The streams' view of channels."""

    def read(self, span: Span) -> dict[str, ChannelNumbers]:
        """Return each channel's sum over these minutes, or raise `ViewIncompleteError`."""


class Measures(Protocol):
    """Stage measures, as the journal has them."""

    def horizon(self) -> int:
        """Return a mark: all that `since` it will ever miss was committed before."""

    def since(self, horizon: int) -> Iterator[Measured]:
        """Iterate over what was recorded after the mark, and perhaps some from before."""

    def recorded_since(self, moment: datetime | None) -> Iterator[Measured]:
        """Iterate over what was recorded since then, or over all there is."""


class Arrivals(Protocol):
    """Receipts with what became of them."""

    def within(self, start: datetime, end: datetime) -> Iterable[ArrivedReceipt]:
        """Iterate over receipts that arrived in [start, end)."""


class Overdue(Protocol):
    """Orders that sit in one state."""

    def page(
        self, entered_before: Mapping[State, datetime], *, page_size: int, page_token: str
    ) -> Page[Stuck]:
        """List orders that entered their state before then, longest in it first.

        Raises:
            CursorInvalidError: the token is not of this list.
        """


class Flags(Protocol):
    """Stored flags."""

    def page(
        self, *, order_id: str, is_review_pool: bool, page_size: int, page_token: str
    ) -> Page[StoredFlag]:
        """List flags, newest first.

        Raises:
            CursorInvalidError: the token is not of this list.
        """


@unique
class Source(Enum):
    """Where numbers were read."""

    VIEW = "VIEW"
    JOURNAL = "JOURNAL"


@dataclass(frozen=True, slots=True)
class StageQuery:
    """Which board is asked for; without a start the hour before the end, without that now."""

    start: datetime | None = None
    end: datetime | None = None
    channel: str = ""
    from_journal: bool = False
    all_time: bool = False

    def span(self, now: datetime) -> Span | None:
        """Return the whole minutes asked for; None for all there is."""
        if self.all_time:
            return None
        end = self.end or now
        return whole_minutes(self.start or end - DEFAULT_SPAN, end)


@dataclass(frozen=True, slots=True)
class StageBoard:
    """The board. `span` is None where it shows all there is."""

    rows: tuple[BoardRow, ...]
    span: Span | None
    source: Source
    watermark: datetime | None


class StageBoards:
    """Answers what the stages look like."""

    def __init__(self, view: StageView, measures: Measures, clock: Clock, sleep: Sleep) -> None:
        self._view = view
        self._measures = measures
        self._clock = clock
        self._sleep = sleep

    def board(self, query: StageQuery) -> StageBoard:
        """Return the board, from the view unless that cannot answer or the journal is asked."""
        now = self._clock()
        span = query.span(now)
        if not query.from_journal:
            try:
                viewed = self._view.read(cover(span) if span else (ALL_DAYS,))
            except ViewIncompleteError:
                pass  # The journal knows the same, slower.
            else:
                rows = board_rows(merged(viewed.windows, query.channel))
                return StageBoard(rows, span, Source.VIEW, viewed.watermark)
        since = min(span.start, now) - CLOCKS_AHEAD if span else None
        told = self._measures.recorded_since(since)
        rows = board_rows(totals(told, span=span, channel=query.channel))
        return StageBoard(rows, span, Source.JOURNAL, None)

    def watch(
        self, length: timedelta, channel: str, is_wanted: Callable[[], bool]
    ) -> Iterator[StageBoard]:
        """Iterate over boards of the newest `length`: one at first, then one with each change."""
        shown: StageBoard | None = None
        while is_wanted():
            board = self.board(StageQuery(self._clock() - length, channel=channel))
            if shown is None or (shown.rows, shown.source) != (board.rows, board.source):
                shown = board
                yield board
            for _ in range(WATCH_JOURNAL_EVERY if board.source is Source.JOURNAL else 1):
                if is_wanted():
                    self._sleep(WATCH_EVERY_S)


@dataclass(frozen=True, slots=True)
class ChannelBoard:
    """Each channel's numbers over a span."""

    channels: Mapping[str, ChannelNumbers]
    span: Span
    source: Source


class ChannelBoards:
    """Answers how the channels are."""

    def __init__(self, view: ChannelView, arrivals: Arrivals, clock: Clock) -> None:
        self._view = view
        self._arrivals = arrivals
        self._clock = clock

    def board(self, start: datetime | None, end: datetime | None) -> ChannelBoard:
        """Return the channels' numbers, from the view unless that cannot answer."""
        end = end or self._clock()
        span = whole_minutes(start or end - DEFAULT_SPAN, end)
        try:
            return ChannelBoard(self._view.read(span), span, Source.VIEW)
        except ViewIncompleteError:
            found = count(self._arrivals.within(span.start, span.end))
            return ChannelBoard(found, span, Source.JOURNAL)


class OverdueOrders:
    """Answers which orders are stuck."""

    def __init__(
        self, orders: Overdue, clock: Clock, limits: Mapping[State, timedelta] = STAGE_LIMITS
    ) -> None:
        self._orders = orders
        self._clock = clock
        self.limits = limits

    def page(self, state: State | None, *, page_size: int, page_token: str) -> Page[Stuck]:
        """List orders that outlived the limit of their state, longest in it first."""
        now = self._clock()
        before = {
            each: now - length
            for each, length in self.limits.items()
            if state is None or each is state
        }
        return self._orders.page(before, page_size=page_size, page_token=page_token)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a comparison of the view with the journal found."""

    windows: int
    measures: int
    differences: list[Difference] = field(default_factory=list)


class Verifier:
    """Holds the streams' view to the journal."""

    def __init__(self, view: StageView, measures: Measures, clock: Clock, sleep: Sleep) -> None:
        self._view = view
        self._measures = measures
        self._clock = clock
        self._sleep = sleep

    def verify(self, wait: timedelta) -> Verification:
        """Compare every window; those that differ are looked at again until `wait` is over.

        1. Count the journal.
        2. Read the view, then what the journal got meanwhile: so the view is never ahead.
        3. A window agrees when it has all of 1 and any part of what came since.

        Raises:
            ViewIncompleteError: the view was incomplete all the time.
        """
        until = self._clock() + wait
        horizon = self._measures.horizon()
        recount = Recount()
        recount.take(self._measures.since(0))
        recount.mark()
        compared: set[WindowKey] = set(recount.windows)
        differing: list[Difference] | None = None
        while True:
            began = self._clock()
            is_last = began >= until
            try:
                pending = None if differing is None else {each.key for each in differing}
                windows = self._read(pending)
            except ViewIncompleteError:
                if is_last:
                    raise
            else:
                following = self._measures.horizon()
                recount.take(self._measures.since(horizon))
                horizon = following
                compared |= windows.keys()
                differing = recount.differences(windows, pending)
            if is_last or differing == []:
                return Verification(len(compared), recount.measures, differing or [])
            self._sleep(pause_s(began, self._clock(), until))

    def _read(self, pending: set[WindowKey] | None) -> Mapping[WindowKey, Numbers]:
        ranges = EVERYTHING if pending is None else sorted({each.range for each in pending})
        return self._view.read(ranges).windows
