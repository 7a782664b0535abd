"""The service behind a proxy that cuts its connection to PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog

from deploy.local.stack import EmbeddedServers
from service.config import settings
from service.process import telemetry_of
from service.telemetry import Telemetry
from tests.faults.wire.world import World, a_world

pytest.register_assert_rewrite("tests.faults.wire.acts", "tests.faults.wire.running")


@pytest.fixture(scope="session")
def telemetry() -> Iterator[Telemetry]:
    """Telemetry that exports nothing; what it makes of logging would be every later test's."""
    names = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP")
    addresses = ("METRICS_ADDRESS", "SERVICE_ADDRESS")
    values = {f"CONCORD_{each}": "unused" for each in names}
    values |= {f"CONCORD_{each}": "127.0.0.1:1" for each in addresses}
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    made = telemetry_of(settings("serve", values))
    structlog.configure(**before)
    root.handlers = handlers
    root.setLevel(level)
    yield made
    made.shutdown()


@pytest.fixture(scope="session")
def world(servers: EmbeddedServers, migrated: str, telemetry: Telemetry) -> Iterator[World]:
    """The service behind the proxy, one for all tests: each looks at what it changed itself."""
    with _world(servers, migrated, telemetry) as made:
        yield made


@pytest.fixture
def empty_world(servers: EmbeddedServers, migrated: str, telemetry: Telemetry) -> Iterator[World]:
    """One of the test's own: some answers take a message for each row that anybody wrote."""
    with _world(servers, migrated, telemetry) as made:
        yield made


@contextmanager
def _world(servers: EmbeddedServers, migrated: str, telemetry: Telemetry) -> Iterator[World]:
    url = servers.create_database(migrated)
    with a_world(url, servers, telemetry) as made:
        yield made
    servers.drop_database(url)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service try again at once: how long it rests decides how long these tests take."""
    monkeypatch.setattr("service.postgres.storage.BACKOFF_S", 0.0)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[object], None]:
    """Say something that is seen whether a test fails or not."""

    def tell(what: object) -> None:
        with capsys.disabled():
            print(f"\n{what}", end="", flush=True)  # noqa: T201  # it is a report

    return tell
