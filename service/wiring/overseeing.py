"""Wires what oversees the service itself: invariants, and the outbox."""

from concord.audit.v1 import audit_service_pb2_grpc
from concord.outbox.v1 import outbox_service_pb2_grpc
from service import auditors
from service.kafka.topics import NAMES
from service.postgres.outbox_desk import PostgresOutboxQueue
from service.rpc.audit import AuditServicer
from service.rpc.outbox import OutboxServicer
from service.wiring.ground import Ground, Part


def overseeing(ground: Ground) -> Part:
    """Return what looks at invariants, and what shows the outbox."""
    return Part(
        services={
            "concord.audit.v1.AuditService": (
                audit_service_pb2_grpc.add_AuditServiceServicer_to_server,
                AuditServicer(auditors.audit_over(ground.engine, ground.settings)),
            ),
            "concord.outbox.v1.OutboxService": (
                outbox_service_pb2_grpc.add_OutboxServiceServicer_to_server,
                OutboxServicer(PostgresOutboxQueue(ground.engine, topics=NAMES, ids=ground.ids)),
            ),
        },
    )
