"""The whole service over PostgreSQL in this process: its clock stands until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from deploy.local.stack import EmbeddedServers
from service import bootstrap
from service.config import settings
from service.postgres.engine import make_engine
from service.process import telemetry_of
from service.telemetry import Telemetry
from service.wiring.ground import parts_of
from service.wiring.parts import PARTS
from tests.fakes import FakeClock
from tests.integration.desk.world import MONDAY, World
from tests.integration.service.world import free_port


@pytest.fixture(scope="module")
def engine(module_database_url: str) -> Iterator[sa.Engine]:
    """Connections to a migrated database."""
    made = make_engine(module_database_url, connections=12)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def values(
    servers: EmbeddedServers,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The settings of the service."""
    return {
        "CONCORD_DATABASE_URL": module_database_url,
        "CONCORD_REDIS_URL": servers.redis_url,
        "CONCORD_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        "CONCORD_METRICS_ADDRESS": "127.0.0.1:1",
        "CONCORD_SERVICE_ADDRESS": f"127.0.0.1:{free_port()}",
        "CONCORD_SERVICE_THREADS": "4",
        "CONCORD_WATCHERS_MAX": "2",
        "CONCORD_DOCUMENTS_URL": tmp_path_factory.mktemp("documents").as_uri(),
        "CONCORD_LOG_LEVEL": "critical",
    }


@pytest.fixture(scope="module")
def telemetry(values: dict[str, str]) -> Iterator[Telemetry]:
    """Telemetry that exports nothing."""
    made = telemetry_of(settings("serve", values))
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def world(engine: sa.Engine, values: dict[str, str], telemetry: Telemetry) -> Iterator[World]:
    """The service, its clock, and people of every role who call it."""
    clock = FakeClock(MONDAY)
    held = settings("serve", values)
    ground = bootstrap._ground(held, engine, telemetry, clock)  # the composition root
    services, works = parts_of(ground, PARTS)
    server = bootstrap._listening(held, telemetry, services)
    server.start()
    server.set_serving(is_serving=True)
    try:
        with World(held.service_address, clock, works) as made:
            yield made
    finally:
        server.stop(2)
