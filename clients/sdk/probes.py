"""Probes: what is asked of providers, and the work of asking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.probes.v1 import probe_service_pb2 as api
from concord.probes.v1.probe_service_pb2_grpc import ProbeServiceStub


class ProbeFilter(TypedDict, total=False):
    """Which probes to list; all that are given must hold."""

    order: str
    state: api.Probe.State.ValueType
    provider: str
    page_size: int
    page_token: str


class Probes(SubClient[M]):
    """`ProbeService`."""

    @unary
    def claim(
        self, worker: str, *, providers: Sequence[str] = (), limit: int = 0, lease_s: int = 0
    ) -> Call[api.ClaimProbesResponse]:
        """Lease probes that are due, in the order in which they should be asked.

        Each has its `lease`; when it ends unreported, others may claim the probe.
        """
        request = api.ClaimProbesRequest(
            worker=worker, providers=providers, limit=limit, lease_s=lease_s
        )
        return _call("ClaimProbes", request)

    @unary
    def report(
        self,
        name: str,
        lease: str,
        result: api.ReportProbeRequest.Result.ValueType,
        *,
        code: str = "",
        retry_after_s: int = 0,
    ) -> Call[api.Probe]:
        """Tell what came of asking, which ends the lease; the answer goes in as a receipt, before.

        Raises:
            ProbeNotFoundError: there is none.
            LeaseLostError: it took too long; nothing is lost.
        """
        request = api.ReportProbeRequest(
            name=_name(name), lease=lease, result=result, code=code, retry_after_s=retry_after_s
        )
        return _call("ReportProbe", request)

    @unary
    def get(self, name: str) -> Call[api.Probe]:
        """Return one probe.

        Raises:
            ProbeNotFoundError: there is none.
        """
        return _call("GetProbe", api.GetProbeRequest(name=_name(name)))

    @listed
    def list(self, **where: Unpack[ProbeFilter]) -> Pages[api.Probe]:
        """Iterate over probes, soonest due first."""
        request = api.ListProbesRequest(**where)
        request.order = resource("orders", request.order)
        return Pages(_call("ListProbes", request), lambda page: page.probes)

    @unary
    def run(self, order: str) -> Call[api.RunProbesResponse]:
        """Make every armed or exhausted probe of an order due now, and return them.

        Raises:
            OrderNotFoundError: there is no such order.
            ProbeNotFoundError: there is nothing to ask about it.
        """
        return _call("RunProbes", api.RunProbesRequest(order=resource("orders", order)))


def _name(name: str) -> str:
    return resource("probes", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(ProbeServiceStub, method, request)
