"""Wires the exception desk."""

from concord.cases.v1 import case_service_pb2_grpc
from service.rpc.cases import CaseServicer
from service.wiring.ground import Ground, Part


def cases(ground: Ground) -> Part:
    """Return what handles cases."""
    return Part(
        services={
            "concord.cases.v1.CaseService": (
                case_service_pb2_grpc.add_CaseServiceServicer_to_server,
                CaseServicer(ground.mutations, ground.reader, ground.clock),
            ),
        },
    )
