"""What time it is, as those who send need it; the real one is the composition root's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Tells the time, aware."""
Monotonic = Callable[[], float]
"""Tells seconds that only grow."""
