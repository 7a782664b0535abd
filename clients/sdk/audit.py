"""Audit: what must hold at every moment, and whether it does."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.audit.v1 import audit_service_pb2 as api
from concord.audit.v1.audit_service_pb2_grpc import AuditServiceStub


class Audit(SubClient[M]):
    """`AuditService`."""

    @unary
    def list_invariants(self) -> Call[api.ListInvariantsResponse]:
        """Return the register, those included that only suites can tell."""
        return _call("ListInvariants", api.ListInvariantsRequest())

    @listed
    def check_invariants(
        self, order: str = "", *, page_size: int = 0, page_token: str = ""
    ) -> Pages[api.Finding]:
        """Iterate over what is found, in one order or in everything; an invariant comes often.

        Raises:
            OrderNotFoundError: there is no such order.
        """
        request = api.CheckInvariantsRequest(
            order=resource("orders", order), page_size=page_size, page_token=page_token
        )
        return Pages(_call("CheckInvariants", request), lambda page: page.findings)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(AuditServiceStub, method, request)
