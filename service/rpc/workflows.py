"""`WorkflowService`: what the desk knows, and what somebody wrote for it."""

from typing import Final

import grpc

from concord.workflows.v1 import workflow_service_pb2 as pb
from concord.workflows.v1.workflow_service_pb2_grpc import WorkflowServiceServicer
from service.application.conditions import Conditions
from service.catalogue import check_workflow, draw
from service.catalogue.marked import LANGUAGES, TEXT_MAX, Mistake
from service.domain.desk.catalogue import Catalogue
from service.domain.desk.workflows import Workflow
from service.domain.errors import WorkflowNotFoundError
from service.rpc import workflow_answers as answers
from service.rpc.violations import Violations

FILE: Final = "workflow.yaml"
# What a drawing with text in it is refused with.
WRONG_TEXT: Final = "text"


class WorkflowServicer(WorkflowServiceServicer):
    """Reads the catalogue; refusals pass through to the interceptor."""

    def __init__(self, catalogue: Catalogue, conditions: Conditions) -> None:
        """Take what the desk knows, and what checks conditions."""
        self._catalogue = catalogue
        self._conditions = conditions

    def ListCaseTypes(
        self, request: pb.ListCaseTypesRequest, context: grpc.ServicerContext
    ) -> pb.ListCaseTypesResponse:
        """List every kind of case."""
        found = sorted(
            self._catalogue.types.values(), key=lambda each: (each.side.value, each.name)
        )
        return pb.ListCaseTypesResponse(
            case_types=[answers.case_type(each, self._catalogue) for each in found]
        )

    def ListWorkflows(
        self, request: pb.ListWorkflowsRequest, context: grpc.ServicerContext
    ) -> pb.ListWorkflowsResponse:
        """List every workflow that new cases can begin with."""
        found = sorted(
            self._catalogue.workflows.values(), key=lambda each: (each.name, each.version)
        )
        return pb.ListWorkflowsResponse(
            workflows=[answers.workflow(each, with_steps=False) for each in found]
        )

    def GetWorkflow(
        self, request: pb.GetWorkflowRequest, context: grpc.ServicerContext
    ) -> pb.Workflow:
        """Return one workflow with its steps."""
        return answers.workflow(self._workflow(request.name))

    def CheckWorkflow(
        self, request: pb.CheckWorkflowRequest, context: grpc.ServicerContext
    ) -> pb.CheckWorkflowResponse:
        """Try a file as the service would read it."""
        read = Violations()
        file = read.text("file", request.file) or FILE
        read.refuse()
        found, mistakes = self._checked(request.text, file)
        return pb.CheckWorkflowResponse(
            workflow=answers.workflow(found) if found else None,
            mistakes=answers.mistakes(mistakes),
        )

    def DrawWorkflow(
        self, request: pb.DrawWorkflowRequest, context: grpc.ServicerContext
    ) -> pb.DrawWorkflowResponse:
        """Draw a workflow."""
        read = Violations()
        language = request.language or LANGUAGES[0]
        if language not in LANGUAGES:
            read.add("language", f"send one of {', '.join(LANGUAGES)}")
        if not request.WhichOneof("source"):
            read.add("name", "send name or text")
        read.refuse()
        if request.name:
            found = self._workflow(request.name)
        else:
            checked, mistakes = self._checked(request.text, FILE)
            if checked is None:
                for each in mistakes:
                    read.add(WRONG_TEXT, str(each))
                read.refuse()
                raise WorkflowNotFoundError(workflow=FILE)
            found = checked
        return pb.DrawWorkflowResponse(mermaid=draw(found, self._catalogue, language))

    def _checked(self, text: str, file: str) -> tuple[Workflow | None, tuple[Mistake, ...]]:
        read = Violations()
        if not text:
            read.add("text", "send it: it must not be empty")
        if len(text) > TEXT_MAX:
            read.add("text", f"send at most {TEXT_MAX} characters")
        read.refuse()
        return check_workflow(text, file, self._catalogue, self._conditions)

    def _workflow(self, name: str) -> Workflow:
        read = Violations()
        key = read.resource("name", name, "workflows")
        read.refuse()
        found = self._catalogue.workflows.get(key) if "@" in key else self._catalogue.newest(key)
        if found is None:
            raise WorkflowNotFoundError(workflow=name)
        return found
