"""A small storm: everything at once that may go wrong with payments, and every payment known.

`tests/storm/test_whole_storm.py` has ten thousand orders and fifty kills.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storm.judging import problems
from tests.storm.plan import Shape
from tests.storm.report import report
from tests.storm.storm import weather

# Of so few orders one in a hundred is forged with some seeds only. They come over a minute: what is
# killed takes ten seconds to start on a busy machine, and five such gaps are not to be most of it.
SMALL = Shape(
    seed=20261114,
    orders=140,
    kills=5,
    per_second=2.4,
    speed=2.0,
    database_down_s=8.0,
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_payment_is_lost_in_a_small_storm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = weather(SMALL, tmp_path)

    with capsys.disabled():
        print(report(evidence))  # noqa: T201  # It is what the run is for.
    assert problems(evidence) == [], report(evidence)
