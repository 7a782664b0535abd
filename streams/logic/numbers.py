"""Numbers that add up: of one stage, and of one channel, in one window.

Both can be added over windows and partitions, and taken back. A count may be below zero in
a part of a window: what one part added, another may have taken back. The whole never is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

from streams.logic.sketch import Sketch, bucket_of


class Numbers(Protocol):
    """What windows and merging ask of numbers."""

    def add(self, other: Self) -> None:
        """Add all that the other has."""
        ...

    def copy(self) -> Self:
        """Return the same numbers, to be changed apart from these."""
        ...

    def is_nothing(self) -> bool:
        """Return whether everything in it was taken back."""
        ...

    def to_row(self) -> list[Any]:
        """Return it as plain lists, for a row."""
        ...

    @classmethod
    def from_row(cls, row: list[Any]) -> Self:
        """Read what `to_row` wrote."""
        ...


@dataclass(slots=True)
class StageNumbers:
    """How long a stage took, how often it was abnormal, and why."""

    count: int = 0
    sum_us: int = 0
    abnormal: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    sketch: Sketch = field(default_factory=Sketch)

    def measure(self, duration_us: int, cause: str, times: int = 1) -> None:
        """Count one measure; a negative number of times takes it out."""
        self.count += times
        self.sum_us += duration_us * times
        self.sketch.count(duration_us, times)
        if cause:
            self.abnormal += times
            self._blame(cause, times)

    def measure_all(self, durations_us: Sequence[int]) -> None:
        """Count measures of which none has a cause."""
        self.count += len(durations_us)
        self.sum_us += sum(durations_us)
        for bucket, times in Counter(map(bucket_of, durations_us)).items():
            self.sketch.shift(bucket, times)

    def add(self, other: StageNumbers) -> None:
        self.count += other.count
        self.sum_us += other.sum_us
        self.abnormal += other.abnormal
        for cause, times in other.causes.items():
            self._blame(cause, times)
        self.sketch.add(other.sketch)

    def copy(self) -> StageNumbers:
        sketch = Sketch(self.sketch.buckets)
        return StageNumbers(self.count, self.sum_us, self.abnormal, dict(self.causes), sketch)

    def _blame(self, cause: str, times: int) -> None:
        total = self.causes.get(cause, 0) + times
        if total:
            self.causes[cause] = total
        else:
            self.causes.pop(cause, None)

    def is_nothing(self) -> bool:
        return not (self.count or self.sum_us or self.causes or self.sketch.buckets)

    def to_row(self) -> list[Any]:
        buckets = list(self.sketch.buckets.items())
        return [self.count, self.sum_us, self.abnormal, list(self.causes.items()), buckets]

    @classmethod
    def from_row(cls, row: list[Any]) -> StageNumbers:
        count, sum_us, abnormal, causes, buckets = row
        return cls(count, sum_us, abnormal, dict(causes), Sketch(dict(buckets)))


@dataclass(slots=True)
class ChannelNumbers:
    """What came in over a channel, and what became of it."""

    receipts: int = 0
    facts: int = 0
    duplicates: int = 0
    rejects: int = 0
    contradictions: int = 0
    delay_sum_ms: int = 0
    delayed: int = 0
    # The newest, so it is not taken back with the rest.
    newest_event_us: int = 0

    def add(self, other: ChannelNumbers, times: int = 1) -> None:
        self.receipts += other.receipts * times
        self.facts += other.facts * times
        self.duplicates += other.duplicates * times
        self.rejects += other.rejects * times
        self.contradictions += other.contradictions * times
        self.delay_sum_ms += other.delay_sum_ms * times
        self.delayed += other.delayed * times
        self.newest_event_us = max(self.newest_event_us, other.newest_event_us)

    def copy(self) -> ChannelNumbers:
        return replace(self)

    def is_nothing(self) -> bool:
        return not any(self.to_row()[:-1])

    def to_row(self) -> list[Any]:
        return [
            self.receipts,
            self.facts,
            self.duplicates,
            self.rejects,
            self.contradictions,
            self.delay_sum_ms,
            self.delayed,
            self.newest_event_us,
        ]

    @classmethod
    def from_row(cls, row: list[Any]) -> ChannelNumbers:
        return cls(*row)
