"""The three servers of a stack, made from one folder, one set of ports and one of passwords."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.kafka.node import Node, new_id
from deploy.local.broker import Broker
from deploy.local.environment import APACHE, TANSU
from deploy.local.folder import DataFolder
from deploy.local.postgres import Postgres
from deploy.local.process import Spec
from deploy.local.valkey import Valkey

NAMES: Final = ("postgres", "valkey", "broker")
ADMIN: Final = "postgres-admin"

# Apache Kafka has a second one, for a cluster's nodes among themselves.
CONTROLLER: Final = "broker-controller"


@dataclass(frozen=True, slots=True)
class Servers:
    """The three, running or not."""

    postgres: Postgres
    valkey: Valkey
    broker: Broker | Node

    def specs(self, names: Iterable[str] = NAMES) -> list[Spec]:
        """How to run those named."""
        makers = {
            "postgres": self.postgres.spec,
            "valkey": self.valkey.spec,
            "broker": self.broker.spec,
        }
        return [makers[name]() for name in names]

    def urls(self) -> dict[str, str]:
        """How to reach each, passwords included."""
        return {
            "postgres": self.postgres.url,
            "valkey": self.valkey.url,
            "broker": self.broker.bootstrap,
        }


def port_names(names: Iterable[str], broker: str) -> list[str]:
    """Return the names of the ports that these servers need."""
    extra = [CONTROLLER] if broker == APACHE and "broker" in names else []
    return [*names, *extra]


def make(
    folder: DataFolder, ports: Mapping[str, int], *, is_durable: bool, broker: str = TANSU
) -> Servers:
    """Return the servers of a data folder; one without a port is not meant to be started."""
    passwords = folder.passwords((*NAMES, ADMIN))
    return Servers(
        Postgres(
            folder.path,
            ports.get("postgres", 0),
            admin_password=passwords[ADMIN],
            owner_password=passwords["postgres"],
            is_durable=is_durable,
        ),
        Valkey(folder.path, ports.get("valkey", 0), passwords["valkey"]),
        _broker(folder, ports, is_durable=is_durable, kind=broker),
    )


def _broker(
    folder: DataFolder, ports: Mapping[str, int], *, is_durable: bool, kind: str
) -> Broker | Node:
    port = ports.get("broker", 0)
    if kind == TANSU:
        return Broker(port)
    controllers = {1: ports.get(CONTROLLER, 0)}
    return Node(1, folder.path, port, controllers, cluster=new_id(), keeps_topics=is_durable)
