"""Wires the questions that are asked of providers."""

from concord.probes.v1 import probe_service_pb2_grpc
from service.application.probing import Probing
from service.probe_watch import ProbeWatch
from service.rpc.probes import ProbeServicer
from service.wiring.ground import Ground, Part


def probes(ground: Ground) -> Part:
    """Return what keeps questions, and what watches how they are answered."""
    metrics = ground.telemetry.metrics
    probing = Probing(ground.storage, ground.encoder, ground.clock, ground.settings.terms)
    watch = ProbeWatch(probing, ground.reader, metrics, ground.clock)
    return Part(
        services={
            "concord.probes.v1.ProbeService": (
                probe_service_pb2_grpc.add_ProbeServiceServicer_to_server,
                ProbeServicer(probing, ground.reader, ground.ids, metrics),
            ),
        },
        works=(watch.sweep, watch.measure),
    )
