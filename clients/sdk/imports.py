"""The register of files: what came, how far it was read, and the rows that need somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.imports.v1 import import_service_pb2 as api
from concord.imports.v1.import_service_pb2_grpc import ImportServiceStub


class ImportFilter(TypedDict, total=False):
    """Which imports to list; all that are given must hold."""

    channel: str
    shop: str
    day: str
    state: api.Import.State.ValueType
    page_size: int
    page_token: str


class ImportReport(TypedDict, total=False):
    """How far a file was read."""

    counts: api.ImportCounts
    encoding: str
    delimiter: str
    notes: Sequence[str]
    columns: Sequence[str]
    # DONE or REFUSED where it is over.
    state: api.Import.State.ValueType
    problem: str


class Imports(SubClient[M]):
    """`ImportService`."""

    @unary
    def begin(self, file: api.Import, *, request_id: str = "") -> Call[api.Import]:
        """Begin an import, or find the one that these bytes have for this shop."""
        request = api.BeginImportRequest(file=file, request_id=request_id or self.ids())
        return _call("BeginImport", request)

    @unary
    def report(
        self, name: str, *, request_id: str = "", **told: Unpack[ImportReport]
    ) -> Call[api.Import]:
        """Tell how far a file was read; numbers never go back.

        Raises:
            ImportNotFoundError: there is no such import.
            ImportNotInStateError: it was refused meanwhile.
        """
        request = api.ReportImportRequest(
            name=_name(name), request_id=request_id or self.ids(), **told
        )
        return _call("ReportImport", request)

    @unary
    def keep_rows(
        self, name: str, rows: Sequence[api.ImportRow], *, request_id: str = ""
    ) -> Call[api.KeepRowsResponse]:
        """Keep at most 500 rows that need somebody, each number once.

        Raises:
            ImportNotFoundError: there is no such import.
            ImportNotInStateError: it is over.
        """
        request = api.KeepRowsRequest(
            name=_name(name), rows=rows, request_id=request_id or self.ids()
        )
        return _call("KeepRows", request)

    @unary
    def settle_rows(
        self,
        name: str,
        numbers: Sequence[int],
        state: api.ImportRow.State.ValueType = api.ImportRow.STATE_FIXED,
        *,
        request_id: str = "",
    ) -> Call[api.Import]:
        """Say that rows were corrected and sent, or that nobody wants them.

        Raises:
            ImportRowNotFoundError: one of them is not kept.
        """
        request = api.SettleRowsRequest(
            name=_name(name), numbers=numbers, state=state, request_id=request_id or self.ids()
        )
        return _call("SettleRows", request)

    @unary
    def get(self, name: str) -> Call[api.Import]:
        """Return one import.

        Raises:
            ImportNotFoundError: there is none.
        """
        return _call("GetImport", api.GetImportRequest(name=_name(name)))

    @listed
    def list(self, **where: Unpack[ImportFilter]) -> Pages[api.Import]:
        """Iterate over imports, newest first."""
        request = api.ListImportsRequest(**where)
        return Pages(_call("ListImports", request), lambda page: page.imports)

    @listed
    def list_rows(
        self,
        name: str,
        *,
        state: api.ImportRow.State.ValueType = api.ImportRow.STATE_UNSPECIFIED,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.ImportRow]:
        """Iterate over the kept rows of an import, in the order of the file."""
        request = api.ListImportRowsRequest(
            name=_name(name), state=state, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListImportRows", request), lambda page: page.rows)

    @unary
    def list_expected(
        self,
        *,
        feed: str = "",
        state: api.ExpectedFile.State.ValueType = api.ExpectedFile.STATE_UNSPECIFIED,
    ) -> Call[api.ListExpectedFilesResponse]:
        """Return which files were expected and which came, the newest 500."""
        request = api.ListExpectedFilesRequest(feed=resource("feeds", feed), state=state)
        return _call("ListExpectedFiles", request)


def _name(name: str) -> str:
    return resource("imports", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(ImportServiceStub, method, request)
