"""Wires orders and what is told of them."""

from concord.intake.v1 import intake_service_pb2_grpc
from concord.orders.v1 import order_service_pb2_grpc
from service.application.intake import Intake
from service.application.waiting import Waiting
from service.rpc.intake import IntakeServicer
from service.rpc.orders import OrderServicer
from service.wiring.ground import Ground, Part


def orders(ground: Ground) -> Part:
    """Return orders, intake, and what happens when deadlines pass."""
    terms = ground.settings.terms
    intake = Intake(ground.storage, ground.encoder, ground.clock, terms)
    waiting = Waiting(ground.storage, ground.encoder, ground.clock, terms)
    return Part(
        services={
            "concord.orders.v1.OrderService": (
                order_service_pb2_grpc.add_OrderServiceServicer_to_server,
                OrderServicer(ground.mutations, ground.reader, ground.clock, ground.watchers),
            ),
            "concord.intake.v1.IntakeService": (
                intake_service_pb2_grpc.add_IntakeServiceServicer_to_server,
                IntakeServicer(intake, ground.reader, ground.clock, ground.telemetry.metrics),
            ),
        },
        works=(
            waiting.expire_due,
            waiting.report_orphans,
            waiting.republish_stale,
            waiting.forget_answers,
        ),
    )
