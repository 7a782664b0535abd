"""The fake service's probes: put there by a test, claimed, reported and run, without a schedule."""

from __future__ import annotations

from datetime import timedelta

from clients.sdk.fake_memory import page_of, refusal, stamp
from clients.sdk.fake_orders import FakeOrders
from concord.orders.v1 import order_service_pb2 as orders
from concord.probes.v1 import probe_service_pb2 as api

# Of what brought something, the provider is asked again after a minute.
AGAIN_S = 60
LEARNT = frozenset(
    {
        api.ReportProbeRequest.RESULT_ANSWERED,
        api.ReportProbeRequest.RESULT_NOT_FOUND,
        api.ReportProbeRequest.RESULT_SUBMITTED,
    }
)


class FakeProbes(FakeOrders):
    """Probes; a probe that was claimed is due again when it is reported or run."""

    def __init__(self) -> None:
        super().__init__()
        self.probes: dict[str, api.Probe] = {}
        self._leased: set[str] = set()

    def claim_probes(self, request: api.ClaimProbesRequest) -> api.ClaimProbesResponse:
        due = [
            probe
            for probe in self.probes.values()
            if probe.state == api.Probe.STATE_ARMED
            and probe.name not in self._leased
            and (not request.providers or probe.provider in request.providers)
            and not probe.due_time.seconds
        ][: request.limit or 50]
        answer = api.ClaimProbesResponse()
        for probe in due:
            self._leased.add(probe.name)
            probe.lease = f"lease-{probe.name}-{probe.asked + probe.missed}"
            answer.probes.add().CopyFrom(probe)
        return answer

    def report_probe(self, request: api.ReportProbeRequest) -> api.Probe:
        probe = self.get_probe(api.GetProbeRequest(name=request.name))
        if probe.name not in self._leased or probe.lease != request.lease:
            raise refusal("LEASE_LOST", probe=probe.name)
        self._leased.discard(probe.name)
        if request.result in LEARNT:
            probe.asked, probe.missed = probe.asked + 1, 0
        else:
            probe.missed += 1
        if request.result == api.ReportProbeRequest.RESULT_SUBMITTED:
            probe.submit = False
        probe.last_result, probe.last_code = request.result, request.code
        now = self._now()
        probe.last_ask_time.CopyFrom(stamp(now))
        probe.due_time.CopyFrom(stamp(now + timedelta(seconds=request.retry_after_s or AGAIN_S)))
        return probe

    def get_probe(self, request: api.GetProbeRequest) -> api.Probe:
        if request.name not in self.probes:
            raise refusal("PROBE_NOT_FOUND", probe=request.name)
        return self.probes[request.name]

    def list_probes(self, request: api.ListProbesRequest) -> api.ListProbesResponse:
        chosen = [
            probe
            for probe in self.probes.values()
            if request.order in {"", probe.order}
            and request.state in {0, probe.state}
            and request.provider in {"", probe.provider}
        ]
        page, following = page_of(chosen, request)
        return api.ListProbesResponse(probes=page, next_page_token=following)

    def run_probes(self, request: api.RunProbesRequest) -> api.RunProbesResponse:
        self.get_order(orders.GetOrderRequest(name=request.order))
        chosen = [
            probe
            for probe in self.probes.values()
            if probe.order == request.order and probe.state != api.Probe.STATE_DISARMED
        ]
        if not chosen:
            raise refusal("PROBE_NOT_FOUND", probe="")
        for probe in chosen:
            probe.state = api.Probe.STATE_ARMED
            probe.ClearField("due_time")
        return api.RunProbesResponse(probes=chosen)
