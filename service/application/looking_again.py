"""How soon to look again at what others are still catching up with."""

from datetime import datetime, timedelta
from typing import Final

AT_LEAST_S: Final = 0.5
# Who looks takes the time of those whom he waits for: a quarter of it at most.
TIMES_A_LOOK: Final = 3


def pause_s(began: datetime, ended: datetime, until: datetime) -> float:
    """Return the pause after a look that took from `began` to `ended`, in seconds.

    It ends no later than the last look is due.
    """
    pause = max(timedelta(seconds=AT_LEAST_S), TIMES_A_LOOK * (ended - began))
    return max(min(pause, until - ended), timedelta()).total_seconds()
