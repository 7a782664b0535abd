"""Accounts are asked at their pace, and a provider that fails less and less."""

from __future__ import annotations

import pytest

from clients.connectors.pacing import FAILURES_MAX, Bucket, Lines, Patience, Rate


class Ticking:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    bucket = Bucket(Rate(2.0, 3), Ticking())

    assert [bucket.take() for _ in range(6)] == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]


def test_a_rest_brings_a_burst_back_and_no_more() -> None:
    clock = Ticking()
    bucket = Bucket(Rate(2.0, 3), clock)
    for _ in range(3):
        bucket.take()

    clock.now += 3600

    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_failures_in_a_row_make_pauses_that_grow_to_a_limit() -> None:
    clock = Ticking()
    patience = Patience(clock)
    pauses = []
    for _ in range(FAILURES_MAX + 6):
        patience.failed()
        pauses.append(patience.pause_s)
        clock.now += patience.pause_s

    assert pauses[: FAILURES_MAX - 1] == [0.0] * (FAILURES_MAX - 1)
    assert pauses[FAILURES_MAX - 1 :] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_what_fails_during_a_pause_does_not_prolong_it() -> None:
    patience = Patience(Ticking())
    for _ in range(FAILURES_MAX + 20):
        patience.failed()

    assert patience.pause_s == 1.0


def test_an_answer_ends_all_impatience() -> None:
    patience = Patience(Ticking())
    for _ in range(FAILURES_MAX - 1):
        patience.failed()
    patience.answered()
    patience.failed()

    assert (patience.pause_s, patience.is_failing) == (0.0, False)


@pytest.mark.parametrize(("named", "pause_s"), [(0, 5.0), (17, 17.0)])
def test_a_throttling_provider_is_left_alone(named: int, pause_s: float) -> None:
    patience = Patience(Ticking())

    patience.throttled(named)

    assert patience.pause_s == pause_s
    assert not patience.is_failing


def test_one_account_that_is_well_keeps_the_desk_open() -> None:
    lines = Lines(Rate(1.0, 1), Ticking())
    for _ in range(FAILURES_MAX):
        lines.to("one").patience.failed()

    assert lines.pause_s(["one"]) == 1.0
    assert lines.pause_s(["one", "two"]) == 0.0
    assert lines.are_failing(["one"])
    assert not lines.are_failing(["one", "two"])
