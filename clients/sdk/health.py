"""Health: whether the server answers, as a whole and for each of its services."""

from __future__ import annotations

from grpc_health.v1 import health_pb2, health_pb2_grpc

from clients.sdk.calls import Call, M, SubClient, unary


class Health(SubClient[M]):
    """`grpc.health.v1.Health`."""

    @unary
    def check(self, service: str = "") -> Call[health_pb2.HealthCheckResponse]:
        """Return the health of a service by its full name, or of the server as a whole.

        Raises:
            NotFoundError: the server has no such service.
        """
        request = health_pb2.HealthCheckRequest(service=service)
        return Call(health_pb2_grpc.HealthStub, "Check", request)
