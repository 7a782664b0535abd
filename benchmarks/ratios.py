"""What a measurement gives: ours beside something known, both from one run on one machine.

A rate alone tells about the machine. A ratio tells about us, as far as both sides shared it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Size(Enum):
    """How long a measurement takes: SMALL shows in seconds that it runs, FULL means something."""

    SMALL = "small"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the table. Rates are in operations a second, so more is better."""

    what: str
    beside: str
    ours: float
    theirs: float
    aim: float | None = None
    """The ratio that we want at least."""
    ours_cpu_us: float | None = None
    """Processor time of an operation in the processes measured, in microseconds."""
    theirs_cpu_us: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours for each of theirs."""
        return self.ours / self.theirs

    @property
    def is_reached(self) -> bool | None:
        """Whether the aim holds; None where there is no aim."""
        return None if self.aim is None else self.ratio >= self.aim


# From here on decimals say nothing.
WHOLE_FROM = 10
COLUMNS = ("measured", "beside", "ours /s", "theirs /s", "ratio", "aim", "CPU µs", "theirs", "note")


def table(ratios: Sequence[Ratio]) -> str:
    """Return the lines as a Markdown table."""
    lines = [COLUMNS, ("---",) * 2 + ("---:",) * 6 + ("---",), *map(_cells, ratios)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(line: Ratio) -> tuple[str, ...]:
    aim = "" if line.aim is None else f"≥ {line.aim:g}" + ("" if line.is_reached else " (missed)")
    costs = [
        "" if each is None else f"{each:,.1f}" for each in (line.ours_cpu_us, line.theirs_cpu_us)
    ]
    figures = (_rate(line.ours), _rate(line.theirs), f"{line.ratio:.2f}", aim, *costs)
    return (line.what, line.beside, *figures, line.note)


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= WHOLE_FROM else f"{rate:.3g}"
