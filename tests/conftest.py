"""What every test may ask for: real servers, a fresh database, and the article's samples.

Each xdist worker has servers of its own, started when its first test asks for one.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from deploy.local.stack import EmbeddedServers, database_name
from service.postgres.migrating import migrate

# Their assertions say what differed, as those of tests do; before anything imports them.
pytest.register_assert_rewrite(
    "tests.system.board", "tests.storm.shopping", "tests.trace_shape", "tests.canaries"
)

# By itself Hypothesis fails an example that takes 0.2 s, which on a busy machine any may.
settings.register_profile("concord", settings(), deadline=None)
settings.load_profile("concord")

# By itself structlog prints the variables of every frame: ten seconds for one failure of an agent.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
)

# Eight thousand tests are nearly a million objects that stay; to go through them for garbage again
# and again takes a fifth of the time of tests without IO. So not while they are gathered, and not
# afterwards either: they are set apart, and what tests make is looked at more seldom.
gc.disable()
COLLECTED_AFTER = 20_000

TESTS = Path(__file__).parent
LOGGING = structlog.get_config()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> None:
    """Undo what others on the same worker made of logging: a test may look for lines."""
    structlog.configure(**{**LOGGING, "processors": [*LOGGING["processors"]]})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the longest first, so that the other worker does not end early.

    A file's tests stay together on one worker (`--dist loadfile`).
    """
    order = ("kafka", "system", "integration")
    items.sort(key=lambda item: _rank(item.path.relative_to(TESTS).parts[0], order))


def pytest_collection_finish() -> None:
    """Look for garbage from here on, among what tests make."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


def _rank(folder: str, order: tuple[str, ...]) -> int:
    return order.index(folder) if folder in order else len(order)


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """PostgreSQL, Valkey and the broker, for as long as the session; do not crash these."""
    with EmbeddedServers() as running:
        yield running


@pytest.fixture(scope="session")
def new_database(servers: EmbeddedServers) -> Callable[..., str]:
    """Make databases: call it for the address of a fresh one, a copy of `template` if given."""
    return servers.create_database


@pytest.fixture
def database_url(servers: EmbeddedServers, migrated: str) -> Iterator[str]:
    """The address of a migrated database of this test's own."""
    url = servers.create_database(migrated)
    yield url
    servers.drop_database(url)


@pytest.fixture(scope="session")
def migrated(servers: EmbeddedServers) -> str:
    """The name of a migrated database; a copy takes a tenth of the time of the migrations."""
    url = servers.create_database()
    migrate(url)
    return database_name(url)


@pytest.fixture(scope="module")
def module_database_url(servers: EmbeddedServers, migrated: str) -> Iterator[str]:
    """The address of a migrated database that a module's tests share."""
    url = servers.create_database(migrated)
    yield url
    servers.drop_database(url)


@pytest.fixture
def redis_url(servers: EmbeddedServers) -> str:
    """The address of Valkey; tests share it, so choose keys that are yours alone."""
    return servers.redis_url


@pytest.fixture
def kafka_bootstrap(servers: EmbeddedServers) -> str:
    """The address of the broker; tests share it, so choose topics that are yours alone."""
    return servers.kafka_bootstrap


@pytest.fixture(scope="session")
def sample() -> Callable[[str], bytes]:
    """Read a recorded message by its path below the samples folder; skips when there is none.

    The folder is not part of the repository; CONCORD_SAMPLES says where it is. Each file that was
    read is noted in CONCORD_SAMPLES_REPORT, by which CI tells that the samples were used.
    """
    folder = os.environ.get("CONCORD_SAMPLES")
    report = os.environ.get("CONCORD_SAMPLES_REPORT")

    def read(name: str) -> bytes:
        if folder is None:
            pytest.skip("CONCORD_SAMPLES is not set")
        content = (Path(folder) / name).read_bytes()
        if report is not None:
            with Path(report).open("a") as notes:
                notes.write(f"{name}\n")
        return content

    return read
