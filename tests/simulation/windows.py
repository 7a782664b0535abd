"""The streams' stage windows on top of what was published, and what they must come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.domain.changes import Change as Told
from service.domain.lifecycle import State
from service.domain.recount import Measured, Recount
from service.domain.recount import Value as Exact
from service.domain.stages import Measure as DomainMeasure
from streams.logic.merging import Merging
from streams.logic.merging import Told as Partial
from streams.logic.numbers import StageNumbers
from streams.logic.parts import Part
from streams.logic.stages import Change, Measure, Progress, StageKey, StagePartials, Value
from tests.fake_tables import Tables
from tests.simulation.broker import PARTITIONS, Record
from tests.simulation.chance import Chance
from tests.simulation.faults import ProcessDiedError
from tests.simulation.watch import hold

STATES = list(State)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Merged = Merging[StageKey, StageNumbers]


class Rows(dict[bytes, bytes]):
    """Rows of one partition: `streams.logic.effects.Rows` wants a list of items."""

    def items(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        return list(super().items())


@dataclass
class StageWindows:
    """Both levels of the stage windows; each chunk's rows are written after its outputs."""

    tables: Tables
    told: Mapping[bytes, Any]
    chance: Chance
    is_faulty: Callable[[], bool]
    _rows: list[Rows] = field(default_factory=list)
    _engines: list[StagePartials | None] = field(default_factory=list)
    _merged: Merged | None = None
    _merged_rows: Rows = field(default_factory=Rows)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Keep nothing: the broker lost it all."""
        self._rows = [Rows() for _ in range(PARTITIONS)]
        self._engines = [None] * PARTITIONS
        self._merged_rows, self._merged = Rows(), None

    def take(self, partition: int, chunk: Sequence[tuple[int, Record]]) -> None:
        """Count a chunk; what is missing comes from the journal."""
        engine = self._engines[partition]
        if engine is None:
            engine = self._engines[partition] = StagePartials(self._rows[partition])
        changes = [
            _change(offset, each.logged_us, each.key, self.told[each.payload])
            for offset, each in chunk
        ]
        repairs: dict[str, list[Change]] = {}
        for gap in engine.gaps(changes):
            missing = self._journal(gap.order, gap.after, gap.before)
            repairs.setdefault(gap.order, []).extend(missing)
        effects = engine.apply(changes, repairs)
        self._merge(partition, effects.outputs, engine.progress)
        if self.is_faulty() and self.chance.happens(0.03):
            self._engines[partition] = None
            raise ProcessDiedError
        rows = self._rows[partition]
        rows.update(effects.rows)
        for key in effects.deletions:
            rows.pop(key, None)
        hold("I8", engine.lost == 0, f"{engine.lost} changes of orders never came")

    def _journal(self, order: str, after: int, before: int) -> Iterator[Change]:
        for row in self.tables.journal:
            if row.order_id == order and after < row.sequence < before:
                yield _change(-1, 0, order, self.told[row.event])

    def _merge(
        self, partition: int, outputs: Sequence[Part[Any, Any] | Progress], now: Progress
    ) -> None:
        if self._merged is None:
            self._merged = Merged(
                self._merged_rows, StageKey, StageNumbers, epoch=1, sources=PARTITIONS
            )
        records = [
            Partial(0, str(partition), now.watermark_us, now.caught_up, _sent(each))
            for each in outputs
            if isinstance(each, Part)
        ]
        if not records:
            return
        effects = self._merged.apply(records)
        if self.is_faulty() and self.chance.happens(0.03):
            # It died before it wrote; what it was told comes again.
            self._merged = Merged(
                self._merged_rows, StageKey, StageNumbers, epoch=1, sources=PARTITIONS
            )
            effects = self._merged.apply(records)
        self._merged_rows.update(effects.rows)

    def compare(self) -> None:
        """Hold the windows to what the journal's measures add up to."""
        recount = Recount()
        recount.take(measured_in(self.tables))
        exact = {
            (*key[:2], STAGE_NUMBERS[key.stage[0]], STAGE_NUMBERS[key.stage[1]], key.channel): (
                numbers.count, numbers.sum_us, numbers.abnormal, dict(numbers.causes)
            )
            for key, numbers in recount.windows.items()
            if numbers.count
        }  # fmt: skip
        wholes = self._merged.wholes() if self._merged else []
        found = {
            tuple(each.key): (
                each.numbers.count, each.numbers.sum_us, each.numbers.abnormal, each.numbers.causes
            )
            for each in wholes
            if not each.numbers.is_nothing()
        }  # fmt: skip
        differs = {key for key in exact.keys() | found.keys() if exact.get(key) != found.get(key)}
        hold("I10", not differs, [(key, exact.get(key), found.get(key)) for key in differs][:2])


STAGE_NUMBERS = {state: number for number, state in enumerate(STATES)}


def _change(offset: int, logged_us: int, order: str, told: tuple[str, int, Told]) -> Change:
    channel, sequence, change = told
    measures = tuple(
        Measure(
            STAGE_NUMBERS[each.stage[0]],
            STAGE_NUMBERS[each.stage[1]],
            _value(each.new),
            _value(each.old),
        )
        for each in change.measures
    )
    return Change(offset, logged_us, order, sequence, _us(change.occurred_at), channel, measures)


def _value(measure: DomainMeasure | None) -> Value | None:
    if measure is None:
        return None
    duration_us = int(measure.duration.total_seconds() * 1_000_000)
    return Value(duration_us, _us(measure.ended_at), measure.cause, measure.channel)


def _us(at: datetime) -> int:
    return int((at - EPOCH).total_seconds()) * 1_000_000


def _sent(part: Part[StageKey, StageNumbers]) -> Part[StageKey, StageNumbers]:
    """Return what a reader makes of the part's bytes: numbers of its own."""
    numbers = StageNumbers.from_row(part.numbers.to_row())
    return Part(part.key, part.opened, part.version, part.touched_us, numbers)


def measured_in(tables: Tables) -> Iterator[Measured]:
    """Yield what the journal says of stages."""
    for row in tables.journal:
        for each in row.change.measures:
            measure = each.new or each.old
            assert measure is not None
            told = _value(each.new)
            value = Exact(told.duration_us, told.end_us, told.cause) if told else None
            yield Measured(row.order_id, row.sequence, measure.channel, each.stage, value)
