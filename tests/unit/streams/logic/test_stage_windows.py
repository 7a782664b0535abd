"""Both levels against an oracle, over every way in which records, repeats and crashes interleave.

The harness does what the shell does: outputs reach the next topic before the rows of a chunk are
written, all or none, and the committed offset lags. Offsets repeat and run backwards, as those of
a broker in trouble do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.logic.effects import Effects
from streams.logic.merging import Merging, Told, Whole
from streams.logic.numbers import StageNumbers
from streams.logic.parts import RETENTION_US, Part
from streams.logic.stages import (
    Beat,
    Change,
    Measure,
    Progress,
    StageKey,
    StagePart,
    StagePartials,
    Value,
)
from streams.logic.windows import GRACE_US, RESOLUTIONS_S, SECOND_US

SOURCES = 2
# The offset of a change that its topic does not have.
MISSING = -(10**9)
NOW_US = 1_790_000_000 * SECOND_US


@dataclass
class MemoryRows:
    rows: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def items(self) -> list[tuple[bytes, bytes]]:
        return list(self.rows.items())

    def write(self, effects: Effects[object]) -> None:
        self.rows.update(effects.rows)
        for key in effects.deletions:
            self.rows.pop(key, None)


@dataclass
class Source:
    """Level one on one partition, with its crashes."""

    name: int
    log: list[Change | Beat]
    rows: MemoryRows = field(default_factory=MemoryRows)
    position: int = 0
    committed: int = 0

    def __post_init__(self) -> None:
        self.engine = StagePartials(self.rows)

    def step(self, size: int, *, tells: bool) -> list[StagePart | Progress]:
        chunk = self.log[self.position : self.position + size]
        self.position += len(chunk)
        if not chunk:
            return []
        repairs: dict[str, list[Change]] = {}
        for gap in self.engine.gaps(chunk):
            journal = sorted(ALL_CHANGES[gap.order], key=lambda change: change.sequence)
            found = [change for change in journal if gap.after < change.sequence < gap.before]
            repairs.setdefault(gap.order, []).extend(found)
        effects = self.engine.apply(chunk, repairs, tells=tells)
        self.effects = effects
        # As encoded at this moment: later records change the same objects.
        return copy.deepcopy(effects.outputs)

    def finish(self, crash: str, *, commit: bool) -> None:
        if crash != "before rows":
            self.rows.write(self.effects)
        if crash:
            self.position = self.committed
            self.engine = StagePartials(self.rows)
        elif commit:
            self.committed = min(self.position, len(self.log))


ALL_CHANGES: dict[str, list[Change]] = {}


def beats_behind(log: Sequence[Change | Beat]) -> list[Change | Beat]:
    """Return heartbeats long after the last record: with them, nothing stays untold."""
    offset, logged_us = (log[-1].offset, log[-1].logged_us) if log else (0, NOW_US)
    times = [logged_us + seconds * SECOND_US for seconds in (6, 40)]
    return [Beat(offset + n, at_us, at_us) for n, at_us in enumerate(times, start=1)]


def told(source: int, output: StagePart | Progress, watermark: int) -> Told[StageKey, StageNumbers]:
    if isinstance(output, Progress):
        return Told(NOW_US, str(source), output.watermark_us, output.caught_up, None)
    return Told(NOW_US, str(source), watermark, caught_up=False, part=output)


def merging_over(rows: MemoryRows, epoch: int) -> Merging[StageKey, StageNumbers]:
    return Merging(rows, StageKey, StageNumbers, epoch=epoch, sources=SOURCES)


def oracle(changes: Sequence[Change]) -> dict[StageKey, StageNumbers]:
    windows: dict[StageKey, StageNumbers] = {}
    seen = set()
    for change in changes:
        if (change.order, change.sequence) in seen:
            continue
        seen.add((change.order, change.sequence))
        for measure in change.measures:
            for value, times in ((measure.previous, -1), (measure.current, 1)):
                if value is None:
                    continue
                for length in RESOLUTIONS_S:
                    start = value.end_us // SECOND_US // length * length
                    key = StageKey(
                        length, start, measure.from_state, measure.to_state, change.channel
                    )
                    numbers = windows.setdefault(key, StageNumbers())
                    numbers.measure(value.duration_us, value.cause, times)
    return {key: numbers for key, numbers in windows.items() if not numbers.is_nothing()}


def newest(wholes: Sequence[Whole[StageKey, StageNumbers]]) -> dict[StageKey, StageNumbers]:
    best: dict[StageKey, Whole[StageKey, StageNumbers]] = {}
    for each in wholes:
        known = best.get(each.key)
        if known is not None and known.revision == each.revision:
            assert known.numbers == each.numbers
        if known is None or each.revision > known.revision:
            best[each.key] = each
    return {k: each.numbers for k, each in best.items() if not each.numbers.is_nothing()}


@st.composite
def histories(draw: st.DrawFn) -> list[list[Change | Beat]]:
    """Logs of each source partition: orders with corrections, repeats and holes."""
    logs: list[list[Change | Beat]] = []
    ALL_CHANGES.clear()
    for source in range(SOURCES):
        log: list[Change | Beat] = []
        logged_us = NOW_US
        said: dict[str, list[Measure]] = {}
        numbers: dict[str, int] = {}
        for _ in range(draw(st.integers(0, 14))):
            # A jump past the retention puts rows away between two events.
            jump_us = draw(st.sampled_from([0, SECOND_US, 61 * SECOND_US, 2 * RETENTION_US]))
            logged_us += jump_us
            # Offsets may repeat, but not over a quarter of an hour.
            step = 50 if jump_us > RETENTION_US else draw(st.integers(-2, 2))
            offset = log[-1].offset + step if log else 1000
            kind = draw(st.sampled_from(["event", "event", "event", "repeat", "hole", "beat"]))
            if kind == "beat":
                log.append(Beat(offset, logged_us, logged_us))
                continue
            changes = [record for record in log if isinstance(record, Change)]
            if kind == "repeat" and changes:
                again = draw(st.sampled_from(changes))
                log.append(replace(again, offset=offset, logged_us=logged_us))
                continue
            order = f"orders/{source}-{draw(st.integers(0, 2))}"
            if kind == "hole":
                ALL_CHANGES.setdefault(order, []).append(
                    _change(draw, order, numbers, said, MISSING, logged_us)
                )
            change = _change(draw, order, numbers, said, offset, logged_us)
            ALL_CHANGES.setdefault(order, []).append(change)
            log.append(change)
        logs.append(log)
    return logs


def _change(
    draw: st.DrawFn,
    order: str,
    numbers: dict[str, int],
    said: dict[str, list[Measure]],
    offset: int,
    logged_us: int,
) -> Change:
    numbers[order] = numbers.get(order, 0) + 1
    at_us = draw(st.sampled_from([logged_us, 1_563_000_000 * SECOND_US, logged_us + 10**12]))
    current = Value(draw(st.integers(0, 10**9)), at_us, draw(st.sampled_from(["", "OVERDUE"])))
    before = said.setdefault(order, [])
    previous = None
    if before and draw(st.booleans()):
        corrected = before.pop()
        previous = corrected.current
        state = corrected.from_state
        if draw(st.booleans()):
            current = None  # type: ignore[assignment]  # Withdrawn.
    else:
        state = draw(st.integers(1, 3))
    measure = Measure(state, state + 1, current, previous)
    if current is not None:
        before.append(measure)
    return Change(offset, logged_us, order, numbers[order], at_us, "jd", (measure,))


CRASHES = st.sampled_from(["", "", "before rows", "after rows"])
STEPS = st.lists(
    st.tuples(
        st.integers(0, SOURCES - 1),
        st.integers(1, 5),
        st.booleans(),
        CRASHES,
        st.booleans(),
    ),
    max_size=16,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), STEPS, st.lists(st.tuples(st.integers(1, 9), CRASHES), max_size=30))
def test_windows_are_exact_whatever_repeats_is_late_or_crashes(
    logs: list[list[Change | Beat]],
    steps: list[tuple[int, int, bool, str, bool]],
    reads: list[tuple[int, str]],
) -> None:
    sources = [Source(number, [*log]) for number, log in enumerate(logs)]
    partials: list[Told[StageKey, StageNumbers]] = []
    beats = [(n, 0, True, "", True) for n in range(SOURCES)]
    finishing = [(n, 3, True, "", True) for _ in range(20) for n in range(SOURCES)]
    for number, size, tells, crash, commit in [*steps, *beats, *finishing]:
        source = sources[number]
        if not size:
            source.log.extend(beats_behind(source.log))
            continue
        outputs = source.step(size, tells=tells)
        for output in outputs:
            partials.append(told(number, output, source.engine.progress.watermark_us))
        if hasattr(source, "effects"):
            source.finish(crash, commit=commit)

    rows, position, committed = MemoryRows(), 0, 0
    merging = merging_over(rows, 3)
    published: list[Whole[StageKey, StageNumbers]] = []
    for size, crash in [*reads, *([(50, "")] * (len(partials) // 50 + 2))]:
        chunk, position = partials[position : position + size], position + size
        effects = merging.apply(chunk)
        published.extend(copy.deepcopy(effects.outputs))
        if crash != "before rows":
            rows.write(effects)
        if crash:
            position = committed
            merging = merging_over(rows, 3)
        else:
            committed = min(position, len(partials))

    applied = [c for log in logs for c in log if isinstance(c, Change)]
    # What is missing from a topic counts once a later event of its order reveals it.
    revealed = {c.order: max(o.sequence for o in applied if o.order == c.order) for c in applied}
    missing = [
        c for order, all_of in ALL_CHANGES.items() for c in all_of
        if c.offset == MISSING and c.sequence < revealed.get(order, 0)
    ]  # fmt: skip
    expected = oracle([*applied, *missing])
    assert newest(published) == expected
    assert newest(merging.wholes()) == expected


def part(opened: int, offset: int, count: int) -> Part[StageKey, StageNumbers]:
    numbers = StageNumbers()
    for _ in range(count):
        numbers.measure(SECOND_US, "")
    return Part(MINUTE, opened, offset, NOW_US, numbers)


MINUTE = StageKey(60, 1_790_000_040 // 60 * 60, 1, 2, "jd")
END_US = MINUTE.end_s * SECOND_US


class LevelTwo:
    """The engine with its rows, record by record."""

    def __init__(self, epoch: int = 1) -> None:
        self.rows = MemoryRows()
        self.engine = merging_over(self.rows, epoch)

    def beat(self, source: int, at_us: int, *, caught_up: bool = True) -> list[Whole]:  # type: ignore[type-arg]
        return self._take(source, at_us, caught_up=caught_up, each=None)

    def part(self, source: int, each: Part[StageKey, StageNumbers]) -> list[Whole]:  # type: ignore[type-arg]
        return self._take(source, END_US, caught_up=True, each=each)

    def _take(
        self, source: int, at_us: int, *, caught_up: bool, each: Part[StageKey, StageNumbers] | None
    ) -> list[Whole]:  # type: ignore[type-arg]
        watermark = 0 if each else at_us
        record = Told(at_us, str(source), watermark, caught_up=caught_up, part=each)
        effects = self.engine.apply([record])
        self.rows.write(effects)
        return effects.outputs


def test_a_window_is_final_when_the_slowest_source_has_passed_its_end_and_the_grace() -> None:
    merging = LevelTwo()
    opened = merging.part(0, part(1, 1, 1))
    early = [*merging.beat(0, END_US + GRACE_US + 5), *merging.beat(1, END_US + GRACE_US - 1)]
    passed = merging.beat(1, END_US + GRACE_US)

    assert [each.is_final for each in opened] == [False]
    assert early == []
    assert [(each.is_final, each.idle) for each in passed] == [(True, ())]


def test_a_silent_source_does_not_hold_windows_open_and_is_named() -> None:
    merging = LevelTwo()
    merging.part(0, part(1, 1, 1))
    merging.beat(1, END_US)
    passed = merging.beat(0, END_US + GRACE_US)

    assert [(each.is_final, each.idle) for each in passed] == [(True, ("1",))]


def test_a_late_event_reopens_a_final_window_with_a_greater_revision() -> None:
    merging = LevelTwo()
    merging.part(0, part(1, 1, 1))
    (final,) = merging.beat(1, END_US + GRACE_US)
    (late,) = merging.part(0, part(1, 9, 2))
    (reopened,) = merging.part(0, part(20, 21, 5))

    assert (late.numbers.count, late.is_final) == (2, True)
    assert (reopened.numbers.count, reopened.is_final) == (7, True)
    assert final.revision < late.revision < reopened.revision


def test_an_older_state_of_a_part_changes_nothing() -> None:
    merging = LevelTwo()
    merging.part(0, part(20, 25, 5))

    assert merging.part(0, part(20, 24, 4)) == []
    assert merging.part(0, part(1, 30, 9)) == []


def test_a_new_life_of_the_broker_has_greater_revisions() -> None:
    old, new = LevelTwo(epoch=1), LevelTwo(epoch=2)
    for version in range(1, 100):
        (before,) = old.part(0, part(1, version, 1))
    (after,) = new.part(0, part(1, 1, 1))

    assert after.revision > before.revision


def test_a_view_is_complete_when_every_source_has_caught_up() -> None:
    merging = LevelTwo()
    merging.beat(0, NOW_US)
    merging.beat(1, NOW_US, caught_up=False)
    before = merging.engine.is_complete()
    merging.beat(1, NOW_US)

    assert (before, merging.engine.is_complete()) == (False, True)


def test_a_heartbeat_that_was_held_up_does_not_count_as_caught_up() -> None:
    engine = StagePartials(MemoryRows())
    late = engine.apply([Beat(0, NOW_US, NOW_US - 60 * SECOND_US)]).outputs
    timely = engine.apply([Beat(1, NOW_US, NOW_US)]).outputs

    told_of = [each.caught_up for each in (*late, *timely) if isinstance(each, Progress)]
    assert told_of == [False, True]


def test_a_clock_in_the_future_moves_the_watermark_no_further_than_its_record() -> None:
    engine = StagePartials(MemoryRows())
    engine.apply([Change(0, NOW_US, "orders/1", 1, NOW_US + 10**15, "jd")])

    assert engine.progress.watermark_us == NOW_US


def test_rows_that_nobody_touches_are_put_away_and_a_repeat_of_theirs_is_still_known() -> None:
    rows = MemoryRows()
    engine = StagePartials(rows)
    measure = Measure(1, 2, Value(SECOND_US, NOW_US, ""), None)
    change = Change(0, NOW_US, "orders/1", 1, NOW_US, "jd", (measure,))
    rows.write(engine.apply([change]))
    later_us = NOW_US + 2 * RETENTION_US
    rows.write(engine.apply([Beat(1, later_us, later_us)]))
    assert not [key for key in rows.rows if key.startswith(b"w")]

    again = engine.apply([replace(change, offset=2, logged_us=later_us)])

    assert (again.repeats, again.outputs) == (1, [])
