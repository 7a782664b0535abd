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
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import alone, machine
from benchmarks.ratios import COLUMNS, Ratio, Size, table

FOLDER: Final = Path(__file__).parent
# The longest takes half of it on two cores of its own.
DONE_WITHIN_S: Final = 900.0


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
    took_s: dict[str, float] = {}
    for name in given.only or names():
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        began_s = time.monotonic()
        try:
            found = run(name, Size(given.size))
        except MeasurementError as error:
            failed[name] = str(error)
        else:
            # At once, too: whoever ends it early has what was measured until then.
            print(table(found), file=sys.stderr, flush=True)
            lines += found
        took_s[name] = time.monotonic() - began_s
    print(whole(lines, failed))
    each = ", ".join(f"{name} {seconds:.0f}" for name, seconds in took_s.items())
    print(f"\nTook {sum(took_s.values()):,.0f} s: {each}.")
    return 1 if failed else 0


class MeasurementError(Exception):
    """A measurement did not end well; the text is its last word."""


def run(name: str, size: Size) -> list[Ratio]:
    """Run one measurement in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as folder:
        file = Path(folder) / "lines.json"
        command = [sys.executable, "-m", "benchmarks.alone", name, size.value, str(file)]
        with subprocess.Popen(  # noqa: S603  # Our own program.
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as measuring:
            try:
                _, said = measuring.communicate(timeout=DONE_WITHIN_S)
            except subprocess.TimeoutExpired as error:
                measuring.terminate()
                raise MeasurementError(f"not done within {DONE_WITHIN_S:.0f} s") from error
        if measuring.returncode:
            print(said, file=sys.stderr)
            raise MeasurementError((said.strip().splitlines() or ["no word"])[-1])
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
