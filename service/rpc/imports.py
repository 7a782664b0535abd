"""Serves `ImportService`: the register of files."""

from typing import Final

import grpc

from concord.imports.v1 import import_service_pb2 as pb
from concord.imports.v1 import import_service_pb2_grpc
from service.application.import_ports import ImportReader
from service.application.importing import Importing
from service.domain.imports.files import Import
from service.rpc import import_answers as answers
from service.rpc import import_requests as requests
from service.rpc.calling import Mutations, Work

EXPECTED_MOST: Final = 500


class ImportServicer(import_service_pb2_grpc.ImportServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, mutations: Mutations, reader: ImportReader) -> None:
        """Take what runs mutations, and what reads."""
        self._mutations = mutations
        self._reader = reader

    def BeginImport(
        self, request: pb.BeginImportRequest, context: grpc.ServicerContext
    ) -> pb.Import:
        """Begin an import, or find the one that these bytes have."""

        def work(tools: Work) -> pb.Import:
            return _told(tools, _importing(tools).begin(requests.new_file(request)))

        return self._mutations.run(request, context, pb.Import, work)

    def ReportImport(
        self, request: pb.ReportImportRequest, context: grpc.ServicerContext
    ) -> pb.Import:
        """Take how far a file was read."""

        def work(tools: Work) -> pb.Import:
            return _told(tools, _importing(tools).report(*requests.report(request)))

        return self._mutations.run(request, context, pb.Import, work)

    def KeepRows(
        self, request: pb.KeepRowsRequest, context: grpc.ServicerContext
    ) -> pb.KeepRowsResponse:
        """Keep rows that need somebody."""

        def work(tools: Work) -> pb.KeepRowsResponse:
            kept = _importing(tools).keep(*requests.kept_rows(request))
            return pb.KeepRowsResponse(kept=kept)

        return self._mutations.run(request, context, pb.KeepRowsResponse, work)

    def SettleRows(self, request: pb.SettleRowsRequest, context: grpc.ServicerContext) -> pb.Import:
        """Settle rows: corrected and sent, or wanted by nobody."""

        def work(tools: Work) -> pb.Import:
            return _told(tools, _importing(tools).settle(*requests.settling(request)))

        return self._mutations.run(request, context, pb.Import, work)

    def GetImport(self, request: pb.GetImportRequest, context: grpc.ServicerContext) -> pb.Import:
        """Return one import."""
        return answers.import_message(*self._reader.get(requests.import_id(request.name)))

    def ListImports(
        self, request: pb.ListImportsRequest, context: grpc.ServicerContext
    ) -> pb.ListImportsResponse:
        """List imports, newest first."""
        page = self._reader.list(requests.import_query(request))
        return pb.ListImportsResponse(
            imports=[answers.import_message(*each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ListImportRows(
        self, request: pb.ListImportRowsRequest, context: grpc.ServicerContext
    ) -> pb.ListImportRowsResponse:
        """List the kept rows of an import."""
        query = requests.row_query(request)
        self._reader.get(query.import_id)
        page = self._reader.rows(query)
        return pb.ListImportRowsResponse(
            rows=[answers.row_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ListExpectedFiles(
        self, request: pb.ListExpectedFilesRequest, context: grpc.ServicerContext
    ) -> pb.ListExpectedFilesResponse:
        """List which files were expected, and which of them came."""
        feed_id, state = requests.expectation(request)
        found = self._reader.expected(feed_id=feed_id, state=state, most=EXPECTED_MOST)
        return pb.ListExpectedFilesResponse(
            files=[answers.expected_message(each) for each in found]
        )


def _importing(tools: Work) -> Importing:
    return Importing(tools.unit, tools.origin, tools.at)


def _told(tools: Work, found: Import) -> pb.Import:
    return answers.import_message(found, tools.unit.row_counts(found.import_id))
