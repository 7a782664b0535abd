"""Serves `ReconciliationService`: days compared with what was said of them."""

import grpc

from concord.reconciliations.v1 import reconciliation_pb2, statement_pb2
from concord.reconciliations.v1 import reconciliation_service_pb2 as pb
from concord.reconciliations.v1 import reconciliation_service_pb2_grpc as served
from service.application.reconciling import begin_by_hand
from service.application.reconciling_ports import KeptLine
from service.application.reconciling_reading import ReconciliationReader
from service.domain.reconciling.errors import StatementNotFoundError
from service.domain.reconciling.statements import ShopDay, StatementKind
from service.rpc import reconciliation_answers as answers
from service.rpc import reconciliation_requests as requests
from service.rpc.calling import Mutations, Work
from service.rpc.violations import Violations


class ReconciliationServicer(served.ReconciliationServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, mutations: Mutations, reader: ReconciliationReader) -> None:
        """Take the use cases."""
        self._mutations = mutations
        self._reader = reader

    def SubmitStatementLines(
        self, request: pb.SubmitStatementLinesRequest, context: grpc.ServicerContext
    ) -> statement_pb2.Statement:
        """Keep lines of a statement."""

        def work(tools: Work) -> statement_pb2.Statement:
            read = Violations()
            kind, of = requests.kind(request.kind, read), requests.shop_day(request, read)
            zone, lines = requests.zone(request.zone, read), requests.lines(request, read)
            read.refuse()
            kept = [KeptLine(each) for each in lines]
            tools.unit.keep_lines(kind, of, kept, zone=zone, at=tools.at)
            return _stated(tools, kind, of)

        return self._mutations.run(request, context, statement_pb2.Statement, work)

    def CloseStatement(
        self, request: pb.CloseStatementRequest, context: grpc.ServicerContext
    ) -> statement_pb2.Statement:
        """Take it that all lines were sent."""

        def work(tools: Work) -> statement_pb2.Statement:
            read = Violations()
            kind, of = requests.kind(request.kind, read), requests.shop_day(request, read)
            zone = requests.zone(request.zone, read)
            if request.expected_lines < 0:
                read.add("expected_lines", "send 0 or more")
            read.refuse()
            expected = request.expected_lines
            tools.unit.close_statement(kind, of, zone=zone, expected=expected, at=tools.at)
            return _stated(tools, kind, of)

        return self._mutations.run(request, context, statement_pb2.Statement, work)

    def ListStatements(
        self, request: pb.ListStatementsRequest, context: grpc.ServicerContext
    ) -> pb.ListStatementsResponse:
        """List statements, the newest day first."""
        page = self._reader.statements(requests.query(request))
        return pb.ListStatementsResponse(
            statements=[answers.statement_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def RunReconciliation(
        self, request: pb.RunReconciliationRequest, context: grpc.ServicerContext
    ) -> reconciliation_pb2.Reconciliation:
        """Compare a shop's day now."""

        def work(tools: Work) -> reconciliation_pb2.Reconciliation:
            read = Violations()
            of = requests.shop_day(request, read)
            read.refuse()
            begun = begin_by_hand(tools.unit, of, at=tools.at)
            return answers.reconciliation_message(begun, ())

        return self._mutations.run(request, context, reconciliation_pb2.Reconciliation, work)

    def GetReconciliation(
        self, request: pb.GetReconciliationRequest, context: grpc.ServicerContext
    ) -> reconciliation_pb2.Reconciliation:
        """Return one comparison, and how many differences it found."""
        found = self._reader.reconciliation(requests.reconciliation_id(request.name))
        return answers.reconciliation_message(*found)

    def ListReconciliations(
        self, request: pb.ListReconciliationsRequest, context: grpc.ServicerContext
    ) -> pb.ListReconciliationsResponse:
        """List comparisons, the newest day first."""
        page = self._reader.reconciliations(requests.query(request, request.day))
        return pb.ListReconciliationsResponse(
            reconciliations=[answers.reconciliation_message(*each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def GetDifference(
        self, request: pb.GetDifferenceRequest, context: grpc.ServicerContext
    ) -> reconciliation_pb2.Difference:
        """Return one difference with its explanation."""
        found = self._reader.difference(requests.difference_id(request.name))
        return answers.difference_message(found)

    def ListDifferences(
        self, request: pb.ListDifferencesRequest, context: grpc.ServicerContext
    ) -> pb.ListDifferencesResponse:
        """List the differences of a comparison, or of an order."""
        page = self._reader.differences(requests.difference_query(request))
        return pb.ListDifferencesResponse(
            differences=[answers.difference_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )


def _stated(tools: Work, kind: StatementKind, of: ShopDay) -> statement_pb2.Statement:
    found = tools.unit.find_statement(kind, of)
    if found is None:
        raise StatementNotFoundError(channel=of.channel, shop=of.shop, day=of.day.isoformat())
    return answers.statement_message(found)
