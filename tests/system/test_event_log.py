"""The order-management log, replayed: every row accounted for, and the stages that the file holds.

The log is not part of the repository; CONCORD_SAMPLES says where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.expected_stages import ExpectedLog, expected_of
from tests.system.board import check_view, seconds, shown
from tests.system.whole_stack import BARE, WholeStack

PARTS = BARE
FILE = "datasets/ocel_order_management.csv"
ROWS = 22_367

# The file's recount takes two hours for every stage; here those that have that limit.
LIMIT_IS_TWO_HOURS = ("PENDING_PAYMENT", "PAYING", "PAID", "AWAITING_OUTBOUND")


@pytest.fixture(scope="module")
def log(sample: Callable[[str], bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.csv"
    path.write_bytes(sample(FILE))
    return path


@pytest.fixture(scope="module")
def expected(log: Path) -> ExpectedLog:
    return expected_of(log)


@pytest.fixture(scope="module")
def replayed(log: Path, stack: WholeStack) -> Any:  # noqa: ANN401  # JSON.
    template = ("--template", "ocel-order-management")
    return stack.concord("replay", str(log), *template, "--wait", within_s=900)


@pytest.mark.timeout(1200)
def test_every_row_is_accounted_for(expected: ExpectedLog, replayed: Any) -> None:  # noqa: ANN401
    account = replayed["account"]

    assert expected.rows == ROWS
    assert (replayed["rows"], replayed["stored"], replayed["repeated"]) == (ROWS, ROWS, 0)
    assert (account["expected"], account["unaccounted"]) == (ROWS, 0)
    assert sum(account["receipts"].values()) == ROWS
    # Nothing is unreadable, and nothing waits for an order that never comes.
    assert (account["receipts"]["rejected"], account["receipts"]["early"]) == (0, 0)


@pytest.mark.usefixtures("replayed")
@pytest.mark.timeout(600)
def test_the_view_equals_the_journal(stack: WholeStack) -> None:
    check_view(stack)


@pytest.mark.usefixtures("replayed")
def test_the_stages_are_those_of_the_file(stack: WholeStack, expected: ExpectedLog) -> None:
    rows = shown(stack, "--channel", "order_management")

    assert list(rows) == [(stage.from_state, stage.to_state) for stage in expected.stages]
    for stage in expected.stages:
        row = rows[stage.from_state, stage.to_state]
        assert int(row["count"]) == stage.count
        # Durations are told in whole microseconds.
        assert abs(Fraction(seconds(row["mean"])) - stage.mean_s) < Fraction(1, 1_000_000)
        if stage.from_state in LIMIT_IS_TWO_HOURS:
            assert round(row["abnormalShare"] * stage.count) == stage.abnormal


@pytest.mark.usefixtures("replayed")
def test_the_journal_of_the_log_is_unbroken(stack: WholeStack, expected: ExpectedLog) -> None:
    answer = stack.concord("audit", "verify")

    assert (answer["orders"], answer["problem"]) == (str(expected.orders), "")
