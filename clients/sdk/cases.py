"""Cases: open, read and handle exception orders."""

from __future__ import annotations

from collections.abc import Mapping
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
    """`CaseService`.

    Where a method takes `etag`, it asks for the act only if nothing happened to the case since:
    otherwise `CaseChangedError` says how the case stands and what may be done.
    """

    @unary
    def open(
        self, order: str, type: str, *, note: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Open a case on an order.

        Raises:
            OrderNotFoundError: there is no such order.
            RoleNotAllowedError: the type is not opened by the caller's role.
            CutOffPassedError: it is too late to ask for this.
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
        """Return one case with its log, its steps, and what may be done.

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
    def act(
        self,
        name: str,
        act: str,
        *,
        step: str = "",
        documents: Mapping[str, str] | None = None,
        note: str = "",
        etag: str = "",
        request_id: str = "",
    ) -> Call[api.Case]:
        """Do what a step of the case's workflow allows; documents that are texts come with it.

        Raises:
            StepNotActiveError: no active step has this act.
            RoleNotAllowedError: another role must act.
            DocumentsMissingError: naming what is missing.
            ConditionNotMetError: the workflow's condition does not hold.
            CutOffPassedError: it is too late for it.
            CaseChangedError: somebody else acted first.
        """
        given = (documents or {}).items()
        request = api.ActOnCaseRequest(
            name=_name(name),
            step=step,
            act=act,
            documents=[api.GivenDocument(kind=kind, text=text) for kind, text in given],
            note=note,
            etag=etag,
            request_id=request_id or self.ids(),
        )
        return _call("ActOnCase", request)

    @unary
    def add_note(self, name: str, text: str, *, request_id: str = "") -> Call[api.Case]:
        """Write a note into the case's log."""
        request = api.AddCaseNoteRequest(
            name=_name(name), text=text, request_id=request_id or self.ids()
        )
        return _call("AddCaseNote", request)

    @unary
    def add_document(
        self,
        name: str,
        kind: str,
        text: str = "",
        *,
        content: bytes = b"",
        file_name: str = "",
        media_type: str = "",
        request_id: str = "",
    ) -> Call[api.Case]:
        """Add a document: a text such as a number, or a file's content.

        Raises:
            CaseClosedError: it is resolved.
        """
        request = api.AddCaseDocumentRequest(
            name=_name(name),
            kind=kind,
            text=text,
            content=content,
            file_name=file_name,
            media_type=media_type,
            request_id=request_id or self.ids(),
        )
        return _call("AddCaseDocument", request)

    @unary
    def get_document(self, name: str, number: int) -> Call[api.CaseDocument]:
        """Return one document with its content.

        Raises:
            DocumentNotFoundError: the case has none of this number.
        """
        request = api.GetCaseDocumentRequest(name=_name(name), number=number)
        return _call("GetCaseDocument", request)

    @unary
    def assign(
        self, name: str, assignee: str, *, etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Give the case to somebody.

        Raises:
            CaseClosedError: it is resolved.
            LoadCapReachedError: they have as many open cases as their role allows.
        """
        request = api.AssignCaseRequest(
            name=_name(name), assignee=assignee, etag=etag, request_id=request_id or self.ids()
        )
        return _call("AssignCase", request)

    @unary
    def escalate(
        self, name: str, note: str, *, etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Bring the case before the next role that its type names."""
        request = api.EscalateCaseRequest(
            name=_name(name), note=note, etag=etag, request_id=request_id or self.ids()
        )
        return _call("EscalateCase", request)

    @unary
    def pause(
        self, name: str, reason: str, *, etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Let the case's clocks stand still while somebody outside is awaited.

        Raises:
            CasePausedError: they do already.
        """
        request = api.PauseCaseRequest(
            name=_name(name), reason=reason, etag=etag, request_id=request_id or self.ids()
        )
        return _call("PauseCase", request)

    @unary
    def resume(
        self, name: str, *, note: str = "", etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Let the case's clocks run again.

        Raises:
            CaseNotPausedError: they do already.
        """
        request = api.ResumeCaseRequest(
            name=_name(name), note=note, etag=etag, request_id=request_id or self.ids()
        )
        return _call("ResumeCase", request)

    @unary
    def merge(
        self, name: str, into: str, *, note: str = "", etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """End the case as a duplicate of another of the same order, which goes on."""
        request = api.MergeCasesRequest(
            name=_name(name),
            into=_name(into),
            note=note,
            etag=etag,
            request_id=request_id or self.ids(),
        )
        return _call("MergeCases", request)

    @unary
    def link(
        self, name: str, other: str, *, note: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Say that two cases belong together."""
        request = api.LinkCasesRequest(
            name=_name(name), other=_name(other), note=note, request_id=request_id or self.ids()
        )
        return _call("LinkCases", request)

    @unary
    def resolve(
        self, name: str, outcome: str, *, note: str = "", etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """End the case.

        Raises:
            CaseClosedError: it is resolved.
            RoleNotAllowedError: its workflow is under way, and decides how it ends.
        """
        request = api.ResolveCaseRequest(
            name=_name(name),
            outcome=outcome,
            note=note,
            etag=etag,
            request_id=request_id or self.ids(),
        )
        return _call("ResolveCase", request)

    @unary
    def reopen(
        self, name: str, note: str, *, etag: str = "", request_id: str = ""
    ) -> Call[api.Case]:
        """Open an ended case again, from the start of its workflow.

        Raises:
            CaseNotResolvedError: it is open.
        """
        request = api.ReopenCaseRequest(
            name=_name(name), note=note, etag=etag, request_id=request_id or self.ids()
        )
        return _call("ReopenCase", request)


def _name(name: str) -> str:
    return resource("cases", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(CaseServiceStub, method, request)
