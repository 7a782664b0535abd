"""Workflows: which kinds of exception orders there are, and how each is handled."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, SubClient, unary
from clients.sdk.names import resource
from concord.workflows.v1 import workflow_service_pb2 as api
from concord.workflows.v1.workflow_service_pb2_grpc import WorkflowServiceStub


class Workflows(SubClient[M]):
    """`WorkflowService`."""

    @unary
    def types(self) -> Call[api.ListCaseTypesResponse]:
        """Return every kind of case, by side and name."""
        return _call("ListCaseTypes", api.ListCaseTypesRequest())

    @unary
    def list(self) -> Call[api.ListWorkflowsResponse]:
        """Return every workflow that new cases can begin with, without its steps."""
        return _call("ListWorkflows", api.ListWorkflowsRequest())

    @unary
    def get(self, name: str) -> Call[api.Workflow]:
        """Return one workflow: `out_of_stock` is its newest version, `out_of_stock@1` that one.

        Raises:
            WorkflowNotFoundError: there is none.
        """
        return _call("GetWorkflow", api.GetWorkflowRequest(name=resource("workflows", name)))

    @unary
    def check(self, text: str, file: str = "") -> Call[api.CheckWorkflowResponse]:
        """Try a file as the service would read it: the workflow, or every mistake."""
        return _call("CheckWorkflow", api.CheckWorkflowRequest(text=text, file=file))

    @unary
    def draw(
        self, name: str = "", *, text: str = "", language: str = ""
    ) -> Call[api.DrawWorkflowResponse]:
        """Draw a workflow by its name, or by its text, as a Mermaid flow chart.

        Raises:
            WorkflowNotFoundError: there is none of that name.
            InvalidRequestError: the text has mistakes.
        """
        request = api.DrawWorkflowRequest(language=language)
        if text:
            request.text = text
        else:
            request.name = resource("workflows", name)
        return _call("DrawWorkflow", request)


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call[Any]:
    return Call(WorkflowServiceStub, method, request, timeout_s)
