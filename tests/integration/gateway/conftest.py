"""One world for all files of this folder: starting it takes some seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import processes
from benchmarks.merchant import Merchant
from deploy.local.stack import EmbeddedServers
from tests.integration.gateway.world import World


@pytest.fixture(scope="session")
def own_servers() -> Iterator[EmbeddedServers]:
    """PostgreSQL and Valkey of this folder's own: a test takes PostgreSQL away."""
    with EmbeddedServers(names=("postgres", "valkey")) as running:
        yield running


@pytest.fixture(scope="session")
def world(
    own_servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Service and gateway, running."""
    folder = tmp_path_factory.mktemp("gateway")
    merchant = Merchant()
    gateway_address, service_address = processes.free_address(), processes.free_address()
    accounts = merchant.write(folder / "accounts", public_url=f"http://{gateway_address}")
    processes.migrate(own_servers.database_url)
    url = own_servers.database_url
    service = processes.service(folder, service_address, url, own_servers.redis_url)
    gateway = processes.gateway(folder, gateway_address, service_address, accounts)
    made = World(folder, own_servers, merchant, accounts, url, service, gateway)
    try:
        service.until_ready()
        gateway.until_ready()
        yield made
    finally:
        made.gateway.kill()
        made.service.kill()
