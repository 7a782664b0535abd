"""A small chaos: everything is killed at least once, and nothing is lost, doubled or disordered.

`make faults` runs the larger one against the embedded broker; this is for Apache Kafka.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.faults.chaos.running import run
from tests.faults.chaos.sizes import TINY


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_small_chaos_loses_and_doubles_nothing(tmp_path: Path) -> None:
    run(TINY, seed=int(time.time()) ^ os.getpid(), folder=tmp_path)
