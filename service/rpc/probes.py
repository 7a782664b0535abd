"""Serves `ProbeService`: gives probes to those who ask, and takes what came of it."""

from datetime import timedelta
from typing import Final

import grpc

from concord.probes.v1 import probe_service_pb2 as pb
from concord.probes.v1 import probe_service_pb2_grpc
from service.application.ports import Ids
from service.application.probe_ports import ProbeQuery
from service.application.probing import Probing
from service.application.reading import Reader
from service.domain.probing import ProbeState, Report, Result
from service.domain.providers import ASKABLE
from service.domain.schedules import RETRY_AFTER_MOST
from service.rpc.calling import origin_of
from service.rpc.probe_answers import probe_message
from service.rpc.violations import Violations
from service.telemetry import Metrics, annotate

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
CLAIM: Final = 50
# 200 questions take a worker with some ten connections a few seconds: well within a lease.
CLAIM_MAX: Final = 200
LEASE_S: Final = 60
LEASE_S_LEAST: Final = 5
LEASE_S_MAX: Final = 300
CODE_MAX: Final = 64


class ProbeServicer(probe_service_pb2_grpc.ProbeServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, probing: Probing, reader: Reader, ids: Ids, metrics: Metrics) -> None:
        """Take the use cases, and what counts answers."""
        self._probing = probing
        self._reader = reader
        self._ids = ids
        self._metrics = metrics

    def ClaimProbes(
        self, request: pb.ClaimProbesRequest, context: grpc.ServicerContext
    ) -> pb.ClaimProbesResponse:
        """Lease probes that are due."""
        read = Violations()
        worker = read.text("worker", request.worker, longest=CODE_MAX, needed=True)
        most = read.number("limit", request.limit, most=CLAIM_MAX, default=CLAIM)
        lease_s = request.lease_s or LEASE_S
        if not LEASE_S_LEAST <= lease_s <= LEASE_S_MAX:
            read.add("lease_s", f"send {LEASE_S_LEAST} to {LEASE_S_MAX}, or 0 for {LEASE_S}")
        for at, name in enumerate(request.providers):
            if name not in ASKABLE:
                read.add(f"providers[{at}]", f"send one of: {', '.join(sorted(ASKABLE))}")
        read.refuse()
        # The row says who has it, should a worker stand still.
        lease = f"{worker}:{self._ids()}"
        claimed = self._probing.claim(
            lease,
            most=most,
            lease_for=timedelta(seconds=lease_s),
            providers=list(request.providers),
        )
        return pb.ClaimProbesResponse(probes=[probe_message(each, lease=lease) for each in claimed])

    def ReportProbe(
        self, request: pb.ReportProbeRequest, context: grpc.ServicerContext
    ) -> pb.Probe:
        """Take what came of asking."""
        read = Violations()
        probe_id = read.resource("name", request.name, "probes")
        lease = read.text("lease", request.lease, needed=True)
        code = read.text("code", request.code, longest=CODE_MAX)
        result = _result(request, read)
        if request.retry_after_s < 0:
            read.add("retry_after_s", "send 0 or more")
        read.refuse()
        wait = min(timedelta(seconds=request.retry_after_s), RETRY_AFTER_MOST)
        report = Report(lease, result, code, wait)
        before, after = self._probing.report(probe_id, report, origin_of(context)[0])
        annotate(order=after.order_id)
        if after != before:
            provider = after.inquiry.provider
            self._metrics.probes_asked.labels(provider, result.value).inc()
            if after.state is ProbeState.EXHAUSTED is not before.state:
                self._metrics.probes_exhausted.labels(provider, after.inquiry.kind.value).inc()
        return probe_message(after)

    def GetProbe(self, request: pb.GetProbeRequest, context: grpc.ServicerContext) -> pb.Probe:
        """Return one probe."""
        read = Violations()
        probe_id = read.resource("name", request.name, "probes")
        read.refuse()
        probe = self._reader.probe(probe_id)
        annotate(order=probe.order_id)
        return probe_message(probe)

    def ListProbes(
        self, request: pb.ListProbesRequest, context: grpc.ServicerContext
    ) -> pb.ListProbesResponse:
        """List probes, soonest due first."""
        read = Violations()
        query = ProbeQuery(
            page_size=read.number(
                "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
            ),
            page_token=request.page_token,
            order_id=read.resource("order", request.order, "orders") if request.order else "",
            state=_state(request, read),
            provider=read.word("provider", request.provider, needed=False),
        )
        read.refuse()
        probes, token = self._reader.probes(query)
        return pb.ListProbesResponse(
            probes=[probe_message(each) for each in probes], next_page_token=token
        )

    def RunProbes(
        self, request: pb.RunProbesRequest, context: grpc.ServicerContext
    ) -> pb.RunProbesResponse:
        """Make every armed or exhausted probe of an order due now."""
        read = Violations()
        order_id = read.resource("order", request.order, "orders")
        read.refuse()
        annotate(order=order_id)
        probes = self._probing.run(order_id)
        return pb.RunProbesResponse(probes=[probe_message(each) for each in probes])


def _result(request: pb.ReportProbeRequest, read: Violations) -> Result:
    numbers = {pb.ReportProbeRequest.Result.Value(f"RESULT_{each.value}"): each for each in Result}
    if request.result not in numbers:
        read.add("result", "send what asking brought, such as RESULT_ANSWERED")
    return numbers.get(request.result, Result.UNREACHABLE)


def _state(request: pb.ListProbesRequest, read: Violations) -> ProbeState | None:
    numbers = {pb.Probe.State.Value(f"STATE_{each.value}"): each for each in ProbeState}
    if request.state and request.state not in numbers:
        read.add("state", "send a state of a probe, such as STATE_ARMED")
    return numbers.get(request.state)
