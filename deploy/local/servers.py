"""The three servers of a stack, made from one folder, one set of ports and one of passwords."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from deploy.local.broker import Broker
from deploy.local.folder import DataFolder
from deploy.local.postgres import Postgres
from deploy.local.process import Spec
from deploy.local.valkey import Valkey

NAMES: Final = ("postgres", "valkey", "broker")
ADMIN: Final = "postgres-admin"


@dataclass(frozen=True, slots=True)
class Servers:
    """The three, running or not."""

    postgres: Postgres
    valkey: Valkey
    broker: Broker

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


def make(folder: DataFolder, ports: Mapping[str, int], *, is_durable: bool) -> Servers:
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
        Broker(ports.get("broker", 0)),
    )
