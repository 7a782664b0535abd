"""The part of the fake service that tells of workflows: one, which every case could have."""

from __future__ import annotations

from clients.sdk.fake_memory import refusal
from concord.workflows.v1 import workflow_service_pb2 as api

_WORKFLOW = api.Workflow(
    name="workflows/out_of_stock@1",
    title=api.Words(zh="缺货", en="Out of stock"),
    start=["wait"],
    steps=[
        api.Workflow.Step(
            step="wait",
            title=api.Words(zh="等待到货", en="Wait for stock"),
            role="purchasing",
            awaits="stock",
            awaited_act="arrived",
            acts=[
                api.Workflow.Act(
                    act="arrived",
                    title=api.Words(zh="已到货", en="Stock came"),
                    outcome="RESTOCKED",
                )
            ],
        )
    ],
)
_TYPE = api.CaseType(
    type="OUT_OF_STOCK",
    title=_WORKFLOW.title,
    side="SUPPLY",
    severity="HIGH",
    owner_role="purchasing",
    respond_minutes=60,
    resolve_minutes=240,
    warn_minutes=60,
    calendar="office",
    workflow=_WORKFLOW.name,
    opened_by_roles=["purchasing"],
    opened_by=["stock"],
    escalates_to=["operations"],
)


class FakeWorkflows:
    """Answers as `WorkflowService` does; a text is fine where it names a workflow."""

    def list_case_types(self, request: api.ListCaseTypesRequest) -> api.ListCaseTypesResponse:
        return api.ListCaseTypesResponse(case_types=[_TYPE])

    def list_workflows(self, request: api.ListWorkflowsRequest) -> api.ListWorkflowsResponse:
        listed = api.Workflow(name=_WORKFLOW.name, title=_WORKFLOW.title, start=_WORKFLOW.start)
        return api.ListWorkflowsResponse(workflows=[listed])

    def get_workflow(self, request: api.GetWorkflowRequest) -> api.Workflow:
        if request.name not in {_WORKFLOW.name, _WORKFLOW.name.removesuffix("@1")}:
            raise refusal("WORKFLOW_NOT_FOUND", workflow=request.name)
        return _WORKFLOW

    def check_workflow(self, request: api.CheckWorkflowRequest) -> api.CheckWorkflowResponse:
        if request.text.startswith("workflow:"):
            return api.CheckWorkflowResponse(workflow=_WORKFLOW)
        mistake = api.CheckWorkflowResponse.Mistake(
            file=request.file,
            line=1,
            column=1,
            what="the workflow has no `workflow`",
            advice="add `workflow: …`",
        )
        return api.CheckWorkflowResponse(mistakes=[mistake])

    def draw_workflow(self, request: api.DrawWorkflowRequest) -> api.DrawWorkflowResponse:
        if request.name:
            self.get_workflow(api.GetWorkflowRequest(name=request.name))
        return api.DrawWorkflowResponse(mermaid="flowchart TD\n    begin --> s_wait\n")
