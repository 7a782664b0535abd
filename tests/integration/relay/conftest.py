"""Servers that these tests may crash, and a fresh outbox for each test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from deploy.local.stack import EmbeddedServers
from service.postgres.engine import database_url
from service.postgres.migrating import migrate
from tests.integration.relay.world import World


@pytest.fixture(scope="session")
def crashable() -> Iterator[EmbeddedServers]:
    """PostgreSQL and a broker of these tests' own; whoever ends one brings it back."""
    with EmbeddedServers(names=("postgres", "broker")) as servers:
        owner = database_url(servers.database_url).username
        with create_engine(database_url(servers.admin_url)).begin() as connection:
            connection.execute(text(f"ALTER ROLE {owner} CREATEROLE"))
        migrate(servers.database_url)
        yield servers


@pytest.fixture
def world(crashable: EmbeddedServers) -> Iterator[World]:
    """An empty database and an empty broker."""
    url = crashable.create_database(template="concord")
    crashable.empty_broker()
    with World(url, crashable) as built:
        yield built
    crashable.drop_database(url)
