"""Wires the comparison of days with what was said of them."""

from concord.reconciliations.v1 import reconciliation_service_pb2_grpc
from service.application.asking_again import ask_feeds
from service.application.reconciling import Reconciling
from service.application.repairing import Repairing
from service.postgres.reconciliation_reading import PostgresReconciliationReader
from service.rpc.reconciliations import ReconciliationServicer
from service.wiring.ground import Ground, Part


def reconciliations(ground: Ground) -> Part:
    """Return what compares days, and what deals with their differences."""
    reconciling = Reconciling(ground.storage, ground.encoder, ground.clock)
    repairing = Repairing(
        ground.storage, ground.encoder, ground.clock, ground.settings.terms, ask_feeds
    )
    reader = PostgresReconciliationReader(ground.engine)
    return Part(
        services={
            "concord.reconciliations.v1.ReconciliationService": (
                reconciliation_service_pb2_grpc.add_ReconciliationServiceServicer_to_server,
                ReconciliationServicer(ground.mutations, reader),
            ),
        },
        works=(reconciling.begin_due, reconciling.compare, repairing.settle),
    )
