"""`python -m benchmarks.alone NAME SIZE FILE`: one measurement in a process of its own.

Its lines go into the file as JSON, so that whatever it does to its process is done to it alone.
Told to end, it ends what it has started first.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from benchmarks.ratios import Ratio, Size

Measure = Callable[[Size], Sequence[Ratio]]


def main(name: str, size: str, file: str) -> None:
    """Measure, and write down what came out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"{name} was told to end"))
    measure = cast(Measure, importlib.import_module(f"benchmarks.{name}").measure)
    Path(file).write_text(json.dumps([asdict(line) for line in measure(Size(size))]))


def read(file: Path) -> list[Ratio]:
    """Return the lines that a measurement wrote down."""
    return [Ratio(**line) for line in json.loads(file.read_text())]


if __name__ == "__main__":
    main(*sys.argv[1:])
