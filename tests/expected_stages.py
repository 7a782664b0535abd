"""What the stage board must show: the article's table, and the event log's stages from its file.

The log is recomputed without any code of the product: an acceptance test compares what Concord
shows with what this finds, so a mistake would have to be made twice, in two ways. Run it by hand:

    python -m tests.expected_stages FILE
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

STATES = ["PENDING_PAYMENT", "PAYING", "PAID", "AWAITING_OUTBOUND", "SHIPPING", "DELIVERED"]
PROVEN_BY = {
    "place order": "PENDING_PAYMENT",
    "confirm order": "PAYING",
    "pay order": "PAID",
    "create package": "AWAITING_OUTBOUND",
    "send package": "SHIPPING",
    "package delivered": "DELIVERED",
}
OVERDUE_AFTER = timedelta(hours=2)

# The article's table, as printed: from, to, mean in seconds, abnormal percent, cause.
ARTICLE = [
    ("PENDING_PAYMENT", "PAYING", 1.2, 0.3, "NETWORK_JITTER"),
    ("PAYING", "PAID", 8.7, 6.1, "CALLBACK_FAILED"),
    ("PAID", "AWAITING_OUTBOUND", 3.4, 1.8, "STOCK_LOCK_CONFLICT"),
    ("AWAITING_OUTBOUND", "SHIPPING", 156.2, 23.5, "MANUAL_PICKING"),
]


@dataclass(frozen=True)
class ExpectedStage:
    """Numbers of one stage; the mean is exact."""

    from_state: str
    to_state: str
    count: int
    mean_s: Fraction
    abnormal: int
    """How many took longer than two hours."""
    inverted: int
    """How many orders entered the later state first; they are not measured."""


@dataclass(frozen=True)
class ExpectedLog:
    """What the file holds."""

    rows: int
    orders: int
    stages: list[ExpectedStage]


def expected_of(path: Path) -> ExpectedLog:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    order_of_item: dict[str, str] = {}
    orders_of_package: dict[str, set[str]] = {}
    for row in rows:
        if row["ocel:activity"] == "place order":
            order_of_item |= dict.fromkeys(_names(row, "items"), _names(row, "orders")[0])
    for row in rows:
        if row["ocel:activity"] == "create package":
            orders = {order_of_item[item] for item in _names(row, "items")}
            orders_of_package[_names(row, "packages")[0]] = orders
    entered: dict[str, dict[str, datetime]] = defaultdict(dict)
    for row in rows:
        state = PROVEN_BY.get(row["ocel:activity"])
        if state is None:
            continue
        at = datetime.fromisoformat(row["ocel:timestamp"])
        concerned = set(_names(row, "orders"))
        for package in _names(row, "packages"):
            concerned |= orders_of_package[package]
        for order in concerned:
            entered[order][state] = min(at, entered[order].get(state, at))
    stages = [_stage(list(entered.values()), *pair) for pair in pairwise(STATES)]
    return ExpectedLog(len(rows), len(entered), stages)


def _stage(orders: list[dict[str, datetime]], first: str, then: str) -> ExpectedStage:
    both = [entry[then] - entry[first] for entry in orders if first in entry and then in entry]
    measured = [duration for duration in both if duration >= timedelta(0)]
    total_us = sum(duration // timedelta(microseconds=1) for duration in measured)
    return ExpectedStage(
        from_state=first,
        to_state=then,
        count=len(measured),
        mean_s=Fraction(total_us, 1_000_000 * len(measured)) if measured else Fraction(0),
        abnormal=sum(duration > OVERDUE_AFTER for duration in measured),
        inverted=len(both) - len(measured),
    )


def _names(row: dict[str, str], kind: str) -> list[str]:
    return re.findall(r"\d+", row[f"ocel:type:{kind}"])


if __name__ == "__main__":
    log = expected_of(Path(sys.argv[1]))
    sys.stdout.write(f"{log.rows} rows, {log.orders} orders\n")
    for stage in log.stages:
        sys.stdout.write(
            f"{stage.from_state:>18} -> {stage.to_state:<18} n={stage.count:<6}"
            f" mean={float(stage.mean_s):.6f} s  over 2 h={stage.abnormal}"
            f"  inverted={stage.inverted}\n"
        )
