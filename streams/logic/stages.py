"""Level one of the stage windows: what one partition of order events adds up to.

Every window's numbers are cumulative and say how many changes they hold, so a repeated partial
replaces itself. Each order's last number guards against repeats; what is missing is asked for by
`gaps` before anything is applied. An event of any age is counted: a window that was put away is
opened again as a new part, which level two adds to what it kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import orjson

from streams.logic.effects import Effects, Rows, row_of
from streams.logic.numbers import StageNumbers
from streams.logic.parts import RETENTION_US, OpenParts, Part, Touches
from streams.logic.windows import RESOLUTIONS_S, watermark_of, window_start_s

# A heartbeat that is this much older than its record was held up behind a backlog.
_CURRENT_US: Final = 10_000_000
_MINUTE_US: Final = 60_000_000
PROGRESS: Final = b"p"


# Values, measures, changes and beats are made for each record, and nobody changes one. They are
# not frozen, because that takes three times as long to make.


@dataclass(slots=True)
class Value:
    """One measured value of a stage."""

    duration_us: int
    end_us: int
    cause: str
    channel: str = ""


@dataclass(slots=True)
class Measure:
    """A stage time that became known or changed: subtract `previous`, add `current`."""

    from_state: int
    to_state: int
    current: Value | None
    previous: Value | None


@dataclass(slots=True)
class Change:
    """One change of one order, as its record tells it."""

    offset: int
    logged_us: int
    order: str
    sequence: int
    event_us: int
    channel: str
    measures: Sequence[Measure] = ()


@dataclass(slots=True)
class Beat:
    """Nothing happened up to `event_us`."""

    offset: int
    logged_us: int
    event_us: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Changes of an order that are missing: those after `after` and before `before`."""

    order: str
    after: int
    before: int


class StageKey(NamedTuple):
    """Which window of which stage."""

    resolution_s: int
    start_s: int
    from_state: int
    to_state: int
    channel: str

    @property
    def end_s(self) -> int:
        return self.start_s + self.resolution_s

    def to_row(self) -> bytes:
        return "|".join(map(str, self)).encode()

    @classmethod
    def from_row(cls, row: bytes) -> StageKey:
        resolution, start, begin, end, channel = row.decode().split("|", 4)
        return cls(int(resolution), int(start), int(begin), int(end), channel)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the partition has come; sent to every reader of its partials."""

    offset: int
    watermark_us: int
    caught_up: bool


StagePart = Part[StageKey, StageNumbers]


@dataclass(slots=True)
class _Cell:
    """What the records of a chunk say of one minute of one stage."""

    touches: Touches
    # What was measured and has no cause: most of it, so only the durations are noted.
    durations_us: list[int] = field(default_factory=list)
    # The rest: what has a cause, or is taken back.
    numbers: StageNumbers = field(default_factory=StageNumbers)

    def total(self) -> StageNumbers:
        """Return all of it as numbers."""
        self.numbers.measure_all(self.durations_us)
        return self.numbers


@dataclass(slots=True)
class _Minutes:
    """What the records of a chunk add to each minute of each stage.

    Every longer window is made of minutes, so a record is counted once, and a minute added to
    its four windows once for all its records.
    """

    parts: OpenParts[StageKey, StageNumbers]
    _found: dict[tuple[int, int, int, str], _Cell] = field(default_factory=dict)
    _begun_us: int = 0

    def count(self, change: Change, offset: int) -> None:
        """Count the measures of a change, for which the record at this offset stands."""
        clock_us = self.parts.clock_us
        if clock_us - self._begun_us > RETENTION_US:
            self.fold()
            self._begun_us = clock_us
        for measure in change.measures:
            previous, current = measure.previous, measure.current
            if previous is not None:
                cell = self._cell(measure, previous, change.channel, offset)
                cell.numbers.measure(previous.duration_us, previous.cause, -1)
            if current is not None:
                cell = self._cell(measure, current, change.channel, offset)
                if current.cause:
                    cell.numbers.measure(current.duration_us, current.cause)
                else:
                    cell.durations_us.append(current.duration_us)

    def _cell(self, measure: Measure, value: Value, channel: str, offset: int) -> _Cell:
        """Return where a value is counted, and note that it is."""
        minute = (
            value.end_us // _MINUTE_US,
            measure.from_state,
            measure.to_state,
            value.channel or channel,
        )
        clock_us = self.parts.clock_us
        cell = self._found.get(minute)
        if cell is None:
            cell = self._found[minute] = _Cell(Touches(offset, 0, clock_us, clock_us))
        cell.touches.count += 1
        cell.touches.last_us = clock_us
        return cell

    def fold(self) -> None:
        """Add what was counted to the windows, in the order in which minutes came first."""
        for (minute, begin, end, channel), cell in self._found.items():
            touches, numbers = cell.touches, cell.total()
            for resolution_s in RESOLUTIONS_S:
                start_s = window_start_s(minute * _MINUTE_US, resolution_s)
                key = StageKey(resolution_s, start_s, begin, end, channel)
                self.parts.touch_often(key, touches).add(numbers)
        self._found.clear()


@dataclass(slots=True)
class StagePartials:
    """The engine of one source partition."""

    rows: Rows
    # Orders are numbered from 1 without a gap; a hole that nobody could fill is counted here.
    lost: int = 0
    _parts: OpenParts[StageKey, StageNumbers] = field(init=False)
    _progress: Progress = field(init=False)
    # Changed and not told yet: by window, and by the offset that opened the part.
    _untold: dict[tuple[StageKey, int], StagePart] = field(init=False, default_factory=dict)
    _heard_beat: bool = field(init=False, default=False)
    # What `gaps` looked up for the records at hand: the last number of each order before them.
    _lasts: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        row = self.rows.get(PROGRESS)
        offset, watermark_us, caught_up, clock_us = orjson.loads(row) if row else (-1, 0, False, 0)
        self._progress = Progress(offset, watermark_us, caught_up)
        self._parts = OpenParts(self.rows, StageKey, StageNumbers, clock_us)

    def gaps(self, records: Sequence[Change | Beat]) -> list[Gap]:
        """Return what must be fetched before these records can be applied."""
        seen: dict[str, int] = {}
        self._lasts = {}
        found = []
        for record in records:
            if isinstance(record, Change):
                order, sequence = record.order, record.sequence
                last = seen.get(order)
                if last is None:
                    last = seen[order] = self._lasts[order] = self._last(order)
                if sequence > last:
                    if sequence > last + 1:
                        found.append(Gap(order, last, sequence))
                    seen[order] = sequence
        return found

    def apply(
        self,
        records: Sequence[Change | Beat],
        repairs: Mapping[str, Sequence[Change]] | None = None,
        *,
        tells: bool = True,
    ) -> Effects[StagePart | Progress]:
        """Count these records; `repairs` holds the missing changes of each order, in order.

        Without `tells`, what there is to tell waits for a chunk that does: parts replace each
        other, so whoever reads them misses nothing but states in between. Only a part that
        ended does not wait, for a new one takes the place of its row.
        """
        effects: Effects[StagePart | Progress] = Effects()
        numbers: dict[str, int] = {}
        lasts, self._lasts = self._lasts, {}
        parts, minutes = self._parts, _Minutes(self._parts)
        for record in records:
            # `max` would take as long as all of this.
            if record.logged_us > parts.clock_us:  # noqa: PLR1730
                parts.clock_us = record.logged_us
            if isinstance(record, Change):
                order, sequence = record.order, record.sequence
                last = numbers.get(order)
                if last is None:
                    last = lasts.get(order)
                    if last is None:
                        last = self._last(order)
                if sequence <= last:
                    effects.repeats += 1
                    continue
                if sequence > last + 1:
                    for missing in self._missing(record, last, repairs or {}):
                        minutes.count(missing, record.offset)
                minutes.count(record, record.offset)
                numbers[order] = sequence
        minutes.fold()
        tells = tells or self._parts.has_ended()
        self._untold |= {(part.key, part.opened): part for part in self._parts.changed()}
        effects.rows.update(self._parts.rows_changed())
        for order, sequence in numbers.items():
            effects.rows[_order_key(order)] = b"%d" % sequence
        self._advance(records, effects)
        if tells:
            effects.outputs.extend(self._to_tell())
        effects.deletions.extend(self._parts.put_away())
        return effects

    def _missing(
        self, record: Change, last: int, repairs: Mapping[str, Sequence[Change]]
    ) -> Iterator[Change]:
        """Return what was fetched of the changes between `last` and this record."""
        for missing in repairs.get(record.order, ()):
            if last < missing.sequence < record.sequence:
                self.lost += missing.sequence - last - 1
                last = missing.sequence
                yield missing
        self.lost += record.sequence - last - 1

    def _advance(
        self, records: Sequence[Change | Beat], effects: Effects[StagePart | Progress]
    ) -> None:
        self._progress = advance(self._progress, records)
        self._heard_beat |= any(isinstance(record, Beat) for record in records)
        if records:
            effects.rows[PROGRESS] = progress_row(self._progress, self._parts.clock_us)

    def _to_tell(self) -> list[StagePart | Progress]:
        """Return all that was not told yet: parts first, for progress says that they were."""
        told: list[StagePart | Progress] = [*self._untold.values()]
        if self._heard_beat:
            again = self._parts.to_tell_again()
            told.extend(part for part in again if (part.key, part.opened) not in self._untold)
            told.append(self._progress)
        self._untold, self._heard_beat = {}, False
        return told

    def _last(self, order: str) -> int:
        row = self.rows.get(_order_key(order))
        return int(row) if row else 0

    @property
    def progress(self) -> Progress:
        """How far this partition has come."""
        return self._progress


class _Timed(Protocol):
    """A record with a time of its own."""

    @property
    def offset(self) -> int: ...
    @property
    def logged_us(self) -> int: ...
    @property
    def event_us(self) -> int: ...


def advance(progress: Progress, records: Sequence[_Timed]) -> Progress:
    """Return how far the partition has come with these records."""
    offset, watermark_us, caught_up = progress.offset, progress.watermark_us, progress.caught_up
    for record in records:
        if record.offset > offset:  # noqa: PLR1730  # Three times as quick as `max`.
            offset = record.offset
        # No record brings time further than its own, which is quicker to see.
        if record.event_us > watermark_us:
            watermark_us = max(watermark_us, watermark_of(record.event_us, record.logged_us))
        if not caught_up and isinstance(record, Beat):
            caught_up = record.logged_us - record.event_us < _CURRENT_US
    return Progress(offset, watermark_us, caught_up)


def progress_row(progress: Progress, clock_us: int) -> bytes:
    """Return the row of how far the partition has come."""
    return row_of([progress.offset, progress.watermark_us, progress.caught_up, clock_us])


def _order_key(order: str) -> bytes:
    return b"o" + order.removeprefix("orders/").encode()
