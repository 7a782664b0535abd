"""Wires customers: who is the same person at several channels."""

from concord.customers.v1 import customer_service_pb2_grpc
from service.application.knowing import Knowing
from service.postgres.people_reading import PostgresPeopleReader
from service.rpc.customers import CustomerServicer
from service.wiring.ground import Ground, Part


def customers(ground: Ground) -> Part:
    """Return what knows customers, and what looks at whose new orders are."""
    reader = PostgresPeopleReader(ground.engine)
    return Part(
        services={
            "concord.customers.v1.CustomerService": (
                customer_service_pb2_grpc.add_CustomerServiceServicer_to_server,
                CustomerServicer(ground.mutations, reader, ground.clock),
            ),
        },
        works=(Knowing(ground.storage, ground.clock).look,),
    )
