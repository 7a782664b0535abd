"""The arithmetic of boards: windows that cover a span, percentiles, sketches."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.boards import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    QUARTER_S,
    RESOLUTIONS_S,
    SHARES,
    Numbers,
    Range,
    Span,
    board_rows,
    bucket_of,
    buckets,
    cover,
    merged,
    middle_us,
    whole_minutes,
)
from service.domain.lifecycle import STAGES
from tests.unit.service.insights.fakes import PAYING, PICKING, a_measure, windows_of

MINUTES = st.integers(min_value=-10_000, max_value=10_000_000)
DURATIONS = st.integers(min_value=0, max_value=10**13)


@given(MINUTES, st.integers(min_value=0, max_value=5_000))
def test_a_cover_is_the_span_without_gap_or_overlap(start: int, length: int) -> None:
    span = Span(start * MINUTE_S, (start + length) * MINUTE_S)

    ranges = cover(span)

    at: float = span.start_s
    for each in ranges:
        assert each.from_s == at
        assert each.from_s < each.until_s
        assert each.from_s % each.resolution_s == each.until_s % each.resolution_s == 0
        at = each.until_s
    assert at == span.end_s


@given(MINUTES, st.integers(min_value=0, max_value=50_000))
def test_a_cover_uses_long_windows_wherever_they_fit(start: int, length: int) -> None:
    span = Span(start * MINUTE_S, (start + length) * MINUTE_S)

    shorter = [each for each in cover(span) if each.resolution_s < DAY_S]

    for each in shorter:
        longer = RESOLUTIONS_S[RESOLUTIONS_S.index(each.resolution_s) + 1]
        # At both edges of a longer window, or of none at all.
        assert each.until_s - each.from_s < 2 * longer
        first_whole = -(-each.from_s // longer) * longer
        assert first_whole + longer > each.until_s


def test_an_odd_day_and_a_half_is_a_day_between_hours_quarters_and_minutes() -> None:
    start = datetime(2026, 11, 21, 22, 44, tzinfo=UTC)
    end = datetime(2026, 11, 23, 1, 16, tzinfo=UTC)

    ranges = cover(whole_minutes(start, end))

    assert [each.resolution_s for each in ranges] == [
        MINUTE_S,
        QUARTER_S,
        HOUR_S,
        DAY_S,
        HOUR_S,
        QUARTER_S,
        MINUTE_S,
    ]


def test_a_span_that_begins_within_a_minute_begins_with_that_minute() -> None:
    start = datetime(2026, 11, 22, 11, 0, 59, 999_999, tzinfo=UTC)
    end = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)

    span = whole_minutes(start, end)

    assert span.start == datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
    assert span.end == datetime(2026, 11, 22, 12, 1, tzinfo=UTC)


def test_whole_minutes_stay_what_they_are() -> None:
    start = datetime(2026, 11, 22, 11, tzinfo=UTC)

    span = whole_minutes(start, start + timedelta(hours=1))

    assert cover(span) == (Range(HOUR_S, span.start_s, span.end_s),)


@given(st.lists(DURATIONS, min_size=1))
def test_a_percentile_is_the_least_duration_that_the_share_does_not_exceed(
    durations: list[int],
) -> None:
    numbers = Numbers()
    for each in durations:
        numbers.measure(each, "")

    for share, found in zip(SHARES, numbers.percentiles_us(), strict=True):
        assert sum(each <= found for each in durations) >= share * len(durations)
        assert sum(each < found for each in durations) < share * len(durations)


@given(st.lists(DURATIONS, min_size=1))
def test_a_percentile_of_a_sketch_is_within_one_per_cent(durations: list[int]) -> None:
    exact, sketch = Numbers(), Numbers()
    for each in durations:
        exact.measure(each, "")
        sketch.measure(middle_us(bucket_of(each)), "")

    for wanted, found in zip(exact.percentiles_us(), sketch.percentiles_us(), strict=True):
        assert abs(found - wanted) <= wanted * 0.01 + 1000


def test_percentiles_of_nothing_are_zero() -> None:
    assert Numbers().percentiles_us() == (0, 0, 0)


@pytest.mark.parametrize(
    ("duration_us", "bucket"),
    [(0, -1), (999, -1), (1_000, 0), (1_001, 1), (1_020, 1), (1_021, 2), (1_040, 2), (1_041, 3)],
)
def test_bounds_of_buckets_belong_to_the_lower_one(duration_us: int, bucket: int) -> None:
    assert bucket_of(duration_us) == bucket


@given(st.integers(min_value=-1, max_value=1600))
def test_the_middle_of_a_bucket_is_in_it(bucket: int) -> None:
    assert bucket_of(middle_us(bucket)) == bucket


@given(st.lists(st.tuples(DURATIONS, st.sampled_from(["", "MANUAL_PICKING", "FILE_LATE"]))))
def test_what_is_taken_out_leaves_no_trace(measures: list[tuple[int, str]]) -> None:
    numbers = Numbers()

    for duration_us, cause in measures:
        numbers.measure(duration_us, cause)
    for duration_us, cause in measures:
        numbers.measure(duration_us, cause, -1)

    assert numbers.is_nothing


def test_a_board_shows_every_stage_in_order_also_where_nothing_ended() -> None:
    rows = board_rows({})

    assert tuple(row.stage for row in rows) == STAGES
    assert {(row.count, row.mean, row.abnormal_share) for row in rows} == {(0, timedelta(), 0.0)}


def test_a_board_row_tells_mean_share_and_causes_by_frequency() -> None:
    told = [
        a_measure("a", seconds=1, cause="FILE_LATE"),
        a_measure("b", seconds=2, cause="MANUAL_PICKING"),
        a_measure("c", seconds=3, cause="MANUAL_PICKING"),
        a_measure("d", seconds=4),
    ]
    days = {key: each for key, each in windows_of(*told).items() if key.resolution_s == DAY_S}

    row = board_rows(merged(days))[STAGES.index(PICKING)]

    assert (row.count, row.mean, row.p50) == (4, timedelta(seconds=2.5), timedelta(seconds=2))
    assert row.abnormal_share == 0.75
    assert row.causes == (("MANUAL_PICKING", 2), ("FILE_LATE", 1))


def test_a_board_of_one_channel_leaves_the_others_out() -> None:
    windows = windows_of(a_measure("a"), a_measure("b", channel="jd"), a_measure("c", stage=PAYING))
    days = {key: each for key, each in windows.items() if key.resolution_s == DAY_S}

    assert merged(days, "jd").keys() == {PICKING}
    assert merged(days, "jd")[PICKING].count == 1
    assert merged(days)[PICKING].count == 2


def test_the_sketch_of_numbers_counts_every_duration_once() -> None:
    numbers = Numbers()
    for duration_us in (500, 1_000, 1_001, 1_002, 1_500):
        numbers.measure(duration_us, "")

    assert buckets(numbers) == {-1: 1, 0: 1, 1: 2, 21: 1}
