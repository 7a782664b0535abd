"""`python -m benchmarks [--only NAME …] [--size small|full]`: every measurement, one table.

Each module of this folder that has `measure` is run, one after the other, each in a process of its
own. One that fails gives a row that says why; the others go on, and the end is 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import alone, machine
from benchmarks.ratios import COLUMNS, Ratio, Size, table

FOLDER: Final = Path(__file__).parent
# The longest takes a quarter of it on two cores of its own.
DONE_WITHIN_S: Final = 1_800.0


def names() -> list[str]:
    """Return the measurements, as their modules are called."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if re.search(r"^def measure\(", path.read_text(), re.MULTILINE)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names(), help="these alone", metavar="NAME")
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    given = parser.parse_args(arguments)
    print(machine.description(), end="\n\n")
    lines: list[Ratio] = []
    failed: dict[str, str] = {}
    for name in given.only or names():
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            lines += run(name, Size(given.size))
        except MeasurementError as error:
            failed[name] = str(error)
    print(whole(lines, failed))
    return 1 if failed else 0


class MeasurementError(Exception):
    """A measurement did not end well; the text is its last word."""


def run(name: str, size: Size) -> list[Ratio]:
    """Run one measurement in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as folder:
        file = Path(folder) / "lines.json"
        command = [sys.executable, "-m", "benchmarks.alone", name, size.value, str(file)]
        try:
            done = subprocess.run(  # noqa: S603  # Our own program.
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                timeout=DONE_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise MeasurementError(f"not done within {DONE_WITHIN_S:.0f} s") from error
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            raise MeasurementError((done.stderr.strip().splitlines() or ["no word"])[-1])
        return alone.read(file)


def whole(lines: Sequence[Ratio], failed: dict[str, str]) -> str:
    """Return the table, with a row for each measurement that gave none."""
    rows = [table(lines)]
    for name, why in failed.items():
        cells = [name, *[""] * (len(COLUMNS) - 2), f"failed: {why.replace('|', '/')}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
