"""`python -m benchmarks.footprint`: how soon everything is ready, and how much memory it takes.

Beside it, the time in which Python only imports what our processes are built on, once for each of
them, one after the other on one core: what no order of starting could avoid.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import processes
from benchmarks.ratios import Ratio, Size, table

ROUNDS: Final = {Size.SMALL: 1, Size.FULL: 3}
# Ten times what it takes on two cores of its own.
STARTED_WITHIN_S: Final = 240.0
ENDED_WITHIN_S: Final = 60.0
LIBRARIES: Final = "import faust, grpc, sqlalchemy, confluent_kafka, opentelemetry.sdk.trace"
# Only Python's processes import.
SERVERS: Final = frozenset({"postgres", "valkey", "broker"})
KIB_IN_MIB: Final = 1024


def measure(size: Size) -> list[Ratio]:
    """Start everything as `make run` does, several times."""
    starts, imports = [], []
    memory: dict[str, int] = {}
    for _ in range(ROUNDS[size]):
        with tempfile.TemporaryDirectory(prefix="concord-bench-") as folder:
            took_s, memory = _start(Path(folder))
        starts.append(took_s)
        imports.append(_import_s() * sum(name not in SERVERS for name in memory))
    sizes = ", ".join(f"{name} {mib}" for name, mib in sorted(memory.items()))
    note = f"{median(starts):.1f} s; memory in MiB: {sizes}"
    beside = "the imports of its Python processes"
    return [
        Ratio(
            "start of everything until ready",
            beside,
            1 / median(starts),
            1 / median(imports),
            note=note,
        )
    ]


def _start(folder: Path) -> tuple[float, dict[str, int]]:
    """Return how long it took until everything was ready, and what each process then holds."""
    folder.chmod(0o711)
    data, output = folder / "data", folder / "output.txt"
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    began = time.perf_counter()
    with output.open("wb") as written:
        stack = subprocess.Popen(  # Our own program.
            [sys.executable, "-m", "deploy.local", "up", "--without", "traffic"],
            env={**kept, "HOME": str(folder), "CONCORD_DATA_DIR": str(data)},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        processes.until(
            lambda: re.search(r"^ready in", output.read_text(), re.MULTILINE),
            "it is ready",
            STARTED_WITHIN_S,
        )
        took_s = time.perf_counter() - began
        state: Mapping[str, Any] = json.loads((data / "state.json").read_text())
        return took_s, {
            name: _mib(each["pid"]) for name, each in state["processes"].items() if each["pid"]
        }
    finally:
        stack.send_signal(signal.SIGTERM)
        stack.wait(ENDED_WITHIN_S)


def _mib(pid: int) -> int:
    """Return what a process holds; of what it shares with others, its share."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) // KIB_IN_MIB if found else 0


def _import_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)  # noqa: S603  # Our own text.
    return time.perf_counter() - began


def main() -> None:
    """Print the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    sys.stdout.write(table(measure(Size(parser.parse_args().size))) + "\n")


if __name__ == "__main__":
    main()
