"""The stage board: how long stages take, over any range of event time.

Numbers add up: over windows, channels and stages of the day. Where the exact durations are
known the percentiles are exact; where only the streams' sketch is, they are within one per cent.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple, TypeVar

from service.domain.lifecycle import STAGES
from service.domain.stages import Stage

T = TypeVar("T")

MINUTE_S: Final = 60
QUARTER_S: Final = 15 * MINUTE_S
HOUR_S: Final = 60 * MINUTE_S
DAY_S: Final = 24 * HOUR_S
# Each divides the next, so a longer window is exactly a row of shorter ones.
RESOLUTIONS_S: Final = (MINUTE_S, QUARTER_S, HOUR_S, DAY_S)

# The percentiles that boards show, rising.
SHARES: Final = (0.50, 0.95, 0.99)

# The sketch's growth: bucket i holds (1.02^(i-1), 1.02^i] ms. Its middle is at most
# (1.02 - 1) / (1.02 + 1) = 0.99 % away from anything in it.
GAMMA: Final = 1.02
ZERO_BUCKET: Final = -1
_MS_US: Final = 1000
_SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Range(NamedTuple):
    """Windows of one length that start in [from_s, until_s)."""

    resolution_s: int
    from_s: float
    until_s: float


# Every day there is: days hold everything that shorter windows hold.
ALL_DAYS: Final = Range(DAY_S, -math.inf, math.inf)
EVERYTHING: Final = tuple(Range(each, -math.inf, math.inf) for each in RESOLUTIONS_S)


class WindowKey(NamedTuple):
    """One window of one stage of one channel."""

    resolution_s: int
    start_s: int
    stage: Stage
    channel: str

    @property
    def range(self) -> Range:
        """The range that holds windows of this length and start alone."""
        return Range(self.resolution_s, self.start_s, self.start_s + self.resolution_s)


@dataclass(slots=True)
class Numbers:
    """Numbers of a stage. `spread` counts durations in microseconds, or middles of buckets."""

    count: int = 0
    sum_us: int = 0
    abnormal: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    spread: dict[int, int] = field(default_factory=dict)

    def measure(self, duration_us: int, cause: str, times: int = 1) -> None:
        """Count one duration; -1 times takes it out again."""
        self.count += times
        self.sum_us += duration_us * times
        _shift(self.spread, duration_us, times)
        if cause:
            self.abnormal += times
            _shift(self.causes, cause, times)

    def merge(self, other: "Numbers") -> None:
        """Add all that the other counted."""
        self.count += other.count
        self.sum_us += other.sum_us
        self.abnormal += other.abnormal
        for cause, times in other.causes.items():
            _shift(self.causes, cause, times)
        for duration_us, times in other.spread.items():
            _shift(self.spread, duration_us, times)

    @property
    def is_nothing(self) -> bool:
        """Everything that was counted was taken out again."""
        return not (self.count or self.sum_us or self.abnormal or self.causes or self.spread)

    def percentiles_us(self) -> tuple[int, ...]:
        """Return, for each of `SHARES`, the least duration that so many do not exceed.

        All are 0 where nothing was counted.
        """
        total, reached = sum(self.spread.values()), 0
        ranks = [max(1, math.ceil(share * total)) for share in SHARES]
        found: list[int] = []
        for duration_us in sorted(self.spread):
            reached += self.spread[duration_us]
            while len(found) < len(ranks) and reached >= ranks[len(found)]:
                found.append(duration_us)
        return tuple(found) or (0,) * len(ranks)

    def causes_by_count(self) -> tuple[tuple[str, int], ...]:
        """Return causes with their counts, most frequent first."""
        return tuple(sorted(self.causes.items(), key=lambda each: (-each[1], each[0])))


def _shift(counts: dict[T, int], value: T, times: int) -> None:
    total = counts.get(value, 0) + times
    if total:
        counts[value] = total
    else:
        counts.pop(value, None)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole minutes of event time: [start_s, end_s), in seconds since the epoch."""

    start_s: int
    end_s: int

    def holds(self, moment_us: int) -> bool:
        """The moment is within."""
        return self.start_s * _SECOND_US <= moment_us < self.end_s * _SECOND_US

    @property
    def start(self) -> datetime:
        """The first moment within."""
        return _EPOCH + timedelta(seconds=self.start_s)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return _EPOCH + timedelta(seconds=self.end_s)


def whole_minutes(start: datetime, end: datetime) -> Span:
    """Return the shortest span of whole minutes that holds [start, end)."""
    start_s = (start - _EPOCH) // timedelta(minutes=1) * MINUTE_S
    end_s = -((_EPOCH - end) // timedelta(minutes=1)) * MINUTE_S
    return Span(start_s, max(start_s, end_s))


def cover(span: Span) -> tuple[Range, ...]:
    """Return the fewest windows that make up the span: days inside, minutes at the edges."""
    return tuple(_cover(span.start_s, span.end_s, RESOLUTIONS_S))


def _cover(start_s: int, end_s: int, resolutions: tuple[int, ...]) -> Iterable[Range]:
    if start_s >= end_s:
        return
    *shorter, longest = resolutions
    inner_start_s, inner_end_s = -(-start_s // longest) * longest, end_s // longest * longest
    if inner_start_s >= inner_end_s:
        # No whole window of this length fits in; minutes always do.
        yield from _cover(start_s, end_s, tuple(shorter))
        return
    yield from _cover(start_s, inner_start_s, tuple(shorter))
    yield Range(longest, inner_start_s, inner_end_s)
    yield from _cover(inner_end_s, end_s, tuple(shorter))


def merged(windows: Mapping[WindowKey, Numbers], channel: str = "") -> dict[Stage, Numbers]:
    """Return the sum over windows and channels, or over one channel's windows."""
    totals: dict[Stage, Numbers] = {}
    for key, numbers in windows.items():
        if not channel or key.channel == channel:
            totals.setdefault(key.stage, Numbers()).merge(numbers)
    return totals


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One stage of the board."""

    stage: Stage
    count: int
    mean: timedelta
    p50: timedelta
    p95: timedelta
    p99: timedelta
    abnormal_share: float
    causes: tuple[tuple[str, int], ...]


def board_rows(totals: Mapping[Stage, Numbers]) -> tuple[BoardRow, ...]:
    """Return a row for every stage of the road, in order, also where nothing was counted."""
    return tuple(_row(stage, totals.get(stage) or Numbers()) for stage in STAGES)


def _row(stage: Stage, numbers: Numbers) -> BoardRow:
    p50, p95, p99 = (timedelta(microseconds=each) for each in numbers.percentiles_us())
    count = max(numbers.count, 1)
    return BoardRow(
        stage=stage,
        count=numbers.count,
        mean=timedelta(microseconds=round(numbers.sum_us / count)),
        p50=p50,
        p95=p95,
        p99=p99,
        abnormal_share=numbers.abnormal / count,
        causes=numbers.causes_by_count(),
    )


def bucket_of(duration_us: int) -> int:
    """Return the sketch's bucket of a duration."""
    if duration_us < _MS_US:
        return ZERO_BUCKET
    duration_ms = duration_us / _MS_US
    bucket = math.ceil(math.log(duration_ms, GAMMA))
    # The logarithm may round across a bound, by one bucket at most.
    if GAMMA ** (bucket - 1) >= duration_ms:
        return bucket - 1
    return bucket + 1 if GAMMA**bucket < duration_ms else bucket


@cache
def middle_us(bucket: int) -> int:
    """Return the duration that stands for everything in a bucket of the sketch."""
    if bucket <= ZERO_BUCKET:
        return 0
    return max(_MS_US, round(2 * GAMMA**bucket / (GAMMA + 1) * _MS_US))


def buckets(numbers: Numbers) -> dict[int, int]:
    """Return the sketch of the numbers' durations."""
    counts: dict[int, int] = {}
    for duration_us, times in sorted(numbers.spread.items()):
        _shift(counts, bucket_of(duration_us), times)
    return counts
