"""The one table in which a storm is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.storm import figures, judging
from tests.storm.evidence import Evidence
from tests.storm.plan import FAULTS

ROOT = Path(__file__).parents[2]


def report(evidence: Evidence) -> str:
    """Return the table."""
    rows = [("", "planned", "happened"), *_rows(evidence)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(
            (row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].rjust(widths[2]))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(["", *lines, ""])


def commit() -> str:
    """Return which commit is under test, marked where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def _rows(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    plan, shape = evidence.plan, evidence.plan.shape
    paid = sum(each.pays_after_s is not None for each in plan.purchases)
    yield "seed", str(shape.seed), ""
    yield "commit", "", evidence.commit
    yield "orders", str(shape.orders), str(len(evidence.held))
    yield "of them paid", str(paid), str(sum(each.is_paid for each in evidence.trades.values()))
    found = figures.blows(evidence)
    shares = {
        "dropped": FAULTS["drop_share"],
        "doubled": FAULTS["double_share"],
        "late": FAULTS["late_share"],
        "forged": FAULTS["forge_share"],
    }
    for kind, share in shares.items():
        yield f"callbacks {kind}", f"{share:.0%}", str(found[kind])
    yield "callbacks overtaken", "some", str(found["overtaken"])
    yield "questions unanswered", "some", str(found["question unanswered"])
    for kind, count in found.items():
        if kind.endswith(" killed"):
            victim = kind.removesuffix(" killed")
            yield kind, str(sum(each.victim == victim for each in plan.kills)), str(count)
    down_s = evidence.blows.database_down_s
    yield "PostgreSQL away", f"{shape.database_down_s:.0f} s", f"{down_s:.0f} s"
    for who, share in figures.answered_shares(evidence).items():
        yield f"calls of {who} answered", "60 %", f"{share:.1%}"
    yield "calls of the platforms, by end", "", figures.ends_of_calls(evidence)
    asked = sum(each.is_learnt_by_asking for each in evidence.held.values())
    yield "payments learnt by asking", "", str(asked)
    repairs_s = figures.repairs_s(evidence)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        planned = f"{judging.REPAIR_P95_MAX_S:.0f} s" if name == "p95" else ""
        yield f"known after, {name}", planned, f"{figures.percentile(repairs_s, share):.1f} s"
    yield "known after, at most", "", f"{max(repairs_s, default=0.0):.1f} s"
    for rule in judging.RULES:
        wrong = sum(1 for _ in rule(evidence))
        yield rule.__name__.replace("_", " "), "0 exceptions", str(wrong)
    yield "real time", "", f"{evidence.lasted_s:.0f} s at {shape.speed:g} provider s a second"
