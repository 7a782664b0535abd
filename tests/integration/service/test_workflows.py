"""WorkflowService over gRPC, and the versions of workflows that running cases keep."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
import sqlalchemy as sa

from concord.workflows.v1 import workflow_service_pb2 as pb
from concord.workflows.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from service import catalogue
from service.domain.desk.catalogue import Catalogue
from service.domain.desk.workflows import Workflow
from service.postgres.workflow_rows import VersionChangedError, WorkflowVersions
from tests.integration.service.world import Service, refused

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SWAP = """
workflow: swap
version: {version}
title: {{zh: 换购, en: Swap}}
start: agree
steps:
  agree:
    title: {{zh: 商定, en: Agree}}
    role: customer_service
    acts:
      agree: {{title: {{zh: 同意, en: Agree}}, outcome: {outcome}}}
"""


@pytest.fixture
def workflows(service: Service) -> WorkflowServiceStub:
    return WorkflowServiceStub(service.channel)


def swap(version: int, outcome: str = "SWAPPED") -> Workflow:
    return catalogue.remembered(SWAP.format(version=version, outcome=outcome), "swap")


def versions(engine: sa.Engine, *present: Workflow) -> WorkflowVersions:
    return WorkflowVersions(engine, {each.key: each for each in present}, catalogue.remembered)


def test_every_kind_of_case_is_listed_with_the_version_it_begins_with(
    workflows: WorkflowServiceStub,
) -> None:
    found = {
        each.type: each for each in workflows.ListCaseTypes(pb.ListCaseTypesRequest()).case_types
    }

    assert set(found) == set(catalogue.load().types)
    assert found["ADDRESS_CHANGE"].workflow == "workflows/address_change@1"
    assert [each.minutes for each in found["ADDRESS_CHANGE"].cut_offs] == [-120]
    assert found["OUT_OF_STOCK"].owner_role == "purchasing"


def test_a_workflow_is_told_with_its_steps(workflows: WorkflowServiceStub) -> None:
    listed = workflows.ListWorkflows(pb.ListWorkflowsRequest()).workflows
    found = workflows.GetWorkflow(pb.GetWorkflowRequest(name="workflows/out_of_stock"))

    assert len(listed) == len(catalogue.load().workflows)
    assert not any(each.steps for each in listed)
    assert found.name == "workflows/out_of_stock@1"
    purchase = next(each for each in found.steps if each.step == "purchase")
    assert list(purchase.acts[0].documents) == ["purchase_order", "delay_days"]
    assert [each.kind for each in purchase.on_begin] == ["purchase", "notice"]


@pytest.mark.parametrize("name", ["workflows/missing", "workflows/out_of_stock@9"])
def test_a_workflow_that_is_not_there_is_refused(workflows: WorkflowServiceStub, name: str) -> None:
    call = partial(workflows.GetWorkflow, pb.GetWorkflowRequest(name=name))

    assert refused(call).reason == "WORKFLOW_NOT_FOUND"


def test_a_file_is_tried_as_the_service_would_read_it(workflows: WorkflowServiceStub) -> None:
    sound = SWAP.format(version=1, outcome="SWAPPED")
    wrong = sound.replace("customer_service", "customer_servise")

    good = workflows.CheckWorkflow(pb.CheckWorkflowRequest(text=sound, file="swap.yaml"))
    bad = workflows.CheckWorkflow(pb.CheckWorkflowRequest(text=wrong, file="swap.yaml"))

    assert good.workflow.name == "workflows/swap@1"
    assert not good.mistakes
    (mistake,) = bad.mistakes
    assert (mistake.file, mistake.line) == ("swap.yaml", 9)
    assert mistake.advice == "write `customer_service`"
    assert not bad.HasField("workflow")


def test_a_workflow_is_drawn_by_name_and_by_text(workflows: WorkflowServiceStub) -> None:
    named = pb.DrawWorkflowRequest(name="workflows/wrong_item", language="en")
    written = pb.DrawWorkflowRequest(text=SWAP.format(version=1, outcome="SWAPPED"))

    assert "Confirm what arrived" in workflows.DrawWorkflow(named).mermaid
    assert "商定" in workflows.DrawWorkflow(written).mermaid
    for wrong in (pb.DrawWorkflowRequest(text="workflow: swap"), pb.DrawWorkflowRequest()):
        assert refused(partial(workflows.DrawWorkflow, wrong)).reason == "INVALID_REQUEST"


def test_what_the_service_began_with_is_written_down(service: Service, engine: sa.Engine) -> None:
    kept = versions(engine)

    assert kept["return@1"] == catalogue.load().workflows["return@1"]
    assert list(kept) == []


def test_a_new_version_leaves_running_cases_with_theirs(engine: sa.Engine) -> None:
    versions(engine, swap(1)).keep(NOON)
    later = versions(engine, swap(2, "AGREED"))
    later.keep(NOON)
    known = Catalogue(workflows=later)

    newest = known.newest("swap")
    assert newest is not None
    assert newest.key == "swap@2"
    assert known.workflows["swap@1"].steps["agree"].acts[0].outcome == "SWAPPED"
    assert "swap@3" not in known.workflows


def test_a_version_is_never_written_down_with_another_text(engine: sa.Engine) -> None:
    versions(engine, swap(1)).keep(NOON)

    with pytest.raises(VersionChangedError, match="swap@1"):
        versions(engine, swap(1, "AGREED")).keep(NOON)

    assert versions(engine)["swap@1"].steps["agree"].acts[0].outcome == "SWAPPED"


def test_the_chart_of_each_shipped_workflow_names_every_step_and_outcome() -> None:
    shipped = catalogue.load()
    for workflow in shipped.workflows.values():
        chart = catalogue.draw(workflow, shipped, "zh")

        assert all(f'    s_{step}["' in chart for step in workflow.steps)
        assert all(
            f"end_{act.outcome}" in chart
            for step in workflow.steps.values()
            for act in step.acts
            if act.outcome
        )


def test_what_is_read_again_is_what_was_written() -> None:
    for each in catalogue.load().workflows.values():
        assert catalogue.remembered(each.body, each.key) == each
