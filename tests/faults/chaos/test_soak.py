"""Twelve thousand faults over more than an hour; memory stays flat; `make soak`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.faults.chaos.running import run
from tests.faults.chaos.sizes import SOAK


@pytest.mark.long
@pytest.mark.timeout(100 * 60)
def test_twelve_thousand_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    run(SOAK, seed=int(time.time()) ^ os.getpid(), folder=tmp_path)
