"""Wires the exception desk."""

from concord.cases.v1 import case_service_pb2_grpc
from service.application.desk_clock import DeskClock
from service.cel import CelConditions
from service.documents import KeptDocuments
from service.rpc.cases import CaseServicer, CaseUseCases
from service.wiring.ground import Ground, Part


def cases(ground: Ground) -> Part:
    """Return what handles cases, and what they do by themselves."""
    terms, conditions = ground.settings.terms, CelConditions()
    use_cases = CaseUseCases(
        ground.mutations,
        ground.reader,
        ground.clock,
        terms,
        conditions,
        KeptDocuments(ground.settings.documents_url),
    )
    clock = DeskClock(ground.storage, ground.encoder, ground.clock, terms, conditions)
    return Part(
        services={
            "concord.cases.v1.CaseService": (
                case_service_pb2_grpc.add_CaseServiceServicer_to_server,
                CaseServicer(use_cases),
            ),
        },
        works=(clock.look_at_due, clock.look_at_moved),
    )
