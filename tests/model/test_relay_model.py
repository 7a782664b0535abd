"""The relay's protocol holds in every interleaving, and each of its rules is needed."""

from pathlib import Path

import pytest

from tests.model.checking import check, needs_spin

MODEL = Path(__file__).with_name("relay.pml")

pytestmark = needs_spin


def test_every_message_is_applied_once_and_in_order(tmp_path: Path) -> None:
    report = check(tmp_path, MODEL)

    # 2.1 million states with two faults; three faults are nine times as many.
    assert "errors: 0" in report
    assert "max search depth too small" not in report


@pytest.mark.parametrize("rule", ["WITHOUT_GUARD", "WITHOUT_PREFIX", "MARK_FIRST"])
def test_without_any_one_rule_the_checker_finds_a_failure(tmp_path: Path, rule: str) -> None:
    assert "errors: 1" in check(tmp_path, MODEL, rule)
