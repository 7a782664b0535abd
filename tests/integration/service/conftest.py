"""The service with its PostgreSQL: storage for tests of storage, a server for calls over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
import sqlalchemy as sa

from concord.cases.v1 import case_service_pb2_grpc
from concord.intake.v1 import intake_service_pb2_grpc
from concord.orders.v1 import order_service_pb2_grpc
from deploy.local.stack import EmbeddedServers
from service import bootstrap
from service.config import settings
from service.kafka.encoding import ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.reader import PostgresReader
from service.postgres.storage import PostgresStorage
from service.process import telemetry_of
from service.telemetry import Telemetry
from tests.fakes import FakeClock
from tests.integration.service.world import Service, Storing, free_port

THREADS = 16


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[sa.Engine]:
    """Connections of the application to a migrated database."""
    made = make_engine(module_database_url, connections=2 * THREADS)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def owner(engine: sa.Engine, module_database_url: str) -> Iterator[sa.Engine]:
    """Connections as the owner of the tables, who may do what the application may not."""
    made = make_engine(module_database_url, connections=2, as_owner=True)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def superuser(
    engine: sa.Engine, servers: EmbeddedServers, module_database_url: str
) -> Iterator[sa.Engine]:
    """Connections of one who may do everything."""
    name = sa.make_url(module_database_url).database
    url = sa.make_url(servers.admin_url).set(database=name)
    made = make_engine(url.render_as_string(hide_password=False), connections=2, as_owner=True)
    yield made
    made.dispose()


@pytest.fixture
def storing(engine: sa.Engine) -> Storing:
    """Intake over the module's database, its clock standing still."""
    return Storing(
        PostgresStorage(engine, ProtobufEnvelopes()), PostgresReader(engine), FakeClock()
    )


@pytest.fixture(scope="session")
def telemetry() -> Iterator[Telemetry]:
    """Telemetry that exports nothing."""
    values = {
        "CONCORD_DATABASE_URL": "postgresql://unused",
        "CONCORD_REDIS_URL": "redis://unused",
        "CONCORD_KAFKA_BOOTSTRAP": "unused",
        "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
        "CONCORD_SERVICE_ADDRESS": "127.0.0.1:1",
        "CONCORD_LOG_LEVEL": "critical",
    }
    made = telemetry_of(settings("serve", values))
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def service(
    engine: sa.Engine, module_database_url: str, servers: EmbeddedServers, telemetry: Telemetry
) -> Iterator[Service]:
    """The service, in this process, over gRPC."""
    address = f"127.0.0.1:{free_port()}"
    made = bootstrap._server(  # the composition root
        settings(
            "serve",
            {
                "CONCORD_DATABASE_URL": module_database_url,
                "CONCORD_REDIS_URL": servers.redis_url,
                "CONCORD_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
                "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
                "CONCORD_SERVICE_ADDRESS": address,
                "CONCORD_SERVICE_THREADS": str(THREADS),
                "CONCORD_WATCHERS_MAX": "4",
            },
        ),
        engine,
        telemetry,
    )
    made.start()
    made.set_serving(is_serving=True)
    try:
        with grpc.insecure_channel(address) as channel:
            yield Service(
                channel,
                order_service_pb2_grpc.OrderServiceStub(channel),
                intake_service_pb2_grpc.IntakeServiceStub(channel),
                case_service_pb2_grpc.CaseServiceStub(channel),
                address,
            )
    finally:
        made.stop(2)
