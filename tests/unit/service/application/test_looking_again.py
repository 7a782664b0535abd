"""How soon somebody who waits looks again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.application.looking_again import pause_s

BEGAN = datetime(2026, 11, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("took_s", "left_s", "pause"),
    [
        pytest.param(0.0, 60.0, 0.5, id="a quick look comes twice a second"),
        pytest.param(0.1, 60.0, 0.5, id="so does one that is nearly as quick"),
        pytest.param(2.0, 60.0, 6.0, id="a slow one takes a quarter of the time"),
        pytest.param(2.0, 1.5, 1.5, id="the last look is not late"),
        pytest.param(2.0, -3.0, 0.0, id="one that is late already comes at once"),
    ],
)
def test_who_waits_takes_a_quarter_of_the_time_at_most(
    took_s: float, left_s: float, pause: float
) -> None:
    ended = BEGAN + timedelta(seconds=took_s)

    assert pause_s(BEGAN, ended, ended + timedelta(seconds=left_s)) == pause
