"""Wires customers: who is the same person at several channels, and what they bought."""

import time

from concord.customers.v1 import customer_service_pb2_grpc
from service.application.knowing import Knowing
from service.application.profiling import ProfileVerifier, Profiling
from service.kafka.profile_encoding import ProtobufProfileEncoder
from service.postgres.people_reading import PostgresPeopleReader
from service.postgres.profile_reading import PostgresProfiles
from service.rpc.customers import CustomerServicer
from service.views import connection as views
from service.views.profiles import RedisProfileView
from service.wiring.ground import Ground, Part


def customers(ground: Ground) -> Part:
    """Return what knows customers, and what looks at whose new orders are."""
    url = ground.settings.redis_url
    view = RedisProfileView(views.connect(url))
    # A proof reads the whole view, and may take its time over it.
    patient = RedisProfileView(views.connect(url, timeout_s=views.PATIENT_TIMEOUT_S))
    reader = PostgresPeopleReader(ground.engine, view)
    counted = PostgresProfiles(ground.engine)
    verifier = ProfileVerifier(patient, counted, ground.clock, time.sleep)
    servicer = CustomerServicer(ground.mutations, reader, verifier, ground.clock)
    return Part(
        services={
            "concord.customers.v1.CustomerService": (
                customer_service_pb2_grpc.add_CustomerServiceServicer_to_server,
                servicer,
            ),
        },
        works=(
            Knowing(ground.storage, ground.clock).look,
            Profiling(ground.storage, ProtobufProfileEncoder(), ground.clock).tell,
        ),
    )
