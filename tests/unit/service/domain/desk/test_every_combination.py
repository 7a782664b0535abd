"""Every step, act, role, missing document, condition and time of the shipped workflows is tried.

What is expected is read from the YAML files themselves: neither their loader nor what decides has a
hand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from service import catalogue
from service.domain.cases import Case, CaseState
from service.domain.desk.handling import Document, Handling, StepRun, refuse_act
from service.domain.desk.taxonomy import Moment
from service.domain.errors import OrderError

SHIPPED = catalogue.load()
DATA = Path(catalogue.__file__).parent
OPENED = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DELIVERED = OPENED - timedelta(days=2)
PLANNED = OPENED + timedelta(hours=8)
MOMENTS = {
    Moment.CASE_OPENED: OPENED,
    Moment.DELIVERED: DELIVERED,
    Moment.PLANNED_SHIPPING: PLANNED,
}
TIMES = (OPENED + timedelta(minutes=1), OPENED + timedelta(days=400))
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def written(folder: str) -> Iterator[Mapping[str, Any]]:
    for path in sorted((DATA / folder).glob("*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


TYPES = {name: each for file in written("types") for name, each in file["types"].items()}
WORKFLOWS = {file["workflow"]: file for file in written("workflows")}
ROLES = (*yaml.safe_load((DATA / "desk.yaml").read_text(encoding="utf-8"))["roles"], "operator")
BY_WORKFLOW = {
    workflow: [name for name, each in TYPES.items() if each.get("workflow") == workflow]
    for workflow in WORKFLOWS
}


def ends_at(case_type: str, what: str) -> datetime | None:
    """Return until when an act may be done, as the type's file says."""
    found = []
    for cut_off in TYPES[case_type].get("cut_offs", ()):
        if what in cut_off["guards"]:
            told = re.fullmatch(r"(\d+)([mhd]) (before|after) (\w+)", cut_off["until"])
            assert told, cut_off["until"]
            length = timedelta(**{UNITS[told[2]]: int(told[1])})
            sign = -1 if told[3] == "before" else 1
            found.append(MOMENTS[Moment(told[4])] + sign * length)
    return min(found, default=None)


def handled(case_type: str, step: str, level: int, kinds: tuple[str, ...]) -> Handling:
    kind = SHIPPED.types[case_type]
    workflow = SHIPPED.newest(kind.workflow)
    assert workflow is not None
    case = Case(
        "case-1",
        "ord-1",
        case_type,
        CaseState.OPEN,
        OPENED,
        OPENED,
        kind.owner_role,
        workflow=workflow.key,
        level=level,
    )
    return Handling(
        case,
        kind,
        workflow,
        runs=(StepRun(step, 1, workflow.steps[step].role, OPENED, 2),),
        documents=tuple(
            Document(number, name, "wang", OPENED) for number, name in enumerate(kinds, 1)
        ),
        moments=MOMENTS,
    )


def told(handling: Handling, what: str, *, role: str, at: datetime, holds: bool) -> str:
    """Return why an act is refused; nothing where it is allowed."""
    step, act = what.split(".")
    try:
        refuse_act(handling, step, act, role=role, at=at, holds=lambda _: holds)
    except OrderError as error:
        return error.reason
    return ""


@pytest.mark.parametrize("name", WORKFLOWS)
def test_an_act_is_allowed_exactly_where_the_data_says_so(name: str) -> None:
    tried = 0
    for case_type in BY_WORKFLOW[name]:
        upper = TYPES[case_type].get("escalates_to", [])
        for step_name, step in WORKFLOWS[name]["steps"].items():
            for act_name, act in step["acts"].items():
                what = f"{step_name}.{act_name}"
                needed = {*step.get("documents", ()), *act.get("documents", ())}
                until = ends_at(case_type, what)
                for level in range(len(upper) + 1):
                    for lacking in (None, *sorted(needed)):
                        kinds = tuple(sorted(needed - {lacking}))
                        handling = handled(case_type, step_name, level, kinds)
                        for role in ROLES:
                            for at in TIMES:
                                for holds in (True, False):
                                    expected = ""
                                    if role not in {step["role"], *upper[:level]}:
                                        expected = "ROLE_NOT_ALLOWED"
                                    elif until and at > until:
                                        expected = "CUT_OFF_PASSED"
                                    elif lacking:
                                        expected = "DOCUMENTS_MISSING"
                                    elif "when" in act and not holds:
                                        expected = "CONDITION_NOT_MET"
                                    found = told(handling, what, role=role, at=at, holds=holds)
                                    assert found == expected, (what, role, lacking, at, holds)
                                    tried += 1
    assert tried, f"no type is handled by {name}"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_step_takes_an_act_of_another_step(name: str) -> None:
    case_type, steps = BY_WORKFLOW[name][0], WORKFLOWS[name]["steps"]
    for active in steps:
        handling = handled(case_type, active, 0, ())
        for step_name, step in steps.items():
            for act_name in step["acts"] if step_name != active else ():
                what = f"{step_name}.{act_name}"
                found = told(handling, what, role=step["role"], at=OPENED, holds=True)
                assert found == "STEP_NOT_ACTIVE", what


def test_every_shipped_workflow_handles_a_type() -> None:
    assert all(BY_WORKFLOW.values())
    assert len(WORKFLOWS) >= 20
