"""Counts durations so that percentiles can be read from the counts, within one per cent.

A logarithmic histogram: bucket `i` holds durations in (gamma^(i-1), gamma^i] milliseconds, and
bucket -1 those below one millisecond. Two of them add and subtract bucket by bucket, so windows,
channels and partitions merge, and a measure that proved wrong is taken out again without a trace.
"""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# (gamma - 1) / (gamma + 1) = 0.99 %, the largest relative error of a bucket's middle.
GAMMA: Final = Fraction(102, 100)
ZERO_BUCKET: Final = -1
_MS_US: Final = 1000
# 1.02^1610 ms is about 2 300 years; no order lives longer, and what does counts as that.
_BUCKETS: Final = 1610


def _upper_bounds() -> tuple[int, ...]:
    """Return the last whole microsecond of every bucket, without a rounding error."""
    # 128 bits of fraction outlive 1610 roundings, each of less than 2^-128 of the value.
    scaled, shift = _MS_US << 128, 128
    bounds = []
    for _ in range(_BUCKETS):
        bounds.append(scaled >> shift)
        scaled = scaled * GAMMA.numerator // GAMMA.denominator
    # 1.02 ms is the only later bound that is a whole microsecond; truncation must not lose it.
    bounds[1] = 1020
    return tuple(bounds)


_UPPER_US: Final = _upper_bounds()


def bucket_of(duration_us: int) -> int:
    """Return the bucket of a duration; everything below a millisecond is bucket -1."""
    if duration_us < _MS_US:
        return ZERO_BUCKET
    return min(bisect_left(_UPPER_US, duration_us), _BUCKETS - 1)


def middle_us(bucket: int) -> float:
    """Return the value that is within one per cent of everything in the bucket."""
    if bucket < 0:
        return 0.0
    gamma = float(GAMMA)
    return 2 * gamma**bucket / (gamma + 1) * _MS_US


class Sketch:
    """A histogram that can be added to, subtracted from and asked for percentiles."""

    __slots__ = ("buckets",)

    def __init__(self, buckets: Mapping[int, int] | None = None) -> None:
        self.buckets: dict[int, int] = dict(buckets or {})

    def count(self, duration_us: int, times: int = 1) -> None:
        """Count a duration; a negative number of times takes it out."""
        self.shift(bucket_of(duration_us), times)

    def shift(self, bucket: int, times: int) -> None:
        """Add to one bucket; an empty bucket does not exist."""
        total = self.buckets.get(bucket, 0) + times
        if total:
            self.buckets[bucket] = total
        else:
            self.buckets.pop(bucket, None)

    def add(self, other: Sketch) -> None:
        """Add everything that the other one counted."""
        buckets = self.buckets
        for bucket, times in other.buckets.items():
            total = buckets.get(bucket, 0) + times
            if total:
                buckets[bucket] = total
            else:
                buckets.pop(bucket, None)

    def percentile_us(self, share: float) -> float:
        """Return the duration below which the share lies; 0 of nothing."""
        total = sum(self.buckets.values())
        if total <= 0:
            return 0.0
        rank = share * (total - 1)
        below = 0
        for bucket in sorted(self.buckets):
            below += self.buckets[bucket]
            if below > rank:
                return middle_us(bucket)
        return middle_us(max(self.buckets))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.buckets == other.buckets

    __hash__ = None  # type: ignore[assignment]  # It changes; nothing may be keyed by it.

    def __repr__(self) -> str:
        return f"Sketch({dict(sorted(self.buckets.items()))})"
