"""The storm of the acceptance list: ten thousand orders, fifty kills, PostgreSQL away for a minute.

It takes about twenty minutes; `make test` has a small one (`tests/system/test_storm.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storm.judging import problems
from tests.storm.plan import Shape
from tests.storm.report import report
from tests.storm.storm import weather

WHOLE = Shape(
    seed=20261122, orders=10_000, kills=50, per_second=10.0, speed=3.0, database_down_s=60.0
)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_payment_is_lost_in_a_storm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = weather(WHOLE, tmp_path)

    with capsys.disabled():
        print(report(evidence))  # noqa: T201  # It is what the run is for.
    assert problems(evidence) == [], report(evidence)
