"""Wires what people see of the exception desk's queues."""

import time

from concord.cases.v1 import queue_service_pb2_grpc
from service.application.queues import Queues
from service.rpc.queues import QueueServicer
from service.wiring.ground import Ground, Part


def queues(ground: Ground) -> Part:
    """Return what shows queues and the desk's numbers."""
    asked = Queues(ground.reader, ground.clock, time.sleep)
    return Part(
        services={
            "concord.cases.v1.QueueService": (
                queue_service_pb2_grpc.add_QueueServiceServicer_to_server,
                QueueServicer(asked, ground.watchers),
            ),
        },
    )
