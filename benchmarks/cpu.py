"""Processor time of processes, as the kernel counts it: wall time lies on shared machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Places of the fields behind the name, which may hold blanks: see proc(5).
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14


def of(pid: int) -> float:
    """Return what the process has used in all its threads, in seconds."""
    stat = _stat(pid)
    return (int(stat[_USER]) + int(stat[_SYSTEM])) / _TICKS


def of_family(pid: int) -> float:
    """Return what the process has used with its children, those included that ended."""
    stat = _stat(pid)
    ticks = sum(int(stat[place]) for place in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                child = _stat(int(path.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(child[_PARENT]) == pid:
                ticks += int(child[_USER]) + int(child[_SYSTEM])
    return ticks / _TICKS


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
