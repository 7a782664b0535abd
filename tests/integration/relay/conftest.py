"""Servers that these tests may crash, and a fresh outbox for each test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from deploy.local.stack import EmbeddedServers
from service.postgres.engine import APPLICATION_ROLE, database_url
from service.postgres.tables import metadata
from tests.integration.relay.world import World


@pytest.fixture(scope="module")
def crashable() -> Iterator[EmbeddedServers]:
    """PostgreSQL and a broker of this module's own."""
    with EmbeddedServers(names=("postgres", "broker")) as servers:
        with create_engine(database_url(servers.admin_url)).begin() as connection:
            owner = database_url(servers.database_url).username
            connection.execute(text(f"CREATE ROLE {APPLICATION_ROLE} ROLE {owner}"))
        yield servers


@pytest.fixture
def world(crashable: EmbeddedServers) -> Iterator[World]:
    """An empty database and an empty broker."""
    url = crashable.create_database()
    crashable.kill("broker")
    crashable.start("broker")
    engine = create_engine(database_url(url))
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(
            text(
                f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {APPLICATION_ROLE};"
                f" GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {APPLICATION_ROLE};"
            )
        )
    engine.dispose()
    with World(url, crashable) as built:
        yield built
    crashable.drop_database(url)
