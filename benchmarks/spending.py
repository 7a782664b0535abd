"""Where the processors' time went while something was measured: it tells what the limit is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import cpu

# Of the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
_IDLE: Final = (3, 4)
_COUNTED: Final = 8


class Spending:
    """Adds up what each process, or family of processes, used during the rounds of one side."""

    def __init__(self, **used_s: Callable[[], float]) -> None:
        self._used_s = used_s
        self._spent_s = dict.fromkeys(used_s, 0.0)
        self._busy = self._possible = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is used meanwhile."""
        before, busy, possible = self._now(), *_processors()
        yield
        after, busy_after, possible_after = self._now(), *_processors()
        for name, used_s in after.items():
            self._spent_s[name] += used_s - before[name]
        self._busy += busy_after - busy
        self._possible += possible_after - possible

    def cpu_us(self, name: str, items: float) -> float:
        """Return what one item cost in one of the processes."""
        return self._spent_s[name] / items * 1e6

    def note(self, items: float) -> str:
        """Return what one item cost in each, and how busy the processors were with everything."""
        parts = [f"{name} {self.cpu_us(name, items):,.0f}" for name in self._spent_s]
        busy = self._busy / self._possible if self._possible else 0.0
        return f"CPU µs: {', '.join(parts)}; processors {busy:.0%} busy"

    def _now(self) -> Mapping[str, float]:
        return {name: used_s() for name, used_s in self._used_s.items()}


def process(pid: int | None) -> Callable[[], float]:
    """Return what tells how much a process has used."""
    assert pid is not None  # noqa: S101  # Who measures it has started it.
    return lambda: cpu.of(pid)


def family(pid: int | None) -> Callable[[], float]:
    """Return what tells how much a process has used with its children."""
    assert pid is not None  # noqa: S101  # Who measures it has started it.
    return lambda: cpu.of_family(pid)


def _processors() -> tuple[float, float]:
    """Return how long all processors together were busy, and how long they could have been."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    ticks = [int(each) for each in line.split()[1 : _COUNTED + 1]]
    possible = sum(ticks)
    return (possible - sum(ticks[each] for each in _IDLE)), possible
