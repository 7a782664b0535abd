"""Reconciliations: days compared with what channels and providers say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.reconciliations.v1 import reconciliation_pb2, statement_pb2
from concord.reconciliations.v1 import reconciliation_service_pb2 as api
from concord.reconciliations.v1.reconciliation_service_pb2_grpc import ReconciliationServiceStub

ORDERS = statement_pb2.Statement.KIND_ORDERS


class Reconciliations(SubClient[M]):
    """`ReconciliationService`."""

    @unary
    def submit_statement_lines(
        self,
        channel: str,
        day: str,
        lines: Sequence[statement_pb2.StatementLine],
        *,
        shop: str = "",
        zone: str = "",
        kind: statement_pb2.Statement.Kind.ValueType = ORDERS,
        request_id: str = "",
    ) -> Call[statement_pb2.Statement]:
        """Keep at most 1000 lines of what a party says of a day; sending again changes nothing."""
        request = api.SubmitStatementLinesRequest(
            kind=kind,
            channel=channel,
            shop=shop,
            day=day,
            zone=zone,
            lines=lines,
            request_id=request_id or self.ids(),
        )
        return _call("SubmitStatementLines", request)

    @unary
    def close_statement(
        self,
        channel: str,
        day: str,
        *,
        shop: str = "",
        zone: str = "",
        expected_lines: int = 0,
        kind: statement_pb2.Statement.Kind.ValueType = ORDERS,
        request_id: str = "",
    ) -> Call[statement_pb2.Statement]:
        """Say that all lines were sent: the day is compared as soon as they are in."""
        request = api.CloseStatementRequest(
            kind=kind,
            channel=channel,
            shop=shop,
            day=day,
            zone=zone,
            expected_lines=expected_lines,
            request_id=request_id or self.ids(),
        )
        return _call("CloseStatement", request)

    @listed
    def list_statements(
        self, *, channel: str = "", page_size: int = 0, page_token: str = ""
    ) -> Pages[statement_pb2.Statement]:
        """Iterate over statements, the newest day first."""
        request = api.ListStatementsRequest(
            channel=channel, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListStatements", request), lambda page: page.statements)

    @unary
    def run_reconciliation(
        self, channel: str, day: str, *, shop: str = "", request_id: str = ""
    ) -> Call[reconciliation_pb2.Reconciliation]:
        """Compare a shop's day now; it is RUNNING when this answers.

        Raises:
            StatementNotFoundError: nothing was said of this day.
        """
        request = api.RunReconciliationRequest(
            channel=channel, shop=shop, day=day, request_id=request_id or self.ids()
        )
        return _call("RunReconciliation", request)

    @unary
    def get(self, name: str) -> Call[reconciliation_pb2.Reconciliation]:
        """Return one comparison, and how many differences it found.

        Raises:
            ReconciliationNotFoundError: there is none.
        """
        request = api.GetReconciliationRequest(name=resource("reconciliations", name))
        return _call("GetReconciliation", request)

    @listed
    def list(
        self, *, channel: str = "", day: str = "", page_size: int = 0, page_token: str = ""
    ) -> Pages[reconciliation_pb2.Reconciliation]:
        """Iterate over comparisons, the newest day first."""
        request = api.ListReconciliationsRequest(
            channel=channel, day=day, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListReconciliations", request), lambda page: page.reconciliations)

    @unary
    def get_difference(self, name: str) -> Call[reconciliation_pb2.Difference]:
        """Return one difference with its explanation.

        Raises:
            DifferenceNotFoundError: there is none.
        """
        request = api.GetDifferenceRequest(name=resource("differences", name))
        return _call("GetDifference", request)

    @listed
    def list_differences(
        self,
        *,
        reconciliation: str = "",
        order: str = "",
        kinds: Sequence[reconciliation_pb2.Difference.Kind.ValueType] = (),
        states: Sequence[reconciliation_pb2.Difference.State.ValueType] = (),
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[reconciliation_pb2.Difference]:
        """Iterate over the differences of a comparison, or of an order."""
        request = api.ListDifferencesRequest(
            reconciliation=resource("reconciliations", reconciliation),
            order=resource("orders", order),
            kinds=kinds,
            states=states,
            page_size=page_size,
            page_token=page_token,
        )
        return Pages(_call("ListDifferences", request), lambda page: page.differences)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(ReconciliationServiceStub, method, request)
