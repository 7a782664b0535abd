"""How a rival tells what it did: one line of JSON, the last on its output."""

from __future__ import annotations

import json
import sys
import time


class Stopwatch:
    """Runs from the first record to the last."""

    def __init__(self) -> None:
        self.count = 0
        self._began_s = self._ended_s = self._began_cpu_s = 0.0

    def take(self, records: int = 1) -> None:
        """Note that records came; the clocks begin with the first."""
        if not self.count:
            self._began_s, self._began_cpu_s = time.perf_counter(), time.process_time()
        self.count += records

    def stop(self) -> None:
        """Note that everything was worked off just now."""
        self._ended_s = time.perf_counter()

    def tell(self, windows: int) -> None:
        """Write down what was measured; processor time includes what came after the last record."""
        told = {
            "count": self.count,
            "wall_s": self._ended_s - self._began_s,
            "cpu_s": time.process_time() - self._began_cpu_s,
            "windows": windows,
        }
        sys.stdout.write(json.dumps(told) + "\n")
