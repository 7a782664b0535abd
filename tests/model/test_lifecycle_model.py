"""An order's life holds under every interleaving of commands and facts; each rule is needed."""

from pathlib import Path

import pytest

from tests.model.checking import check, needs_spin
from tests.model.lifecycle_table import lifecycle_table

MODEL = Path(__file__).with_name("lifecycle.pml")

pytestmark = needs_spin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the checker works, with the lifecycle as the code has it."""
    (tmp_path / "lifecycle_table.pml").write_text(lifecycle_table())
    return tmp_path


def test_nothing_takes_effect_twice_and_no_order_goes_back(folder: Path) -> None:
    report = check(folder, MODEL)

    assert "errors: 0" in report
    assert "max search depth too small" not in report


@pytest.mark.parametrize(
    "rule",
    ["WITHOUT_ROW_LOCK", "WITHOUT_REQUEST_ID", "WITHOUT_ETAG", "WITHOUT_GUARD", "WITHOUT_TABLE"],
)
def test_without_any_one_rule_the_checker_finds_a_failure(folder: Path, rule: str) -> None:
    assert "errors: 1" in check(folder, MODEL, rule)


def test_a_lifecycle_that_differs_from_what_facts_prove_is_found(folder: Path) -> None:
    table = folder / "lifecycle_table.pml"
    table.write_text(lifecycle_table().replace("proven[64] = CANCELLED", "proven[64] = PAID"))

    assert "errors: 1" in check(folder, MODEL)
