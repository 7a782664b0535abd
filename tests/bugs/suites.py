"""Runs named tests in a tree, and judges whether they noticed the bug that is in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # Our own pytest writes it.
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.bugs.seeded import Bug
from tests.bugs.trees import Tree

Ending = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Told:
    """How a test ended, and what it said then."""

    ending: Ending
    text: str = ""


def run(tree: Tree, tests: Collection[str]) -> dict[str, Told]:
    """Run tests by their ids; return how each ended, of those that were run."""
    report = tree.folder / "report.xml"
    done = tree.python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"),
        f"--junitxml={report}",
        *tests,
    )
    if not report.exists():
        return {test: Told("error", f"{done.stdout}\n{done.stderr}") for test in tests}
    return read(report.read_text(encoding="utf-8"))


def read(report: str) -> dict[str, Told]:
    """Read a report in JUnit's form."""
    told: dict[str, Told] = {}
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314  # Our own pytest writes it.
        # A test that fails and cannot be tidied up after has two entries.
        if told.get(_id(case), Told("passed")).ending != "failed":
            told[_id(case)] = _told(case)
    return told


def missed(bug: Bug, told: Mapping[str, Told]) -> str:
    """Return why the bug counts as not caught; nothing if it was caught, and for what it is."""
    for test in bug.caught_by:
        found = told.get(test)
        if found is None:
            return f"{test} was not run"
        if found.ending != "failed":
            return f"{test}: {found.ending} {_first_line(found.text)}".rstrip()
        if not any(each in found.text for each in bug.says):
            return f"{test} failed, and said something else: {_first_line(found.text)}"
    return ""


def _id(case: ET.Element) -> str:
    path = case.attrib["classname"].replace(".", "/")
    return f"{path}.py::{case.attrib['name']}"


def _told(case: ET.Element) -> Told:
    endings: tuple[tuple[str, Ending], ...] = (
        ("error", "error"), ("failure", "failed"), ("skipped", "skipped"),
    )  # fmt: skip
    for tag, ending in endings:
        found = case.find(tag)
        if found is not None:
            return Told(ending, f"{found.attrib.get('message', '')}\n{found.text or ''}")
    return Told("passed")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]
