"""The seeded bugs keep up with the code, and only a failure for a bug's sake counts as catching it.

Whether they are caught takes a minute or two: `make bugs`.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.bugs.seeded import Bug, apply, seeded_bugs
from tests.bugs.suites import Told, missed, read
from tests.bugs.trees import ROOT

BUGS = seeded_bugs()
A_BUG = Bug("01-x", Path("x.patch"), "", ("tests/test_a.py::test_b[c]",), ("assert 1 == 2",))


def test_there_are_twelve_each_with_a_number_of_its_own() -> None:
    assert [each.name[:3] for each in BUGS] == [f"{number:02}-" for number in range(1, 13)]


@pytest.mark.parametrize("bug", BUGS, ids=lambda each: each.name)
def test_it_applies_to_the_code_as_it_is(bug: Bug) -> None:
    assert not apply(bug, ROOT, only_check=True)


@pytest.mark.parametrize("bug", BUGS, ids=lambda each: each.name)
def test_the_tests_that_must_notice_are_there(bug: Bug) -> None:
    assert bug.caught_by
    assert bug.says
    for each in bug.caught_by:
        path, _, name = each.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = ast.FunctionDef | ast.AsyncFunctionDef
        assert name.partition("[")[0] in {
            node.name for node in tree.body if isinstance(node, functions)
        }


@pytest.mark.parametrize(
    ("told", "is_missed"),
    [
        ({}, True),
        ({"tests/test_a.py::test_b[c]": Told("passed")}, True),
        ({"tests/test_a.py::test_b[c]": Told("skipped", "assert 1 == 2")}, True),
        ({"tests/test_a.py::test_b[c]": Told("error", "assert 1 == 2")}, True),
        ({"tests/test_a.py::test_b[c]": Told("failed", "ModuleNotFoundError")}, True),
        ({"tests/test_a.py::test_b[c]": Told("failed", "E  assert 1 == 2")}, False),
    ],
    ids=["not run", "passed", "skipped", "broken", "for another reason", "caught"],
)
def test_only_a_failure_for_its_sake_catches_it(told: dict[str, Told], *, is_missed: bool) -> None:
    assert bool(missed(A_BUG, told)) is is_missed


def test_a_report_is_read_by_the_ids_of_its_tests() -> None:
    report = """<testsuites><testsuite>
        <testcase classname="tests.test_a" name="test_b[c]"><failure message="m">t</failure>
        </testcase><testcase classname="tests.test_a" name="test_b[c]"><error>at the end</error>
        </testcase><testcase classname="tests.test_a" name="test_d"/></testsuite></testsuites>"""

    assert read(report) == {
        "tests/test_a.py::test_b[c]": Told("failed", "m\nt"),
        "tests/test_a.py::test_d": Told("passed"),
    }
