"""Cases: open, read and handle exception orders."""

from __future__ import annotations

from typing import Any, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from clients.sdk.queues import QueueFilter, plain
from concord.cases.v1 import case_service_pb2 as api
from concord.cases.v1.case_service_pb2_grpc import CaseServiceStub


class CaseFilter(QueueFilter, total=False):
    """Which cases to list; all that are given must hold."""

    include_resolved: bool
    page_size: int
    page_token: str


class Cases(SubClient[M]):
    """`CaseService`."""

    @unary
    def open(
        self, order: str, type: str, *, note: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Open a case on an order.

        Raises:
            OrderNotFoundError: there is no such order.
        """
        request = api.OpenCaseRequest(
            order=resource("orders", order),
            type=type,
            note=note,
            request_id=request_id or self.ids(),
        )
        return _call("OpenCase", request)

    @unary
    def get(self, name: str) -> Call[api.Case]:
        """Return one case with its log.

        Raises:
            CaseNotFoundError: there is none.
        """
        return _call("GetCase", api.GetCaseRequest(name=_name(name)))

    @listed
    def list(self, **where: Unpack[CaseFilter]) -> Pages[api.Case]:
        """Iterate over cases without their logs, most urgent first."""
        request = api.ListCasesRequest(**plain(where))
        return Pages(_call("ListCases", request), lambda page: page.cases)

    @unary
    def add_note(self, name: str, text: str, *, request_id: str = "") -> Call[api.Case]:
        """Write a note into the case's log."""
        request = api.AddCaseNoteRequest(
            name=_name(name), text=text, request_id=request_id or self.ids()
        )
        return _call("AddCaseNote", request)

    @unary
    def assign(self, name: str, assignee: str, *, request_id: str = "") -> Call[api.Case]:
        """Give the case to somebody.

        Raises:
            CaseClosedError: it is resolved.
        """
        request = api.AssignCaseRequest(
            name=_name(name), assignee=assignee, request_id=request_id or self.ids()
        )
        return _call("AssignCase", request)

    @unary
    def resolve(
        self, name: str, outcome: str, *, note: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """End the case.

        Raises:
            CaseClosedError: it is resolved.
        """
        request = api.ResolveCaseRequest(
            name=_name(name), outcome=outcome, note=note, request_id=request_id or self.ids()
        )
        return _call("ResolveCase", request)


def _name(name: str) -> str:
    return resource("cases", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(CaseServiceStub, method, request)
