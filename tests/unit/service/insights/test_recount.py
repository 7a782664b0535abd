"""Counting windows anew, and what counts as a difference."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.domain.boards import RESOLUTIONS_S, Numbers, bucket_of, middle_us, whole_minutes
from service.domain.recount import Measured, Recount, totals
from tests.unit.service.insights.fakes import NOON, PAYING, PICKING, a_measure, windows_of

TOLD = st.builds(
    a_measure,
    st.sampled_from(["ord-1", "ord-2"]),
    st.integers(min_value=1, max_value=5),
    seconds=st.one_of(st.none(), st.floats(min_value=0, max_value=1e5)),
    cause=st.sampled_from(["", "MANUAL_PICKING"]),
    stage=st.sampled_from([PAYING, PICKING]),
)


def once_each(told: list[Measured]) -> list[Measured]:
    """A row of the journal says one thing of a stage."""
    return list({(each.order_id, each.sequence, each.stage): each for each in told}.values())


def without_empty(recount: Recount) -> dict[object, Numbers]:
    return {key: each for key, each in recount.windows.items() if not each.is_nothing}


def sketched(numbers: Numbers) -> Numbers:
    spread: dict[int, int] = {}
    for duration_us, times in numbers.spread.items():
        middle = middle_us(bucket_of(duration_us))
        spread[middle] = spread.get(middle, 0) + times
    return replace(numbers, causes=dict(numbers.causes), spread=spread)


@given(st.lists(TOLD), st.randoms())
def test_the_order_in_which_rows_are_read_does_not_matter(
    told: list[Measured], dice: Random
) -> None:
    rows = once_each(told)
    shuffled = [*rows, *rows]
    dice.shuffle(shuffled)
    straight, mixed = Recount(), Recount()

    straight.take(rows)
    mixed.take(shuffled)

    assert without_empty(straight) == without_empty(mixed)
    assert straight.measures == mixed.measures


def test_a_measure_stands_in_one_window_of_each_resolution() -> None:
    windows = windows_of(a_measure(ended_at=NOON + timedelta(minutes=17)))

    assert sorted(key.resolution_s for key in windows) == list(RESOLUTIONS_S)
    starts = [NOON.timestamp() + 60 * each for each in (17, 15, 0)]
    assert [key.start_s for key in sorted(windows)[:3]] == starts


def test_a_changed_measure_moves_and_a_withdrawn_one_goes() -> None:
    late = NOON + timedelta(days=1)
    recount = Recount()

    recount.take([a_measure(sequence=1), a_measure(sequence=2, ended_at=late)])
    moved = {key.start_s for key in without_empty(recount) if key.resolution_s == 60}
    recount.take([a_measure(sequence=3, seconds=None)])

    assert moved == {int(late.timestamp())}
    assert not without_empty(recount)
    assert recount.measures == 0


def test_totals_of_a_span_take_what_was_said_last() -> None:
    told = [
        a_measure("a", 1, seconds=5),
        a_measure("a", 2, seconds=7),
        a_measure("b", 1, seconds=9, ended_at=NOON + timedelta(minutes=1)),
        a_measure("c", 1, seconds=11, channel="jd"),
        a_measure("d", 2, seconds=None),
    ]
    minute = whole_minutes(NOON, NOON + timedelta(minutes=1))

    assert totals(told, span=minute, channel="")[PICKING].spread == {7_000_000: 1, 11_000_000: 1}
    assert totals(told, span=minute, channel="jd")[PICKING].count == 1
    assert totals(told, span=None, channel="")[PICKING].count == 3


def test_a_view_with_a_sketch_of_the_same_measures_agrees() -> None:
    told = [a_measure(f"ord-{n}", seconds=1.07**n, cause="X" * (n % 2)) for n in range(200)]
    recount = Recount()
    recount.take(told)

    view = {key: sketched(each) for key, each in windows_of(*told).items()}

    assert recount.differences(view) == []


def test_every_number_of_a_window_is_compared() -> None:
    told = [a_measure(f"ord-{n}", seconds=n, cause="MANUAL_PICKING") for n in range(1, 100)]
    recount = Recount()
    recount.take(told)
    key = min(recount.windows)
    right = recount.windows[key]
    wrong = {
        "count": replace(right, count=98),
        "sum": replace(right, sum_us=right.sum_us + 1),
        "abnormal": replace(right, abnormal=98),
        "cause": replace(right, causes={"FILE_LATE": 99}),
        "percentiles": replace(right, spread={50_600_000: 99}),
        "sketch": replace(right, spread={**right.spread, 1: 1}),
    }

    for name, numbers in wrong.items():
        found = recount.differences({**recount.windows, key: numbers})
        assert [each.key for each in found] == [key], name
        assert (found[0].view, found[0].journal) == (numbers, right)


def test_a_window_that_one_side_lacks_differs_and_an_empty_one_is_none() -> None:
    recount = Recount()
    recount.take([a_measure("a"), a_measure("b", 1, channel="jd")])
    recount.take([a_measure("b", 2, seconds=None)])
    theirs = windows_of(a_measure("c", channel="pdd"))

    found = recount.differences(theirs)

    assert {each.key.channel for each in found} == {"douyin", "pdd"}
    assert {each.view is None for each in found if each.key.channel == "douyin"} == {True}
    assert {each.journal is None for each in found if each.key.channel == "pdd"} == {True}


def test_what_came_after_the_mark_may_be_in_the_view_or_not() -> None:
    stays, moves = a_measure("a"), a_measure("b")
    moved, fresh = a_measure("b", 2, seconds=12, cause="X"), a_measure("c", cause="Y")
    recount = Recount()
    recount.take([stays, moves])
    recount.mark()
    recount.take([moved, fresh])

    for seen in ([stays, moves], [stays, moved], [stays, moves, fresh], [stays, moved, fresh]):
        assert recount.differences(windows_of(*seen)) == []
    for wrong in (
        [],
        [stays, moves, a_measure("x", cause="Z")],
        [a_measure(each) for each in "vwxyz"],
    ):
        assert len(recount.differences(windows_of(*wrong))) == len(RESOLUTIONS_S)
