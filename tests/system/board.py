"""Compares the stage board, as the command line shows it, with what is known beforehand."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, Final

from tests.expected_stages import ARTICLE
from tests.system.whole_stack import WholeStack

SEED: Final = 42
# A receipt takes milliseconds; a busy machine has them wait for each other.
SECONDS_FOR_AN_ORDER: Final = 0.25
# The service waits a minute at most; on a busy machine the streams may be minutes behind.
CAUGHT_UP_WITHIN_S: Final = 300.0


def check_article(stack: WholeStack, orders: int) -> None:
    """Send so many of the article's orders, and assert its four rows, to the shown decimal."""
    said = stack.concord(
        *("simulate", "--orders", str(orders), "--seed", str(SEED), "--faults", "none", "--wait"),
        within_s=120 + orders * SECONDS_FOR_AN_ORDER,
    )
    account = said["account"]
    assert (
        said["stored"]
        == account["expected"]
        == account["receipts"]["applied"] + (account["receipts"]["confirmed"])
    ), account
    check_view(stack)
    rows = shown(stack)
    for begin, end, mean_s, abnormal_percent, cause in ARTICLE:
        row = rows[begin, end]
        assert row["count"] == str(orders)
        assert f"{seconds(row['mean']):.1f}" == f"{mean_s:.1f}", (begin, end)
        assert f"{100 * row['abnormalShare']:.1f}" == f"{abnormal_percent:.1f}", (begin, end)
        assert [each["cause"] for each in row["causes"]] == [cause], (begin, end)


def check_view(stack: WholeStack) -> None:
    """Assert that the streams' view is equal to the journal, once it has caught up with it."""
    deadline = time.monotonic() + CAUGHT_UP_WITHIN_S
    while True:
        found = stack.concord("insights", "verify", "--wait", "60s", within_s=300, codes=(0, 1))
        if found["differenceCount"] == "0" or time.monotonic() > deadline:
            break
    assert int(found["windows"]) > 0
    assert [_difference(each) for each in found["differences"]] == []
    assert found["differenceCount"] == "0"
    people = stack.concord("customer", "verify", "--wait", "60s", within_s=300, codes=(0, 1))
    assert people["differenceCount"] == "0", people["differences"]


def _difference(found: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON.
    """Return window and counts of a difference; all of it would be pages."""
    one = found.get("view") or found["journal"]
    names = ("startTime", "resolution", "fromState", "toState", "channel")
    counts = {
        side: (found.get(side) or {}).get("numbers", {}).get("count")
        for side in ("view", "journal")
    }
    return {name: one.get(name) for name in names} | counts


def shown(stack: WholeStack, *options: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of the board over all time, by from and to; it must come from the view."""
    board = stack.concord("stages", "--all-time", *options)
    assert board["source"] == "SOURCE_VIEW"
    return {
        (row["fromState"].removeprefix("STATE_"), row["toState"].removeprefix("STATE_")): row
        for row in board["rows"]
        if row["count"] != "0"
    }


def seconds(duration: str) -> Decimal:
    """Return the seconds of a duration in proto JSON: `1.200s`."""
    return Decimal(duration.removesuffix("s"))
