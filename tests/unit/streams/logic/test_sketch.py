"""The sketch: percentiles within one per cent, adding and taking back without a trace."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.logic.sketch import Sketch, bucket_of, middle_us

DURATIONS = st.integers(min_value=0, max_value=400 * 86_400 * 1_000_000)


def test_the_bounds_of_buckets_are_as_the_contract_has_them() -> None:
    assert [bucket_of(us) for us in (0, 999, 1000, 1001, 1020, 1021, 1040, 1041)] == [
        *(-1, -1, 0, 1, 1, 2, 2, 3)
    ]


@given(DURATIONS.filter(lambda us: us >= 1000))
def test_the_middle_of_a_bucket_is_within_one_per_cent(duration_us: int) -> None:
    assert abs(middle_us(bucket_of(duration_us)) - duration_us) <= 0.01 * duration_us


@given(st.lists(DURATIONS.filter(lambda us: us >= 1000), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_within_one_per_cent_of_the_exact_one(
    durations: list[int], share: float
) -> None:
    sketch = Sketch()
    for each in durations:
        sketch.count(each)

    exact = sorted(durations)[int(share * (len(durations) - 1))]
    assert abs(sketch.percentile_us(share) - exact) <= 0.0101 * exact


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_what_is_taken_back_leaves_no_trace(kept: list[int], withdrawn: list[int]) -> None:
    sketch, plain = Sketch(), Sketch()
    for each in [*kept, *withdrawn]:
        sketch.count(each)
    for each in withdrawn:
        sketch.count(each, -1)
    for each in kept:
        plain.count(each)

    assert sketch == plain


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_two_sketches_add_up_to_one(first: list[int], second: list[int]) -> None:
    one, other, both = Sketch(), Sketch(), Sketch()
    for each in first:
        one.count(each)
    for each in second:
        other.count(each)
    for each in [*first, *second]:
        both.count(each)
    one.add(other)

    assert one == both


def test_the_percentile_of_nothing_is_nothing() -> None:
    assert Sketch().percentile_us(0.5) == 0.0
