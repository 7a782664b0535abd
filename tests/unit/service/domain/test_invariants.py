"""The register is whole: words for each, suites that exist; and findings add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.domain.invariant_texts import TEXTS
from service.domain.invariants import (
    NAMED_MOST,
    REGISTER,
    Finding,
    Invariant,
    Tally,
    Told,
    Violation,
)

ROOT = Path(__file__).parents[4]


def test_every_invariant_of_the_reference_is_registered() -> None:
    numbers = [*range(1, 17), *range(18, 21)]

    assert list(REGISTER) == [f"I{each}" for each in numbers]
    assert TEXTS.keys() == REGISTER.keys()


@pytest.mark.parametrize("one", REGISTER.values(), ids=lambda each: each.id)
def test_each_says_how_it_is_told_and_its_suites_exist(one: Invariant) -> None:
    assert one.told_by
    assert bool(one.suites) == (Told.SUITE in one.told_by)
    for suite in one.suites:
        path = ROOT / suite
        files = path.glob("test_*.py") if path.is_dir() else [path]
        assert any("def test_" in each.read_text(encoding="utf-8") for each in files), suite


@pytest.mark.parametrize("one", REGISTER.values(), ids=lambda each: each.id)
def test_each_has_its_words_in_both_languages(one: Invariant) -> None:
    for english, chinese in (one.name, one.statement, one.advice):
        assert english.isascii()
        assert not chinese.isascii()


def test_a_tally_names_a_few_and_counts_all() -> None:
    tally, other = Tally(), Tally()
    tally.look("I4", at=30)
    tally.violate(Violation("I4", f"ord-{number}", "gap") for number in range(30))
    other.take(tally.findings)
    other.take([Finding("I4", 5, 2, (Violation("I4", "ord-99", "gap"),))])

    [found] = other.findings
    assert (found.checked, found.count, len(found.violations)) == (35, 32, NAMED_MOST)
    assert other.count("I5") == 0
