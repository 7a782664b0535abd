"""The table is kept exactly: means to the microsecond, shares to the order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.traffic.article import DECK_ORDERS, STAGES, Course, courses, longest_us

# (mean in seconds, abnormal percent, circumstance), as the article prints them.
TABLE = [
    (1.2, 0.3, "network_retry"),
    (8.7, 6.1, "learnt_by_query"),
    (3.4, 1.8, "stock_lock_retry"),
    (156.2, 23.5, "manual_picking"),
]


def measured(dealt: Iterable[Course]) -> list[tuple[float, float, str]]:
    rows = []
    for stage in zip(*dealt, strict=True):
        why = {dwell.circumstance for dwell in stage if dwell.circumstance}
        abnormal = sum(dwell.circumstance is not None for dwell in stage)
        mean_s = sum(dwell.us for dwell in stage) / len(stage) / 1_000_000
        rows.append((mean_s, 100 * abnormal / len(stage), ",".join(why)))
    return rows


@pytest.mark.parametrize("seed", [0, 1, 42, 20261122])
def test_ten_thousand_orders_are_the_table_exactly(seed: int) -> None:
    assert measured(courses(seed, 10_000)) == TABLE


def test_every_full_deck_is_the_table_exactly() -> None:
    endless = courses(7)

    for _ in range(3):
        assert measured(islice(endless, DECK_ORDERS)) == TABLE


@settings(max_examples=40)
@given(orders=st.integers(1, 2500), seed=st.integers(0, 2**32))
def test_any_number_of_orders_has_the_exact_means_and_the_nearest_shares(
    orders: int, seed: int
) -> None:
    dealt = list(courses(seed, orders))

    assert len(dealt) == orders
    for stage, dwells in zip(STAGES, zip(*dealt, strict=True), strict=True):
        assert sum(dwell.us for dwell in dwells) == orders * stage.mean_us
        abnormal = sum(dwell.circumstance is not None for dwell in dwells)
        # Each deck rounds its quota to a whole order.
        assert abs(abnormal - orders * stage.abnormal_per_mille / 1000) <= 0.5


@settings(max_examples=20)
@given(orders=st.integers(1, 2500))
def test_no_order_takes_longer_than_the_longest(orders: int) -> None:
    longest = longest_us(orders)

    for course in courses(3, orders):
        assert all(dwell.us > 0 for dwell in course)
        assert sum(dwell.us for dwell in course) <= longest


def test_a_few_hundred_orders_from_anywhere_are_near_the_table() -> None:
    dealt = list(courses(11, 3000))

    for first in range(0, 2600, 130):
        for (mean, share, _), (want_mean, want_share, _) in zip(
            measured(dealt[first : first + 400]), TABLE, strict=True
        ):
            assert mean == pytest.approx(want_mean, rel=0.06)
            assert share == pytest.approx(want_share, abs=1.0)


def test_abnormal_orders_take_longer_than_normal_ones() -> None:
    for dwells in zip(*courses(5, 10_000), strict=True):
        normal = [dwell.us for dwell in dwells if dwell.circumstance is None]
        abnormal = [dwell.us for dwell in dwells if dwell.circumstance]
        assert sum(abnormal) / len(abnormal) > 3 * sum(normal) / len(normal)


def test_durations_lean_to_the_right() -> None:
    for dwells in zip(*courses(5, 10_000), strict=True):
        ordered = sorted(dwell.us for dwell in dwells)
        assert ordered[len(ordered) // 2] < sum(ordered) / len(ordered)


def test_nothing_comes_near_the_two_hours_that_would_be_overdue() -> None:
    assert longest_us() < 30 * 60 * 1_000_000


def test_another_seed_deals_another_order() -> None:
    assert list(courses(1, 100)) == list(courses(1, 100))
    assert list(courses(1, 100)) != list(courses(2, 100))
