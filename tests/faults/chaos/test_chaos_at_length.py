"""Six hundred faults under load in one run; `make faults`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.faults.chaos.running import run
from tests.faults.chaos.sizes import CI


@pytest.mark.long
@pytest.mark.timeout(600)
def test_six_hundred_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    run(CI, seed=int(time.time()) ^ os.getpid(), folder=tmp_path)
