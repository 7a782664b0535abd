"""A broker of Apache Kafka whose topics outlive it, and a fresh outbox beside it.

The tests of one broker belong to `make test-kafka`, which sets CONCORD_EMBEDDED_BROKER; elsewhere
they are not even collected. Those of three brokers are marked `long`, and start their own.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from deploy.local.environment import APACHE, embedded_broker
from deploy.local.stack import EmbeddedServers
from service.postgres.engine import database_url
from service.postgres.migrating import migrate
from tests.integration.relay.world import World

collect_ignore = [] if embedded_broker() == APACHE else ["test_one_broker.py", "test_compaction.py"]


@pytest.fixture(scope="module")
def lasting() -> Iterator[EmbeddedServers]:
    """PostgreSQL, and a broker that has its topics again when it comes back."""
    with EmbeddedServers(names=("postgres", "broker"), broker=APACHE, is_durable=True) as servers:
        owner = database_url(servers.database_url).username
        with create_engine(database_url(servers.admin_url)).begin() as connection:
            connection.execute(text(f"ALTER ROLE {owner} CREATEROLE"))
        migrate(servers.database_url)
        yield servers


@pytest.fixture
def world(lasting: EmbeddedServers) -> Iterator[World]:
    """An empty database and an empty broker."""
    url = lasting.create_database(template="concord")
    lasting.empty_broker()
    with World(url, lasting) as built:
        yield built
    lasting.drop_database(url)
