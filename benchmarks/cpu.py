"""Processor time of processes, as the kernel counts it: wall time lies on shared machines."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Places of the fields behind the name, which may hold blanks: see proc(5).
_PARENT, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 13, 14
# What clock_getcpuclockid(3) puts behind the process: by the scheduler's count, in nanoseconds.
_SCHEDULED: Final = 2


def of(pid: int) -> float:
    """Return what the process has used in all its threads, in seconds."""
    return time.clock_gettime(~pid << 3 | _SCHEDULED)


def of_family(pid: int) -> float:
    """Return what the process has used with its children, those included that ended."""
    stat = _stat(pid)
    used_s = of(pid) + (int(stat[_CHILDREN_USER]) + int(stat[_CHILDREN_SYSTEM])) / _TICKS
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if int(_stat(int(path.name))[_PARENT]) == pid:
                    used_s += of(int(path.name))
            # It ended meanwhile.
            except OSError:
                continue
    return used_s


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
