"""A service on a machine whose clock is wrong, by so many seconds as a file says at the moment.

`python -m tests.faults.hosts.shifted serve`: the composition root is where a process takes its
clock from, so there it gets another one.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from service import bootstrap
from service.__main__ import main

OFF_BY: Final = "CONCORD_FAULTS_OFF_BY"


def wrong_now() -> datetime:
    """Return what the clock on the wall of this machine shows."""
    off_s = float(Path(os.environ[OFF_BY]).read_text(encoding="utf-8"))
    return datetime.now(UTC) + timedelta(seconds=off_s)


if __name__ == "__main__":
    bootstrap.now = wrong_now
    sys.exit(main(sys.argv[1:]))
