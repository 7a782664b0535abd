"""Samples the memory of every process, and tells whether it grows."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from typing import Final

from tests.faults.chaos.world import World

EVERY_S: Final = 1.0
# A process is as large as it was at its largest in a slice: a fresh one is small for a while.
SLICES: Final = 12
GROWTH_MAX: Final = 0.10


class MemorySampler:
    """Looks once a second, in a thread of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._samples: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            now = time.monotonic()
            for child in self._world.children:
                if size := child.rss():
                    role = child.name.rpartition("-")[0]
                    self._samples[role].append((now, size))

    def peaks(self) -> dict[str, list[float]]:
        """Return for each role its largest size in each slice of the run, in MiB."""
        return {role: _peaks(samples) for role, samples in self._samples.items()}

    def told(self) -> str:
        """Return one line for each role."""
        return "\n".join(
            f"  memory of {role}, largest in each twelfth, MiB: "
            + " ".join(f"{size:.0f}" for size in sizes)
            for role, sizes in self.peaks().items()
        )

    def growing(self) -> list[str]:
        """Return who grew by more than a tenth over the last two thirds."""
        found = []
        for role, sizes in self.peaks().items():
            last = sizes[SLICES // 3 :]
            half = len(last) // 2
            before, after = statistics.median(last[:half]), statistics.median(last[half:])
            if after > before * (1 + GROWTH_MAX):
                found.append(f"{role} grew from {before:.0f} to {after:.0f} MiB")
        return found


def _peaks(samples: list[tuple[float, int]]) -> list[float]:
    begin, end = samples[0][0], samples[-1][0]
    length = max(end - begin, 1e-9) / SLICES
    peaks = [0.0] * SLICES
    for at, size in samples:
        slot = min(int((at - begin) / length), SLICES - 1)
        peaks[slot] = max(peaks[slot], size / 2**20)
    return peaks
