"""An upgrade, and its way back, lose nothing, double nothing and bring nothing out of order."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import pytest

from tests.bugs.trees import committed
from tests.faults.releases.rolling import roll

# The last commit of the release before this one.
PREVIOUS: Final = "362eb62207aefb16f98cfc955fd17962c31c812e"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_release_runs_beside_the_one_before_it(tmp_path: Path) -> None:
    previous = committed(tmp_path / "previous", PREVIOUS)
    previous.refuse_other_code()

    roll(int(time.time()) ^ os.getpid(), tmp_path, previous)
