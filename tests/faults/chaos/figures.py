"""What a run came to; calls, events and records are kept apart, they are never one number."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.chaos.sizes import Kind, Size

ROOT = Path(__file__).parents[3]


@dataclass
class Figures:
    """Everything that is told of a run."""

    size: Size
    seed: int
    commit: str
    lasted_s: float = 0.0
    # Of all processors together, by all processes of the run.
    cpu_s: float = 0.0
    faults_s: float = 0.0
    struck: Counter[Kind] = field(default_factory=Counter)
    missed: Counter[Kind] = field(default_factory=Counter)
    calls_answered: int = 0
    calls_unanswered: int = 0
    receipts: int = 0
    repeats: int = 0
    commands_accepted: int = 0
    commands_refused: int = 0
    answers_compared: int = 0
    # Events committed to the outbox, by what they tell of; a receipt that came again is none.
    committed: Mapping[str, int] = field(default_factory=dict)
    # So many of them while blows fell.
    committed_under_faults: int = 0
    # Records that came to a consumer of its own, repeats and all lives of the broker included.
    records: int = 0
    record_repeats: int = 0
    strays: int = 0
    lives: int = 0
    transitions: int = 0
    transitions_declared: int = 0
    reasons: int = 0
    reasons_declared: int = 0
    starts: Mapping[str, int] = field(default_factory=dict)
    alive_after_s: float = 0.0
    rest: Mapping[str, float] = field(default_factory=dict)
    misses: Counter[str] = field(default_factory=Counter)
    memory: str = ""

    @property
    def faults(self) -> int:
        """How many blows struck."""
        return self.struck.total()

    @property
    def events(self) -> int:
        """How many events were acknowledged: committed to the outbox, and published at last."""
        return sum(self.committed.values())

    def told(self) -> str:
        """Return it as lines for people."""
        faults = "\n".join(
            f"    {self.struck[kind]:6}  {kind.value}"
            + (f" ({self.missed[kind]} found no victim)" if self.missed[kind] else "")
            for kind in self.size.blows
        )
        committed = ", ".join(f"{count:,} {name}" for name, count in self.committed.items())
        rest = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.rest.items())
        starts = ", ".join(f"{name} {count}" for name, count in self.starts.items())
        misses = ", ".join(f"{count} × {what}" for what, count in self.misses.most_common())
        share = self.calls_answered / max(1, self.calls_answered + self.calls_unanswered)
        return (
            f"chaos {self.size.name}: seed {self.seed}, commit {self.commit}, "
            f"{self.lasted_s:.0f} s in all, {self.faults_s:.0f} s of blows, "
            f"{self.cpu_s:.0f} s of processors\n"
            f"  {self.faults} faults of {len(self.struck)} kinds:\n{faults}\n"
            f"  tried in vain: {misses}\n"
            f"  calls: {self.calls_answered:,} answered, {self.calls_unanswered:,} not"
            f" ({share:.0%} answered)\n"
            f"  acknowledged: {self.receipts:,} receipts, {self.repeats:,} repeats of them, "
            f"{self.commands_accepted:,} commands accepted, {self.commands_refused:,} refused; "
            f"{self.answers_compared:,} answers compared with those to a repeat\n"
            f"  committed to the outbox: {self.events:,} events ({committed}), "
            f"{self.committed_under_faults:,} of them while blows fell\n"
            f"  at a consumer: {self.records:,} records in {self.lives} lives of the broker, "
            f"{self.record_repeats:,} of them repeats, {self.strays:,} of an older life\n"
            f"  reached: {self.transitions} of {self.transitions_declared} transitions, "
            f"{self.reasons} of {self.reasons_declared} refusal reasons\n"
            f"  started: {starts}\n"
            f"  alive {self.alive_after_s:.2f} s after the last fault; then {rest}"
            + (f"\n{self.memory}" if self.memory else "")
        )


def commit() -> str:
    """Return which commit this is, and whether something was changed since."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"
