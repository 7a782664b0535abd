"""Channel health against a plain recomputation, over repeats, retries and crashes."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.logic.channels import MEMORY_US, ChannelKey, ChannelPartials, Repeated, Weighed
from streams.logic.merging import Merging, Told
from streams.logic.numbers import ChannelNumbers
from streams.logic.stages import Beat, Progress
from streams.logic.windows import SECOND_US
from tests.unit.streams.logic.test_stage_windows import CRASHES, NOW_US, MemoryRows

KINDS = st.sampled_from(["applied", "early", "rejected", "contradicting"])


def weighed(offset: int, receipt: int, revision: int, kind: str) -> Weighed:
    receive_us = NOW_US + receipt * 25 * SECOND_US
    return Weighed(
        offset=offset,
        logged_us=NOW_US + offset * SECOND_US,
        receipt=f"receipts/{receipt}",
        revision=revision,
        channel=f"ch{receipt % 2}",
        receive_us=receive_us,
        event_us=0 if kind == "rejected" else receive_us - 3_500_000,
        facts=0 if kind == "rejected" else 2,
        contradictions=int(kind == "contradicting"),
        is_rejected=kind == "rejected",
        may_follow=kind in ("rejected", "early"),
    )


def oracle(log: list[Weighed | Repeated]) -> dict[ChannelKey, ChannelNumbers]:
    newest: dict[str, Weighed] = {}
    arrivals = set()
    for record in log:
        if isinstance(record, Repeated):
            arrivals.add((record.receipt, record.receive_us, record.channel))
        elif record.revision > getattr(newest.get(record.receipt), "revision", 0):
            newest[record.receipt] = record
    minutes: dict[ChannelKey, ChannelNumbers] = {}
    for each in newest.values():
        key = ChannelKey(each.receive_us // (60 * SECOND_US) * 60, each.channel)
        numbers = minutes.setdefault(key, ChannelNumbers())
        numbers.receipts += 1
        numbers.facts += each.facts
        numbers.rejects += each.is_rejected
        numbers.contradictions += each.contradictions
        if each.event_us:
            numbers.delayed += 1
            numbers.delay_sum_ms += 3500
            numbers.newest_event_us = max(numbers.newest_event_us, each.event_us)
    for _, receive_us, channel in arrivals:
        key = ChannelKey(receive_us // (60 * SECOND_US) * 60, channel)
        minutes.setdefault(key, ChannelNumbers()).duplicates += 1
    return minutes


@st.composite
def logs(draw: st.DrawFn) -> list[Weighed | Repeated]:
    log: list[Weighed | Repeated] = []
    revisions: dict[int, int] = {}
    for offset in range(draw(st.integers(0, 20))):
        choice = draw(st.sampled_from(["weigh", "weigh", "repeat", "again"]))
        receipt = draw(st.integers(0, 4))
        if choice == "again" and log:
            earlier = copy.copy(draw(st.sampled_from(log)))
            object.__setattr__(earlier, "offset", offset)
            log.append(earlier)
        elif choice == "repeat":
            at_us = NOW_US + draw(st.integers(0, 3)) * 40 * SECOND_US
            logged_us = NOW_US + offset * SECOND_US
            log.append(Repeated(offset, logged_us, f"receipts/{receipt}", "ch0", at_us))
        else:
            revisions[receipt] = revisions.get(receipt, 0) + 1
            # A rejected receipt keeps no facts; the newest event time of others only grows.
            log.append(weighed(offset, receipt, revisions[receipt], draw(KINDS)))
    return log


@settings(max_examples=150)
@given(
    logs(),
    st.lists(st.tuples(st.integers(1, 6), CRASHES), max_size=12),
)
def test_minutes_are_exact_whatever_repeats_is_weighed_again_or_crashes(
    log: list[Weighed | Repeated], reads: list[tuple[int, str]]
) -> None:
    rows, position, committed = MemoryRows(), 0, 0
    engine = ChannelPartials(rows)
    told: list[Told[ChannelKey, ChannelNumbers]] = []
    for size, crash in [*reads, *[(5, "")] * 5]:
        effects = engine.apply(log[position : position + size])
        for part in copy.deepcopy(effects.outputs):
            if not isinstance(part, Progress):
                told.append(Told(NOW_US, "t/0", 0, caught_up=False, part=part))
        if crash != "before rows":
            rows.write(effects)
        if not crash:
            position = min(position + size, len(log))
            committed = position if size % 2 else committed
        else:
            position, engine = committed, ChannelPartials(rows)

    merged = MemoryRows()
    merging = Merging(merged, ChannelKey, ChannelNumbers, epoch=1, sources=1)
    merged.write(merging.apply(told))
    counted = {each.key: each.numbers for each in merging.wholes() if not each.numbers.is_nothing()}
    expected = {key: numbers for key, numbers in oracle(log).items() if not numbers.is_nothing()}
    for numbers in (*counted.values(), *expected.values()):
        # The newest event is not taken back with an outcome that was.
        numbers.newest_event_us = 0
    assert counted == expected


def test_settled_receipts_are_forgotten_but_for_the_newest_and_open_ones_are_kept() -> None:
    rows = MemoryRows()
    engine = ChannelPartials(rows, remembered_min=1)
    told = [weighed(0, 1, 1, "applied"), weighed(1, 2, 1, "early"), weighed(2, 3, 1, "applied")]
    rows.write(engine.apply(told))
    later_us = NOW_US + MEMORY_US + 60 * SECOND_US
    rows.write(engine.apply([Beat(3, later_us, later_us)]))

    assert [key for key in rows.rows if key.startswith(b"r")] == [b"rreceipts/2", b"rreceipts/3"]
    again = ChannelPartials(rows, remembered_min=1).apply([weighed(4, 3, 1, "applied")])
    assert again.repeats == 1
